"""A client from PyPI, as its author published it, works against the Spotler sandbox."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from requests.exceptions import HTTPError

from shared.local.spotler_sandbox.account.catalogue import DEFAULT_CATALOGUE
from shared.local.spotler_sandbox.account.properties import Option, Property, PropertyType
from tests.spotler_sandbox.session import KEY, SECRET, Sandbox, Spotler
from tests.spotler_sandbox.spotler_sdk import installed_spotler_sdk

pytestmark = pytest.mark.slow

ADDRESS = "ann@example.com"
ANN = hashlib.sha256(ADDRESS.encode()).hexdigest()
"""The external id that this client gives a contact."""
EXPECTED_BY_THE_CLIENT = Property("profileFields", "Profile", PropertyType.SET, (Option(1, "Garden"),))
MOMENT = datetime(2024, 3, 1, 11, 22, 33, tzinfo=UTC)


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    return sandbox.open(catalogue=(*DEFAULT_CATALOGUE, EXPECTED_BY_THE_CLIENT))


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(installed_spotler_sdk()))
    return import_module("spotler_sdk.models")


@pytest.fixture
def client(models: Any, spotler: Spotler) -> Any:
    return import_module("spotler_sdk.sdk").SDK(f"{spotler.origin}{spotler.prefix}/", KEY, SECRET)


def product(models: Any, **values: Any) -> Any:
    plain = {"externalId": "1-17", "name": "Shovel", "link": "https://shop.example/p/17", "price": "1999"}
    images = {"imageUrl": "https://shop.example/17n.png", "imageLargeUrl": "https://shop.example/17l.png"}
    return models.Product(**{**plain, **images, **values})


def order(models: Any, **values: Any) -> Any:
    plain = {"externalId": "O-1", "externalContactId": ANN, "date": MOMENT, "value": "1999"}
    return models.Order(**{**plain, "externalProductIds": ["1-17"], **values})


def test_a_contact_is_read_and_changed(client: Any, spotler: Spotler) -> None:
    assert client.get_contact(ADDRESS) is None
    spotler.write(ANN, email=ADDRESS, city="Gouda", permissions=[{"bit": 1, "enabled": True}])
    client.update_contact_property(ADDRESS, "city", "Delft")
    contact = client.get_contact(ADDRESS)
    assert (contact.externalId, contact.created) == (ANN, datetime(2024, 3, 1, 9, tzinfo=UTC))
    assert (contact.properties.email, contact.properties.city) == (ADDRESS, "Delft")
    assert [option["enabled"] for option in contact.properties.permissions] == [True, False, False, False]


def test_a_change_that_is_not_allowed_is_refused_with_its_error_type(client: Any, spotler: Spotler) -> None:
    with pytest.raises(ValueError, match="CONTACT_NOT_FOUND"):
        client.update_contact_property(ADDRESS, "city", "Delft")
    spotler.write(ANN, email=ADDRESS)
    with pytest.raises(ValueError, match="INVALID_PROPERTY"):
        client.update_contact_property(ADDRESS, "shoeSize", "42")


def test_a_product_is_made_read_changed_and_marked_as_deleted(client: Any, models: Any) -> None:
    assert client.get_product("1-17") is None
    client.create_product(product(models, stock=models.StockEnum.GOOD))
    specification = models.ProductSpecification(description="Length", value="90 cm", rank="1")
    client.update_product(product(models, name="Spade", specifications=[specification]))
    found = client.get_product("1-17")
    assert (found.name, found.stock, found.deleted) == ("Spade", models.StockEnum.UNKNOWN, False)
    assert found.specifications == [specification]
    client.delete_product("1-17")
    assert client.get_product("1-17").deleted
    with pytest.raises(ValueError, match="PRODUCT_NOTFOUND"):
        client.delete_product("1-18")


def test_an_order_is_made_changed_and_deleted(client: Any, models: Any, spotler: Spotler) -> None:
    with pytest.raises(ValueError, match="CONTACT_NOT_FOUND"):
        client.create_order(order(models))
    spotler.write(ANN, email=ADDRESS)
    with pytest.raises(ValueError, match="PRODUCT_NOTFOUND"):
        client.create_order(order(models))
    client.create_product(product(models))
    client.create_order(order(models))
    client.update_order(order(models, value="2499"))
    (kept,) = spotler.people("GET", "/orders")
    assert (kept["value"], kept["externalContactId"]) == ("2499", ANN)
    client.delete_order("O-1")
    assert spotler.people("GET", "/orders") == []
    with pytest.raises(HTTPError, match="404"):
        client.update_order(order(models))


@pytest.mark.parametrize(("status", "error"), [(401, HTTPError), (403, ValueError)])
def test_a_wrong_secret_is_refused(models: Any, sandbox: Sandbox, status: int, error: type[Exception]) -> None:
    spotler = sandbox.open(auth_failure_status=status)
    stranger = import_module("spotler_sdk.sdk").SDK(f"{spotler.origin}{spotler.prefix}/", KEY, "wrong")
    with pytest.raises(error):
        stranger.get_contact(ADDRESS)
