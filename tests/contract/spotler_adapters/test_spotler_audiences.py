"""Audiences against the sandbox of Mail+: made once, filled in few calls, never emptied by mistake (AUD)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.errors import ConfigurationError, DataError, NotFoundError
from shared.ports.marketing_platform import ContactLists
from tests.contract.spotler_adapters.spotler_account import SpotlerAccount, open_account

TOP = "top-100"


@pytest.fixture
async def account() -> AsyncIterator[SpotlerAccount]:
    async with open_account() as opened:
        yield opened


async def members(account: SpotlerAccount, audience: str = TOP) -> list[str]:
    listed: dict[str, list[str]] = await account.look("audiences")
    return sorted(listed[audience])


async def test_an_audience_exists_once_it_is_made(account: SpotlerAccount) -> None:
    audiences: ContactLists = account.audiences
    assert audiences.can_remove
    assert not await audiences.exists(TOP)
    await audiences.create(TOP, "Top 100")
    assert await audiences.exists(TOP)


async def test_an_audience_can_be_created_again_but_not_with_the_id_or_name_of_another(account: SpotlerAccount) -> None:
    await account.audiences.create(TOP, "Top 100")
    await account.audiences.create(TOP, "Top 100")
    for identifier, name in ((TOP, "Another name"), ("other", "Top 100")):
        with pytest.raises(DataError) as caught:
            await account.audiences.create(identifier, name)
        assert caught.value.status == 417
    assert await account.look("audiences") == {TOP: []}


async def test_an_audience_whose_creation_lost_its_answer_exists_once(account: SpotlerAccount) -> None:
    await account.fault("reset", "audience.create", moment="after")
    await account.audiences.create(TOP, "Top 100")
    assert await account.look("audiences") == {TOP: []}


async def test_contacts_are_added_to_an_audience_and_removed_from_it(account: SpotlerAccount) -> None:
    await account.people("ANN", "BEN", "CLEO")
    await account.audiences.create(TOP, "Top 100")
    assert await account.audiences.add(TOP, ["ANN", "BEN", "CLEO"]) == frozenset()
    await account.audiences.remove(TOP, ["BEN", "NOBODY"])
    assert await members(account) == ["ANN", "CLEO"]


async def test_whom_spotler_does_not_know_is_told_and_the_others_are_in(account: SpotlerAccount) -> None:
    await account.people("ANN", "BEN")
    await account.audiences.create(TOP, "Top 100")
    assert await account.audiences.add(TOP, ["ANN", "X", "BEN", "Y"]) == {"X", "Y"}
    assert await members(account) == ["ANN", "BEN"]
    assert await account.audiences.add(TOP, ["Z"]) == {"Z"}


async def test_many_people_take_a_call_per_2500(account: SpotlerAccount) -> None:
    people = [f"P{number}" for number in range(5100)]
    await account.people(*people)
    await account.audiences.create(TOP, "Top 100")
    account.sent.clear()
    assert await account.audiences.add(TOP, people) == frozenset()
    assert account.sent == ["audience.add"] * 3
    assert len(await members(account)) == 5100


async def test_removing_nobody_sends_nothing_because_an_empty_removal_empties_the_audience(
    account: SpotlerAccount,
) -> None:
    await account.people("ANN")
    await account.audiences.create(TOP, "Top 100")
    await account.audiences.add(TOP, ["ANN"])
    account.sent.clear()
    await account.audiences.remove(TOP, [])
    await account.audiences.add(TOP, [])
    assert account.sent == []
    assert await members(account) == ["ANN"]


async def test_an_audience_is_emptied_only_on_purpose_and_stays(account: SpotlerAccount) -> None:
    await account.people("ANN", "BEN")
    await account.audiences.create(TOP, "Top 100")
    await account.audiences.add(TOP, ["ANN", "BEN"])
    await account.audiences.clear(TOP, "Top 100")
    assert await members(account) == []
    with pytest.raises(NotFoundError):
        await account.audiences.clear("nowhere", "Nowhere")


async def test_an_audience_is_renamed_unless_the_name_is_taken(account: SpotlerAccount) -> None:
    await account.people("ANN")
    await account.audiences.create(TOP, "Top 100")
    await account.audiences.create("other", "Other")
    await account.audiences.add(TOP, ["ANN"])
    await account.audiences.rename(TOP, "Best hundred")
    assert (await account.look("list-names"))[TOP] == "Best hundred"
    assert await members(account) == ["ANN"]
    with pytest.raises(DataError) as caught:
        await account.audiences.rename(TOP, "Other")
    assert caught.value.status == 417
    with pytest.raises(NotFoundError):
        await account.audiences.rename("nowhere", "New")


async def test_ml_28_an_audience_is_deleted_once_and_not_while_it_is_in_use(account: SpotlerAccount) -> None:
    await account.audiences.create(TOP, "Top 100")
    (await account.control.put(f"/sandbox/in-use?audience={TOP}", json={"inUse": True})).raise_for_status()
    with pytest.raises(DataError) as caught:
        await account.audiences.delete(TOP)
    assert caught.value.status == 417
    (await account.control.put(f"/sandbox/in-use?audience={TOP}", json={"inUse": False})).raise_for_status()
    await account.audiences.delete(TOP)
    await account.audiences.delete(TOP)
    assert not await account.audiences.exists(TOP)


async def test_a_missing_audience_is_told_from_missing_people(account: SpotlerAccount) -> None:
    await account.people("ANN")
    with pytest.raises(NotFoundError):
        await account.audiences.add("nowhere", ["ANN"])
    with pytest.raises(NotFoundError):
        await account.audiences.remove("nowhere", ["ANN"])


async def test_an_account_without_the_licence_is_a_matter_of_configuration() -> None:
    async with open_account(audience_licence=False) as account:
        with pytest.raises(ConfigurationError) as caught:
            await account.audiences.exists(TOP)
        assert caught.value.status == 403
