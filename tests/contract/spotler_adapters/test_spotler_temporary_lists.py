"""Temporary lists against the sandbox of Mail+ (C-06, SEL-01, P-14): no licence needed, nobody removed, made anew."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.errors import DataError, NotFoundError
from shared.ports.marketing_platform import ContactLists
from tests.contract.spotler_adapters.spotler_account import SpotlerAccount, open_account

SPRING = "spring"


@pytest.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account(audience_licence=False) as opened:
        yield opened


async def members(account: SpotlerAccount, listed: str = SPRING) -> list[str]:
    found: dict[str, list[str]] = await account.look("temporary-lists")
    return sorted(found[listed])


async def in_use(account: SpotlerAccount, *, on: bool) -> None:
    answer = await account.control.put(f"/sandbox/in-use?temporaryList={SPRING}", json={"inUse": on})
    answer.raise_for_status()


async def test_a_list_is_made_once_and_filled_without_a_licence_for_audiences(account: SpotlerAccount) -> None:
    lists: ContactLists = account.temporary_lists
    assert not lists.can_remove
    await account.people("ANN", "BEN")
    assert not await lists.exists(SPRING)
    await lists.create(SPRING, "Spring")
    await lists.create(SPRING, "Spring")
    assert await lists.exists(SPRING)
    assert await lists.add(SPRING, ["ANN", "BEN"]) == frozenset()
    assert await members(account) == ["ANN", "BEN"]


async def test_an_id_or_a_name_that_is_taken_is_told(account: SpotlerAccount) -> None:
    await account.temporary_lists.create(SPRING, "Spring")
    for identifier, name in ((SPRING, "Another"), ("other", "Spring")):
        with pytest.raises(DataError) as caught:
            await account.temporary_lists.create(identifier, name)
        assert caught.value.status == 400


async def test_whom_spotler_does_not_know_is_found_by_halving_and_the_others_are_in(account: SpotlerAccount) -> None:
    known = [f"P{number}" for number in range(60)]
    await account.people(*known)
    await account.temporary_lists.create(SPRING, "Spring")
    wanted = [*known[:20], "X", *known[20:50], "Y", *known[50:]]

    assert await account.temporary_lists.add(SPRING, wanted) == {"X", "Y"}

    assert await members(account) == sorted(known)
    assert account.sent.count("templist.add") < 30


async def test_many_people_take_a_call_per_2500(account: SpotlerAccount) -> None:
    people = [f"P{number}" for number in range(2600)]
    await account.people(*people)
    await account.temporary_lists.create(SPRING, "Spring")
    account.sent.clear()
    await account.temporary_lists.add(SPRING, people)
    await account.temporary_lists.add(SPRING, [])
    assert account.sent == ["templist.add"] * 2


async def test_a_missing_list_is_told_from_missing_people(account: SpotlerAccount) -> None:
    await account.people("ANN")
    with pytest.raises(NotFoundError):
        await account.temporary_lists.add("nowhere", ["ANN", "X"])


async def test_a_temporary_list_loses_members_and_its_name_only_when_it_is_made_anew(account: SpotlerAccount) -> None:
    await account.people("ANN")
    await account.temporary_lists.create(SPRING, "Spring")
    await account.temporary_lists.add(SPRING, ["ANN"])
    with pytest.raises(DataError):
        await account.temporary_lists.remove(SPRING, ["ANN"])
    with pytest.raises(DataError):
        await account.temporary_lists.rename(SPRING, "Summer")

    await account.temporary_lists.clear(SPRING, "Summer")

    assert await members(account) == []
    assert await account.look("list-names") == {SPRING: "Summer"}


async def test_a_list_in_use_is_neither_deleted_nor_made_anew(account: SpotlerAccount) -> None:
    await account.people("ANN")
    await account.temporary_lists.create(SPRING, "Spring")
    await account.temporary_lists.add(SPRING, ["ANN"])
    await in_use(account, on=True)
    for act in (account.temporary_lists.delete(SPRING), account.temporary_lists.clear(SPRING, "Spring")):
        with pytest.raises(DataError) as caught:
            await act
        assert caught.value.code == "INVALID_STATE"
    assert await members(account) == ["ANN"]
    await in_use(account, on=False)
    await account.temporary_lists.delete(SPRING)
    await account.temporary_lists.delete(SPRING)
    assert await account.look("temporary-lists") == {}
