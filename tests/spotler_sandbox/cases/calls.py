"""What the tests of small calls share: products, orders and form entries, and how a call is sent."""

from __future__ import annotations

from typing import Any

from requests import Response

from tests.spotler_sandbox.session import Spotler

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


MAKE_SHOVEL = ("POST /product", {"update": False, "product": SHOVEL})
MAKE_ORDER = ("POST /order", order())
SIGN_UP = ("POST /form/result/1", {"postUrl": POST_URL, "formParams": {"email": ["new@example.com"]}})


def send(spotler: Spotler, call: str, body: Any) -> Response:
    method, path = call.split(" ")
    return spotler.call(method, path, **({} if body is None else {"json": body}))
