"""Calls of clients that others wrote, small: what the service answers, the Spotler sandbox answers.

Each row is one call against a fresh account with contact `c1`, who is in the campaign with a message `CmlCartFirst`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from requests import Response
from requests_oauthlib import OAuth1Session

from tests.spotler_sandbox.session import KEY, SECRET, Sandbox, Spotler

SHOVEL = {"externalId": "P-1", "name": "Shovel", "price": "999", "link": "https://shop.example/p/1"}
DATE = "2026-01-01T00:00:00+01:00"
POST_URL = "https://site.example/"
MESSAGE = "/campaign-mailing/CmlCartFirst"
TRIGGER = "/campaign/trigger/TrgCartLeft"
NO_DATES = "fromDate=&toDate=&fromChangeDate=&toChangeDate=&trendReportIds=&after=&pageSize="
YEAR = "fromDate=2024-01-01T00%3A00%3A00%2B01%3A00&toDate=2024-12-31T00%3A00%3A00%2B01%3A00"


def order(**values: Any) -> dict[str, Any]:
    plain = {
        "externalId": "O-1",
        "externalContactId": "c1",
        "date": DATE,
        "value": "100",
        "externalProductIds": ["P-1"],
    }
    return {"update": False, "order": {**plain, **values}}


@dataclass(frozen=True)
class Case:
    """`holds`: what the answer must contain; of an object the named keys, of a text a part."""

    id: str
    call: str
    status: int
    holds: Any = None
    body: Any = None
    before: tuple[tuple[str, Any], ...] = field(default=())


MAKE_SHOVEL = ("POST /product", {"update": False, "product": SHOVEL})
MAKE_ORDER = ("POST /order", order())
SIGN_UP = ("POST /form/result/1", {"postUrl": POST_URL, "formParams": {"email": ["new@example.com"]}})

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


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    spotler = sandbox.open()
    spotler.prefix = "/integrationservice-1.1.0"
    spotler.write("c1", email="c1@example.com")
    assert send(spotler, f"POST {TRIGGER}", {"externalContactId": "c1"}).status_code == 204
    return spotler


def send(spotler: Spotler, call: str, body: Any) -> Response:
    method, path = call.split(" ")
    return spotler.call(method, path, **({} if body is None else {"json": body}))


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


def test_s34_oauth_fields_may_come_in_the_query(spotler: Spotler) -> None:
    session = OAuth1Session(KEY, client_secret=SECRET, signature_type="query")
    base = f"{spotler.origin}/integrationservice-1.1.0"
    json = {"Accept": "application/json"}
    assert session.get(f"{base}/contact/properties/list", headers=json, timeout=5).status_code == 200
    page = session.get(f"{base}/contact/c1/campaign-mailings?after=0", headers=json, timeout=5)
    assert page.json()["campaignMailingHistories"][0]["campaignMailing"]["encryptedId"] == "CmlCartFirst"
    wrong = OAuth1Session(KEY, client_secret="wrong", signature_type="query")
    refused = wrong.get(f"{base}/contact/c1", headers=json, timeout=5)
    assert (refused.status_code, refused.json()["errorType"]) == (401, "NOT_AUTHORIZED")


def test_the_next_page_is_named_without_the_oauth_fields(spotler: Spotler) -> None:
    spotler.clock.forward(minutes=1)
    spotler.write("c2", email="c2@example.com")
    session = OAuth1Session(KEY, client_secret=SECRET, signature_type="query")
    url = f"{spotler.origin}/integrationservice/contact/updates/list?{YEAR}&pageSize=1"
    following = session.get(url, headers={"Accept": "application/json"}, timeout=5).json()["paging"]["next"]
    assert "oauth" not in following
    assert [person["externalId"] for person in session.get(following, timeout=5).json()["contacts"]] == ["c2"]


def test_s32_the_interactions_are_all_there_without_dates(spotler: Spotler) -> None:
    spotler.people("POST", "/mailing", json={"name": "News"})
    for kind, count in (("sent", 1), ("opened", 0), ("clicked", 0), ("bounced", 0)):
        answer = send(spotler, f"GET /mailing-interaction/{kind}?{NO_DATES}", None)
        assert len(answer.json()["interactions"]) == count


def test_s10_a_cart_is_counted_for_the_mailing_whose_link_was_clicked(spotler: Spotler) -> None:
    sent = spotler.people("POST", "/mailing", json={"name": "News"})["encryptedId"]
    clicked = spotler.people("POST", "/contact/click", params={"externalId": "c1", "mailing": sent})
    for kind in ("CREATE_SHOPPINGCART", "CONVERT_SHOPPINGCART"):
        body = {"mailplusId": clicked["mailplusId"], "type": kind, "value": 4590, "interactionDate": DATE}
        assert send(spotler, "POST /conversion", body).status_code == 204
    statistics = spotler.get(f"/mailing/{sent}/statistics")
    names = ("clickCount", "shoppingcartCreatedCount", "shoppingcartConvertedCount", "conversionValue")
    assert [statistics[name] for name in names] == [1, 1, 1, 4590]


def test_s10_a_conversion_of_nobody_or_of_an_unknown_product_is_400(spotler: Spotler) -> None:
    clicked = spotler.people("POST", "/contact/click", params={"externalId": "c1"})
    body = {"type": "CONVERT_SHOPPINGCART", "interactionDate": DATE, "products": ["none"]}
    unknown = send(spotler, "POST /conversion", {**body, "mailplusId": "x" * 12})
    assert (unknown.status_code, unknown.json()["errorType"]) == (400, "MAILING_NOTFOUND")
    product = send(spotler, "POST /conversion", {**body, "mailplusId": clicked["mailplusId"]})
    assert (product.status_code, product.json()["errorType"]) == (400, "PRODUCT_NOTFOUND")


def test_s22_to_s25_what_a_contact_does_with_a_campaign_message_is_seen_everywhere(spotler: Spotler) -> None:
    for act in ("open", "click", "soft-bounce"):
        spotler.people("POST", f"/contact/{act}", params={"externalId": "c1", "mailing": "CmlCartFirst"})
    for kind, items in (("opens", "openDate"), ("clicks", "clickDate"), ("bounces", "bounceDate")):
        (item,) = spotler.get(f"{MESSAGE}/{kind}")[kind]
        assert item[items] == "2024-03-01T10:00:00+01:00"
        assert item["contactIdentifier"]["externalId"] == "c1"
    run = item["campaignSubscriptionId"]
    assert spotler.get(f"{MESSAGE}/opens/{run}")["opens"] == [{"openDate": "2024-03-01T10:00:00+01:00"}]
    assert spotler.get(f"{MESSAGE}/clicks/{run}")["clicks"][0]["linkId"] == 1
    (history,) = spotler.get("/contact/c1/campaign-mailings")["campaignMailingHistories"]
    assert (history["opened"], history["clicked"], history["bounce"]) == (True, True, "SOFTBOUNCE")
    (bounce,) = spotler.get("/contact/bounces/list", fromDate="2024-01-01", toDate="2025-01-01")
    assert bounce["encryptedActId"] == "CmlCartFirst"
    assert spotler.get("/mailing-interaction/bounced")["interactions"] == []


def test_s14_an_entry_makes_a_contact_and_a_result(spotler: Spotler) -> None:
    send(spotler, *SIGN_UP)
    (person,) = spotler.people("GET", "/contacts", params={"email": "new@example.com"})
    (entry,) = spotler.get("/form/result/1")
    assert spotler.get(f"/form/result/1/{entry['formResultId']}") == entry
    page = spotler.get("/form/1", postUrl=POST_URL, encId=person["encryptedId"], outputMode="DIV")["html"]
    assert 'value="new@example.com"' in page
    assert "<table" not in page


def test_s12_s14_the_vendors_first_plugin_shows_a_form_and_sends_it_in_xml(spotler: Spotler) -> None:
    spotler.prefix = "/integrationservice"
    own = {"rest": "1", "method": "postUrl", "arg1": POST_URL, "postUrl": POST_URL, "outputMode": "TABLES"}
    wants_xml = {"Accept": "*/*"}
    listed = spotler.call("GET", "/form/list", params={"rest": "1"}, headers=wants_xml)
    assert [form.findtext("name") for form in ET.fromstring(listed.content)] == ["Sign-up"]
    page = ET.fromstring(spotler.call("GET", "/form/1", params=own, headers=wants_xml).content)
    fields = dict(re.findall(r'name="(\w+)" value="(\w*)"', page.findtext("html") or ""))
    assert fields == {"email": "", "firstName": "", "lastName": "", "formEncId": "FrmSignUp"}
    fields |= {"email": "new@example.com", "lastName": "Lee"}
    params = ET.Element("params")
    for name, text in (("postUrl", POST_URL), ("outputMode", "TABLES"), ("outputFormat", "XHTML1STRICT")):
        ET.SubElement(params, name).text = text
    entries = ET.SubElement(params, "formParams")
    for name, text in fields.items():
        entry = ET.SubElement(entries, "entry")
        ET.SubElement(entry, "key").text = name
        ET.SubElement(ET.SubElement(entry, "value"), "item").text = text
    headers = {**wants_xml, "Content-Type": "application/xml"}
    sent = spotler.call("POST", "/form/result/1", data=ET.tostring(params), headers=headers)
    assert ET.fromstring(sent.content).findtext("isConfirmationPage") == "true"
    (person,) = spotler.people("GET", "/contacts", params={"email": "new@example.com"})
    assert person["properties"]["lastName"] == "Lee"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"<params><postUrl>x</postUrl><postUrl>y</postUrl></params>",
        b"<params><postUrl>x</postUrl><formParams><email>x</email></formParams></params>",
        b'<!DOCTYPE x [<!ENTITY e "x">]><params><postUrl>&e;</postUrl><formParams/></params>',
    ],
)
def test_a_form_in_broken_xml_is_400(spotler: Spotler, body: bytes) -> None:
    refused = spotler.call("POST", "/form/result/1", data=body, headers={"Content-Type": "application/xml"})
    assert (refused.status_code, refused.json()["errorType"]) == (400, "INVALID_PARAMS")


def test_an_order_is_kept_whole_and_a_product_keeps_what_a_change_does_not_name(spotler: Spotler) -> None:
    for call, body in (MAKE_SHOVEL, MAKE_ORDER, ("PUT /order/O-1", order(value=250))):
        assert send(spotler, call, body).status_code == 204
    assert spotler.people("GET", "/orders") == [order(value="250")["order"]]
    changed = {"product": {"externalId": "P-1", "name": "Spade", "customProperties": {"colour": "grey"}}}
    assert send(spotler, "PUT /product/P-1", changed).status_code == 204
    found = spotler.get("/product/P-1")
    assert (found["name"], found["price"], found["customProperties"]) == ("Spade", "999", {"colour": "grey"})
    for custom in ({"weight": "1"}, {"colour": "x" * 256}):
        changed["product"]["customProperties"] = custom
        assert send(spotler, "PUT /product/P-1", changed).json()["errorType"] == "INVALID_PROPERTY"


def test_a_shop_module_writes_amounts_and_ids_as_numbers(spotler: Spotler) -> None:
    numbers = {"externalId": 17, "price": 1999.0, "oldPrice": 2499, "gtin": 17, "ratingValue": 4.5, "visible": "true"}
    rows = [{"description": "Length", "value": "90 cm", "rank": 1}]
    body = {"update": True, "product": {**SHOVEL, **numbers, "brand": "", "specifications": rows}}
    assert send(spotler, "POST /product/", body).status_code == 204
    found = spotler.get("/product/17")
    assert (found["price"], found["ratingValue"], found["visible"]) == ("1999", "4.5", True)
    bought = order(externalProductIds=[17], value=1999.0, externalId=1)
    assert send(spotler, "POST /order/", bought).status_code == 204
    assert send(spotler, "POST /order", order(value=19.99)).json()["errorType"] == "INVALID_PARAMS"


def test_an_account_may_insist_on_images_of_products(sandbox: Sandbox) -> None:
    spotler = sandbox.open(product_images_required=True)
    refused = send(spotler, *MAKE_SHOVEL)
    assert (refused.status_code, refused.json()["message"]) == (400, "imageUrl, imageLargeUrl: missing")
    images = {"imageUrl": "https://shop.example/1.png", "imageLargeUrl": "https://shop.example/1l.png"}
    assert send(spotler, "POST /product", {"product": {**SHOVEL, **images}}).status_code == 204
