"""Calls of clients that others wrote, small: what the service answers, the Spotler sandbox answers.

Each row is one call against a fresh account with contact `c1`, who is in the campaign with a message `CmlCartFirst`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.spotler_sandbox.cases.calls import (
    DATE,
    MAKE_ORDER,
    MAKE_SHOVEL,
    MESSAGE,
    NO_DATES,
    POST_URL,
    SHOVEL,
    SIGN_UP,
    TRIGGER,
    YEAR,
    order,
    send,
)
from tests.spotler_sandbox.session import Spotler


@dataclass(frozen=True)
class Case:
    """`holds`: what the answer must contain; of an object the named keys, of a text a part."""

    id: str
    call: str
    status: int
    holds: Any = None
    body: Any = None
    before: tuple[tuple[str, Any], ...] = field(default=())


CASES = (
    Case("S01", "POST /product", 204, body=MAKE_SHOVEL[1]),
    Case("S01-again", "POST /product", 400, {"errorType": "ID_NOTUNIQUE"}, MAKE_SHOVEL[1], (MAKE_SHOVEL,)),
    Case("S01-upsert", "POST /product", 204, body={"update": True, "product": SHOVEL}, before=(MAKE_SHOVEL,)),
    Case("S01-bare", "POST /product", 400, {"message": "price"}, {"product": {"externalId": "P", "name": "Shovel"}}),
    Case("S02", "GET /product/P-404", 404, {"errorType": "PRODUCT_NOTFOUND"}),
    Case("S02-known", "GET /product/P-1", 200, {**SHOVEL, "stock": "UNKNOWN", "visible": True}, before=(MAKE_SHOVEL,)),
    Case(
        "S03",
        "PUT /product/P-404",
        404,
        {"errorType": "PRODUCT_NOTFOUND"},
        {"update": True, "product": {"externalId": "P-404", "name": "Shovel"}},
    ),
    Case(
        "S03-known",
        "PUT /product/P-1",
        204,
        body={"update": True, "product": {"externalId": "P-1", "name": "Spade"}},
        before=(MAKE_SHOVEL,),
    ),
    Case("S04", "DELETE /product/P-404", 404, {"errorType": "PRODUCT_NOTFOUND"}),
    Case("S04-known", "GET /product/P-1", 200, {"deleted": True}, before=(MAKE_SHOVEL, ("DELETE /product/P-1", None))),
    Case("S05", "GET /product/custom-properties/list", 200, [{"name": "colour"}, {"name": "size"}]),
    Case("S06", "GET /product/search?MPSearchQuery=name%3Dx&pageSize=10", 200, [], before=(MAKE_SHOVEL,)),
    Case(
        "S06-found",
        "GET /product/search?MPSearchQuery=name%3DShovel&after=",
        200,
        [{"price": "999"}],
        None,
        (MAKE_SHOVEL,),
    ),
    Case("S07", "POST /order", 400, {"errorType": "CONTACT_NOT_FOUND"}, order(externalContactId="none")),
    Case("S07-product", "POST /order", 400, {"errorType": "PRODUCT_NOTFOUND"}, order()),
    Case("S07-known", "POST /order", 204, body=order(), before=(MAKE_SHOVEL,)),
    Case("S07-empty", "POST /order", 400, {"errorType": "INVALID_PARAMS"}, order(externalProductIds=[])),
    Case("S08", "PUT /order/O-404", 404, {"errorType": "ORDER_NOTFOUND"}, order(externalId="O-404")),
    Case("S08-known", "PUT /order/O-1", 204, body=order(value="200"), before=(MAKE_SHOVEL, MAKE_ORDER)),
    Case("S09", "DELETE /order/O-404", 404, {"errorType": "ORDER_NOTFOUND"}),
    Case("S09-known", "DELETE /order/O-1", 204, before=(MAKE_SHOVEL, MAKE_ORDER)),
    Case(
        "S10",
        "POST /conversion",
        400,
        {"errorType": "INVALID_PARAMS"},
        {"mailplusId": "nonsense", "type": "CONVERSION", "interactionDate": DATE},
    ),
    Case(
        "S10-malformed",
        "POST /conversion",
        400,
        {"errorType": "INVALID_PARAMS", "message": "mailplusId"},
        {"mailplusId": "nonsense", "type": "CONVERT_SHOPPINGCART", "interactionDate": DATE},
    ),
    Case("S11", "GET /form/list?formSubType=subscribe&formState=", 200, [{"id": 1, "formState": "final"}]),
    Case("S11-none", "GET /form/list?formSubType=editProfile", 200, []),
    Case(
        "S12", "GET /form/1?postUrl=https%3A%2F%2Fsite.example%2F", 200, {"html": POST_URL, "isConfirmationPage": False}
    ),
    Case("S12-unknown", "GET /form/404?postUrl=x", 404, {"errorType": "FORM_NOT_FOUND"}),
    Case("S13", "POST /form/1", 200, {"html": "<form", "url": ""}, {"postUrl": POST_URL, "prefilledValues": {}}),
    Case(
        "S13-filled",
        "POST /form/1",
        200,
        {"html": 'value="Ann &amp; Bo"'},
        {"postUrl": POST_URL, "prefilledValues": {"firstName": ["Ann & Bo"]}},
    ),
    Case("S13-unknown", "POST /form/404", 404, {"errorType": "FORM_NOT_FOUND"}, {"postUrl": POST_URL}),
    Case(
        "S14",
        "POST /form/result/1",
        200,
        {"html": "required", "isConfirmationPage": False},
        {"postUrl": POST_URL, "formParams": {}},
    ),
    Case("S14-entered", "POST /form/result/1", 200, {"isConfirmationPage": True}, SIGN_UP[1]),
    Case("S14-unknown", "POST /form/result/404", 404, {"errorType": "FORM_NOT_FOUND"}, SIGN_UP[1]),
    Case(
        "S15",
        "GET /form/result/1?completed=true&startDate=20240301&endDate=20240301235959",
        200,
        [{"completed": True, "answers": [{"description": "E-mail address", "answer": ["new@example.com"]}]}],
        before=(SIGN_UP,),
    ),
    Case("S15-early", "GET /form/result/1?endDate=20240229", 200, [], before=(SIGN_UP,)),
    Case("S16", "GET /form/result/1/1", 404, {"errorType": "FORMRESULT_NOT_FOUND"}),
    Case("S16-form", "GET /form/result/404/1", 404, {"errorType": "FORM_NOT_FOUND"}),
    Case("S20", f"GET {MESSAGE}", 200, {"name": "You left something", "message": {"subject": "Your cart is waiting"}}),
    Case("S20-unknown", "GET /campaign-mailing/none", 404, {"errorType": "MAILING_NOTFOUND"}),
    Case("S20-kind", "GET /mailing/CmlCartFirst", 400, {"errorType": "INVALID_MAILING"}),
    Case("S21", f"GET {MESSAGE}/recipients", 200, {"recipients": [{"contactIdentifier": {"externalId": "c1"}}]}),
    Case("S21-later", f"GET {MESSAGE}/recipients?fromDate=2024-03-02&toDate=", 200, {"recipients": []}),
    Case("S22", f"GET {MESSAGE}/opens", 200, {"opens": [], "paging": {"after": 0}}),
    Case("S23", f"GET {MESSAGE}/clicks", 200, {"clicks": [], "paging": {"after": 0}}),
    Case("S24", f"GET {MESSAGE}/bounces?after=1", 200, {"bounces": []}),
    Case("S25", f"GET {MESSAGE}/opens/404", 404, {"errorType": "RESOURCE_NOT_FOUND"}),
    Case("S27", "GET /trend-report", 200, {"trendReports": [{"id": 1, "enabled": True}]}),
    Case("S27-off", "GET /trend-report?enabled=false", 200, {"trendReports": []}),
    Case("S31", f"GET /contact/updates/list?{YEAR}&pageSize=10&after=", 200, [{"externalId": "c1"}]),
    Case("S32", f"GET /mailing-interaction/sent?{NO_DATES}", 200, {"interactions": []}),
    Case("S33", "GET /contact/c1/forms?after=&pageSize=", 200, {"formHistories": []}),
    Case(
        "S35",
        f"POST {TRIGGER}",
        400,
        {"errorType": "CONTACT_NOT_FOUND"},
        {"externalContactId": "none", "campaignFields": None},
    ),
    Case(
        "S35-known",
        f"POST {TRIGGER}",
        204,
        body={"externalContactId": "c1", "campaignFields": None},
        before=(("POST /campaign/CmpAbandonCart/stop", {"externalContactId": "c1"}),),
    ),
    Case(
        "S36",
        f"POST {TRIGGER}",
        400,
        {"errorType": "PRODUCT_NOTFOUND"},
        {
            "externalContactId": "c1",
            "campaignFields": [{"name": "cart", "type": "PRODUCTLIST", "values": ["no-such"]}],
        },
    ),
)


def contains(found: Any, wanted: Any) -> bool:
    """Compare an object by the keys that matter, a text by a part of it, a list one by one."""
    match wanted:
        case dict():
            return all(name in found and contains(found[name], value) for name, value in wanted.items())
        case list():
            return len(found) == len(wanted) and all(map(contains, found, wanted))
        case str():
            return wanted in found
        case _:
            return bool(found == wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_call_is_answered_as_the_service_answers_it(spotler: Spotler, case: Case) -> None:
    for call, body in case.before:
        assert send(spotler, call, body).status_code in {200, 204}
    answer = send(spotler, case.call, case.body)
    assert answer.status_code == case.status, answer.text
    assert answer.content == b"" if case.holds is None else contains(answer.json(), case.holds), answer.text
