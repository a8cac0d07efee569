"""Products, orders and conversions: the data that a web shop sends to Mail+, kept small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.local.spotler_sandbox.http.wire import ApiError, DateStyle, ErrorType, native_date

CUSTOM_VALUE_LENGTH = 255


class ConversionType(StrEnum):
    """The types of conversions: acts of a visitor with a shopping cart."""

    CREATE_SHOPPINGCART = "CREATE_SHOPPINGCART"
    CONVERT_SHOPPINGCART = "CONVERT_SHOPPINGCART"


@dataclass(slots=True)
class Product:
    """A product; `values` by their names on the wire."""

    values: dict[str, Any]
    created: datetime
    changed: datetime

    def document(self, dates: DateStyle) -> dict[str, Any]:
        """Return the JSON of `GET /product/{externalProductId}`."""
        return {
            **self.values,
            "creationDate": native_date(self.created, dates),
            "changeDate": native_date(self.changed, dates),
        }


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion of a letter; `value` in cents."""

    mailplus_id: str
    mailing_id: str
    type: ConversionType
    value: str | None
    at: str
    products: tuple[str, ...]


@dataclass(slots=True)
class Shop:
    """The data of the shop. `custom_properties` are the names of custom properties of products in the account."""

    custom_properties: tuple[str, ...]
    now: Callable[[], datetime]
    products: dict[str, Product] = field(default_factory=dict)
    orders: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    conversions: list[Conversion] = field(default_factory=list)

    def product(self, external_id: str) -> Product:
        """Find a product, deleted or not. ApiError 404."""
        product = self.products.get(external_id)
        if product is None:
            raise ApiError(404, ErrorType.PRODUCT_NOTFOUND, _no_product(external_id))
        return product

    def check_products(self, external_ids: Iterable[str]) -> None:
        """Refuse an unknown product in a body. ApiError 400."""
        for external_id in external_ids:
            if external_id not in self.products:
                raise ApiError(400, ErrorType.PRODUCT_NOTFOUND, _no_product(external_id))

    def write_product(self, external_id: str, values: Mapping[str, Any]) -> None:
        """Create or change a product; keys that are not named are kept. ApiError 400 for an unknown custom property."""
        custom: Mapping[str, str] = values.get("customProperties", {})
        for name, value in custom.items():
            if name not in self.custom_properties or len(value) > CUSTOM_VALUE_LENGTH:
                raise ApiError(400, ErrorType.INVALID_PROPERTY, f"custom property {name} is unknown or too long")
        now = self.now()
        product = self.products.setdefault(external_id, Product({}, now, now))
        product.values |= values
        product.changed = now

    def delete_product(self, external_id: str) -> None:
        """Mark a product as deleted, because orders still refer to it. ApiError 404."""
        product = self.product(external_id)
        product.values["deleted"] = True
        product.changed = self.now()

    def check_order(self, external_id: str) -> None:
        """ApiError 404 for an unknown order."""
        if external_id not in self.orders:
            raise ApiError(404, ErrorType.ORDER_NOTFOUND, "order not found")

    def conversions_of(self, mailing_id: str) -> list[Conversion]:
        """Return the conversions of one mailing."""
        return [item for item in self.conversions if item.mailing_id == mailing_id]


def _no_product(external_id: str) -> str:
    return f"product not found with externalProductId: {external_id}"
