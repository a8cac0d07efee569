"""Insertions over the wire: a contact that is there stays as it is, one that is gone is made (decision 18)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.domain.records.marketing_contact import ContactWrite, Purge, SetOption, WriteCode
from tests.contract.spotler_adapters.spotler_account import SpotlerAccount, open_account


@pytest_asyncio.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account() as opened:
        yield opened


async def insert(account: SpotlerAccount, *contacts: ContactWrite) -> dict[str, WriteCode]:
    results = await account.client.insert_many(contacts)
    return {who: result.code for who, result in results.items()}


async def test_an_insertion_makes_a_contact_with_its_permissions(account: SpotlerAccount) -> None:
    new = ContactWrite("1", {"email": "a@example.com", "permissions": (SetOption(1, enabled=True),)})

    assert await insert(account, new) == {"1": WriteCode.OK}

    contact = await account.client.contact("1")
    assert contact is not None
    assert SetOption(1, enabled=True) in contact.properties["permissions"]  # type: ignore[operator]


async def test_an_insertion_changes_nothing_where_the_external_id_or_the_address_is_known(
    account: SpotlerAccount,
) -> None:
    await account.client.upsert_many([ContactWrite("1", {"email": "a@example.com", "city": "Delft"})], purge=Purge.KEEP)

    results = await insert(
        account,
        ContactWrite("1", {"email": "other@example.com", "city": "Gouda"}),
        ContactWrite("2", {"email": "A@example.com", "city": "Gouda"}),
        ContactWrite("3", {"email": "c@example.com"}),
    )

    there = WriteCode.CONTACT_ALREADY_EXISTS
    assert results == {"1": there, "2": there, "3": WriteCode.OK}
    contact = await account.client.contact("1")
    assert contact is not None
    assert (contact.properties["email"], contact.properties["city"]) == ("a@example.com", "Delft")
    assert await account.client.contact("2") is None


async def test_an_insertion_makes_an_erased_contact_anew(account: SpotlerAccount) -> None:
    await account.people("1")
    await account.client.anonymize("1")

    assert await insert(account, ContactWrite("1", {"email": "1@example.com"})) == {"1": WriteCode.OK}


async def test_a_hundred_insertions_are_one_call(account: SpotlerAccount) -> None:
    await insert(account, *(ContactWrite(f"{number}", {"email": f"{number}@example.com"}) for number in range(150)))
    assert account.sent.count("contact.insert") == 2
