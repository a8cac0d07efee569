"""Orders, products and conversions, as the modules of shops send them."""

from __future__ import annotations

from tests.spotler_sandbox.cases.calls import DATE, MAKE_ORDER, MAKE_SHOVEL, SHOVEL, order, send
from tests.spotler_sandbox.session import Sandbox, Spotler


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
