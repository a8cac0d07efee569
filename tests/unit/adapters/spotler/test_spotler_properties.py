"""Properties and options are found by internal name, label or bit, never guessed; the catalogue is read when needed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.spotler.contacts.platform import CachedCatalogue
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.errors import TransientError

PERMISSIONS = PropertyDefinition(
    "permissions",
    "Permissions",
    PropertyType.SET,
    (SetEntry(1, "Newsletter", 1), SetEntry(4, "Offers", 2), SetEntry(8, "Twin", 3), SetEntry(16, "twin ", 4)),
)
CITY = PropertyDefinition("city", "Town", PropertyType.STRING)
TOWN = PropertyDefinition("town", "City", PropertyType.STRING)
CATALOGUE = PropertyCatalogue(
    (
        PERMISSIONS,
        CITY,
        TOWN,
        PropertyDefinition("a", "Note", PropertyType.STRING),
        PropertyDefinition("b", "note", PropertyType.STRING),
    )
)


def test_a_property_is_found_by_its_internal_name_before_any_label() -> None:
    assert CATALOGUE.find("city") is CITY


def test_a_property_is_found_by_its_label_without_regard_to_case() -> None:
    assert CATALOGUE.find(" PERMISSIONS ") is PERMISSIONS
    assert CATALOGUE.find("City") is TOWN


@pytest.mark.parametrize("name", ["", "Note", "elsewhere"])
def test_an_absent_or_ambiguous_name_finds_nothing(name: str) -> None:
    assert CATALOGUE.find(name) is None


def test_an_option_is_found_by_label_and_by_bit() -> None:
    assert PERMISSIONS.entry("offers") == SetEntry(4, "Offers", 2)
    assert PERMISSIONS.entry_with_bit(1) == SetEntry(1, "Newsletter", 1)
    assert PERMISSIONS.entry_with_bit(2) is None


def test_an_option_whose_label_occurs_twice_is_not_guessed() -> None:
    assert PERMISSIONS.entry("Twin") is None


class Account:
    """A loader that counts, under a clock that a test moves."""

    def __init__(self) -> None:
        self.reads = 0
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    def now(self) -> datetime:
        return self.moment

    async def load(self) -> PropertyCatalogue:
        self.reads += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return PropertyCatalogue((CITY,))


async def test_the_catalogue_is_read_once_an_hour() -> None:
    account = Account()
    cached = CachedCatalogue(account.load, clock=account)
    first = await cached.get()
    account.moment += timedelta(minutes=59)
    assert await cached.get() is first
    account.moment += timedelta(minutes=1)
    assert await cached.get() is not first
    assert account.reads == 2


async def test_many_who_ask_at_once_cost_one_read() -> None:
    account = Account()
    cached = CachedCatalogue(account.load, clock=account)
    await asyncio.gather(*(cached.get() for _ in range(20)))
    assert account.reads == 1


async def test_a_cancelled_reader_does_not_stop_the_others() -> None:
    account = Account()
    account.open.clear()
    cached = CachedCatalogue(account.load, clock=account)
    impatient, patient = asyncio.create_task(cached.get()), asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    impatient.cancel()
    account.open.set()
    assert (await patient).find("city") is CITY
    assert account.reads == 1


async def test_a_failed_read_is_told_to_all_and_tried_again_by_the_next() -> None:
    account = Account()
    account.failure = TransientError("down")
    cached = CachedCatalogue(account.load, clock=account)
    outcomes = await asyncio.gather(cached.get(), cached.get(), return_exceptions=True)
    assert [outcome is account.failure for outcome in outcomes] == [True, True]
    account.failure = None
    await cached.get()
    assert account.reads == 2


async def test_a_suspect_catalogue_is_read_again_but_not_twice_a_minute() -> None:
    account = Account()
    cached = CachedCatalogue(account.load, clock=account)
    await cached.get()
    cached.forget()
    await cached.get()
    assert account.reads == 1
    account.moment += timedelta(minutes=1)
    cached.forget()
    await cached.get()
    assert account.reads == 2
