"""Products, orders and conversions. Amounts are cents, as text."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.local.spotler_sandbox.activity.shop import Conversion, ConversionType
from shared.local.spotler_sandbox.http.operation import Body, Call, Ignored, Operation
from shared.local.spotler_sandbox.http.parts import not_modelled
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply, invalid, read_moment

_MAILPLUS_ID = re.compile(r"[A-Za-z0-9_-]{12}", re.ASCII)

# The vendor's list of reasons for a refusal; that list leaves out the large image.
REQUIRED = ("name", "link", "price")
SEARCHED_OTHERWISE = {"customProperties", "specifications", "creationDate", "changeDate"}
REQUIRED_IMAGES = ("imageUrl", "imageLargeUrl")


def _dated(text: str) -> str:
    read_moment(text)
    return text


def _whole(value: Any) -> Any:
    """Write a rounded amount without its fraction: PHP writes 1999.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Cents = Annotated[str, StringConstraints(pattern=r"^[0-9]+$"), BeforeValidator(_whole)]
Moment = Annotated[str, AfterValidator(_dated)]
Id = Annotated[str, StringConstraints(min_length=1)]


class ShopBody(Body):
    """A body of a shop: numbers are read as text, as the vendor's own module for shops writes them."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


class Specification(ShopBody):
    """One line of a product's specifications."""

    description: str
    value: str
    rank: str | None = None


class ProductValues(ShopBody):
    """A product as written. The required keys depend on whether it is new; dates are read-only."""

    external_id: Id
    name: Id | None = None
    description: str | None = None
    link: Id | None = None
    price: Cents | None = None
    old_price: Cents | None = None
    image_url: Id | None = None
    image_large_url: Id | None = None
    category: str | None = None
    gtin: str | None = None
    sku: str | None = None
    brand: str | None = None
    rating_image_url: str | None = None
    rating_value: str | None = None
    review_link: str | None = None
    add_to_cart_link: str | None = None
    language: str | None = None
    stock: Literal["LIMITED", "GOOD", "UNKNOWN"] = "UNKNOWN"
    deleted: bool = False
    visible: bool = True
    custom_properties: dict[str, str] = Field(default_factory=dict)
    specifications: list[Specification] = Field(default_factory=list)
    creation_date: Ignored = Field(default=None, exclude=True)
    change_date: Ignored = Field(default=None, exclude=True)


class ProductBody(Body):
    """`POST /product` and `PUT /product/{externalProductId}`."""

    update: bool = False
    product: ProductValues


class OrderValues(ShopBody):
    """An order as written; each write contains the whole order."""

    external_id: Id
    external_contact_id: Id
    date: Moment
    value: Cents
    external_product_ids: list[Id] = Field(min_length=1)


class OrderBody(Body):
    """`POST /order` and `PUT /order/{externalOrderId}`."""

    update: bool = False
    order: OrderValues


class ConversionBody(ShopBody):
    """`POST /conversion`. The vendor's description has a blank before one of the types; its module sends none."""

    model_config = ConfigDict(str_strip_whitespace=True)

    mailplus_id: str
    type: ConversionType
    value: Cents | None = None
    interaction_date: Moment
    products: list[Id] = Field(default_factory=list)


def custom_properties(call: Call) -> Reply:
    """List the custom properties of products."""
    return Reply(200, [{"name": name} for name in call.account.shop.custom_properties], root="properties")


def create_product(call: Call) -> Reply:
    """Create a product; with `update`, change an existing one."""
    body = call.body(ProductBody)
    known = body.product.external_id in call.account.shop.products
    if known and not body.update:
        raise ApiError(400, ErrorType.ID_NOTUNIQUE, "externalProductId must be unique")
    values = body.product.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=known)
    required = (*REQUIRED, *(REQUIRED_IMAGES if call.settings.product_images_required else ()))
    if not known and (missing := [name for name in required if name not in values]):
        raise invalid(f"{', '.join(missing)}: missing")
    call.account.shop.write_product(body.product.external_id, values)
    return Reply()


def update_product(call: Call) -> Reply:
    """Change the properties that the body names."""
    external_id = call.path["productId"]
    call.account.shop.product(external_id)
    product = call.body(ProductBody).product
    if product.external_id != external_id:
        raise invalid("externalId differs from the path")
    values = product.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    call.account.shop.write_product(external_id, values)
    return Reply()


def get_product(call: Call) -> Reply:
    """Read one product, also one that is marked as deleted."""
    product = call.account.shop.product(call.path["productId"])
    return Reply(200, product.document(call.settings.native_dates), root="product")


def delete_product(call: Call) -> Reply:
    """Mark one product as deleted."""
    call.account.shop.delete_product(call.path["productId"])
    return Reply()


def search_products(call: Call) -> Reply:
    """Find products by one equality, `property=value`; the answer is a bare list."""
    name, value = call.query.equality("MPSearchQuery")
    known = {field.alias: field for field in ProductValues.model_fields.values()}
    if name in SEARCHED_OTHERWISE:
        raise not_modelled(f"a search by '{name}'")
    if name not in known:
        raise invalid("MPSearchQuery must be property=value")
    found = [product for product in call.account.shop.products.values() if _written(product.values.get(name)) == value]
    page = call.page("products", found, lambda product: product.document(call.settings.native_dates))
    return Reply(200, page.body["products"], root="products")


def create_order(call: Call) -> Reply:
    """Create an order; with `update`, replace an existing one."""
    body = call.body(OrderBody)
    if body.order.external_id in call.account.shop.orders and not body.update:
        raise ApiError(400, ErrorType.ID_NOTUNIQUE, "externalOrderId must be unique")
    return _keep_order(call, body.order)


def update_order(call: Call) -> Reply:
    """Replace one order."""
    call.account.shop.check_order(call.path["orderId"])
    order = call.body(OrderBody).order
    if order.external_id != call.path["orderId"]:
        raise invalid("externalId differs from the path")
    return _keep_order(call, order)


def delete_order(call: Call) -> Reply:
    """Delete one order."""
    call.account.shop.check_order(call.path["orderId"])
    del call.account.shop.orders[call.path["orderId"]]
    return Reply()


def create_conversion(call: Call) -> Reply:
    """Record a conversion of a letter, named by its `mailplusId`."""
    body = call.body(ConversionBody)
    if not _MAILPLUS_ID.fullmatch(body.mailplus_id):
        raise invalid("mailplusId is malformed")
    letter = call.account.mailings.letters.get(body.mailplus_id)
    if letter is None:
        raise ApiError(400, ErrorType.MAILING_NOTFOUND, "activity not found")
    call.account.shop.check_products(body.products)
    call.account.shop.conversions.append(
        Conversion(
            mailplus_id=body.mailplus_id,
            mailing_id=letter.mailing.encrypted_id,
            type=body.type,
            value=body.value,
            at=body.interaction_date,
            products=tuple(body.products),
        )
    )
    return Reply()


def _keep_order(call: Call, order: OrderValues) -> Reply:
    call.contact_in_body(order.external_contact_id)
    call.account.shop.check_products(order.external_product_ids)
    call.account.shop.orders[order.external_id] = order.model_dump(mode="json", by_alias=True)
    return Reply()


def _written(value: Any) -> str | None:
    return ("true" if value else "false") if isinstance(value, bool) else value


OPERATIONS = (
    Operation("product.custom-properties", "GET", "/product/custom-properties/list", custom_properties),
    Operation("product.search", "GET", "/product/search", search_products),
    Operation("product.create", "POST", "/product", create_product, ProductBody),
    Operation("product.get", "GET", "/product/{productId}", get_product),
    Operation("product.update", "PUT", "/product/{productId}", update_product, ProductBody),
    Operation("product.delete", "DELETE", "/product/{productId}", delete_product),
    Operation("order.create", "POST", "/order", create_order, OrderBody),
    Operation("order.update", "PUT", "/order/{orderId}", update_order, OrderBody),
    Operation("order.delete", "DELETE", "/order/{orderId}", delete_order),
    Operation("conversion.create", "POST", "/conversion", create_conversion, ConversionBody),
)
