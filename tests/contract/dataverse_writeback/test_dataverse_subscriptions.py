"""Writes subscriptions to Dataverse (PERM-06): permissions, marketing lists, periodieken, refusals of bulk mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shared.domain.mapping.language.expression import OptionSource
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError
from shared.ports.writeback import Writeback, WritebackResult
from tests.contract.dataverse_script import delete
from tests.contract.dataverse_writeback.writeback_organisation import (
    ANN,
    BEN,
    LEO,
    MAPPING,
    MONTHLY,
    NEWS,
    Organisation,
    field,
    option,
    organisation_with,
)


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with organisation_with() as opened:
        yield opened


async def test_a_permission_row_that_was_deactivated_says_no_until_a_yes_comes_home(organisation: Organisation) -> None:
    await organisation.client.update("dh_spotlerpermissions", NEWS, {"statecode": 1})
    (news,) = (await organisation.person()).permissions
    assert (news.id, news.subscribed) == (NEWS, False)

    assert await organisation.write(Writeback(ANN, "", (), (option("News", NEWS, subscribed=True),))) == [
        WritebackResult()
    ]
    assert await permissions(organisation, ANN) == {"News": True}


async def test_a_deactivated_permission_row_is_ignored_if_there_is_an_active_one(organisation: Organisation) -> None:
    await organisation.client.update("dh_spotlerpermissions", NEWS, {"statecode": 1})
    await organisation.write(Writeback(ANN, "", (), (option(" news", subscribed=True),)))
    assert await permissions(organisation, ANN) == {" news": True}


async def permissions(organisation: Organisation, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in (await organisation.person(key)).permissions}


async def test_a_permission_is_changed_in_its_row(organisation: Organisation) -> None:
    """PERM-06, MAP-16."""
    (news,) = (await organisation.person()).permissions
    assert (news.id, bool(news.modified_on)) == (NEWS, True)
    assert await organisation.write(Writeback(ANN, "", (), (option("News", news.id, subscribed=False),))) == [
        WritebackResult()
    ]
    assert await permissions(organisation, ANN) == {"News": False}


@pytest.mark.parametrize("key", [BEN, LEO], ids=str)
async def test_a_permission_without_a_row_gets_one_and_a_repetition_makes_no_second(
    organisation: Organisation, key: RecordKey
) -> None:
    for subscribed in (True, True, False):
        writeback = Writeback(key, "", (), (option("Offers", subscribed=subscribed),))
        assert await organisation.write(writeback) == [WritebackResult()]
        assert await permissions(organisation, key) == {"Offers": subscribed}


async def test_a_row_that_says_so_already_is_not_written_again(organisation: Organisation) -> None:
    writeback = Writeback(BEN, "", (), (option("Offers", subscribed=True),))
    await organisation.write(writeback)
    (before,) = (await organisation.client.query("dh_spotlerpermissions", select=["modifiedon"]).__anext__())[1:]
    await organisation.write(writeback)
    (after,) = (await organisation.client.query("dh_spotlerpermissions", select=["modifiedon"]).__anext__())[1:]
    assert before["@odata.etag"] == after["@odata.etag"]


async def test_a_row_that_was_deleted_meanwhile_is_a_conflict_and_not_a_record_that_is_gone(
    organisation: Organisation,
) -> None:
    await organisation.client.execute(delete("dh_spotlerpermissions", NEWS))
    (result,) = await organisation.write(Writeback(ANN, "", (), (option("News", NEWS, subscribed=False),)))
    assert isinstance(result.error, ConflictError)


async def test_a_marketing_list_gains_and_loses_its_member(organisation: Organisation) -> None:
    """MAP-17, PERM-07."""

    async def lists() -> dict[str, bool]:
        return {row.name: row.subscribed for row in (await organisation.person()).lists}

    assert await lists() == {"Weekly": False, "Monthly": False}
    for subscribed in (True, True, False, False):
        writeback = Writeback(ANN, "", (), (option("weekly", None, OptionSource.LIST, subscribed=subscribed),))
        assert await organisation.write(writeback) == [WritebackResult()]
        assert await lists() == {"Weekly": subscribed, "Monthly": False}
    monthly = next(row for row in (await organisation.person()).lists if row.name == "Monthly")
    assert monthly.id == MONTHLY
    await organisation.write(
        Writeback(ANN, "", (), (option("Monthly", monthly.id, OptionSource.LIST, subscribed=True),))
    )
    assert (await lists())["Monthly"]


@pytest.mark.parametrize("name", ["Dynamic", "No such list"])
async def test_only_static_lists_have_members_that_a_person_chooses(organisation: Organisation, name: str) -> None:
    (result,) = await organisation.write(
        Writeback(ANN, "", (), (option(name, None, OptionSource.LIST, subscribed=True),))
    )
    assert [str(problem) for problem in result.problems] == [
        f"Spotler's lists: @map(list) expects exactly one active, static marketing list called {name}"
    ]
    assert await organisation.write(
        Writeback(ANN, "", (), (option("gone", None, OptionSource.LIST, subscribed=False),))
    ) == [WritebackResult()]


async def test_a_periodiek_is_created_once_and_changed_in_its_row(organisation: Organisation) -> None:
    """MAP-18, IF-02."""
    for subscribed in (True, True, False):
        writeback = Writeback(
            ANN, "", (), (option("Tijdschrift", None, OptionSource.PERIODIEK, subscribed=subscribed),)
        )
        assert await organisation.write(writeback) == [WritebackResult()]
        (row,) = (await organisation.person()).periodieken
        assert (row.name, row.subscribed) == ("Tijdschrift", subscribed)
    assert row.id is not None
    await organisation.write(
        Writeback(ANN, "", (), (option("Tijdschrift", row.id, OptionSource.PERIODIEK, subscribed=True),))
    )
    (row,) = (await organisation.person()).periodieken
    assert row.subscribed


async def test_without_a_periodiek_in_the_mapping_it_says_so(organisation: Organisation) -> None:
    writeback = Writeback(ANN, "", (), (option("Tijdschrift", None, OptionSource.PERIODIEK, subscribed=True),))
    (result,) = await organisation.write(writeback, mapping=replace(MAPPING, periodiek=None))
    assert [problem.expected for problem in result.problems] == ["periodiek in the mapping, with its table"]


async def test_a_refusal_of_bulk_mail_is_written_whatever_becomes_of_the_fields(organisation: Organisation) -> None:
    """PERM-08, PERM-10: an opt-out must not be lost for a job title."""
    stale = 'W/"1"'
    (result,) = await organisation.write(Writeback(ANN, stale, (field("jobtitle", "x"),), refuses_bulk=True))
    assert isinstance(result.error, ConflictError)
    assert await organisation.stored("donotbulkemail") is True
    (result,) = await organisation.write(Writeback(ANN, stale, refuses_bulk=False))
    assert isinstance(result.error, ConflictError)
    assert await organisation.stored("donotbulkemail") is True
    person = await organisation.person()
    assert await organisation.write(Writeback(ANN, person.etag, refuses_bulk=False)) == [WritebackResult()]
    assert await organisation.stored("donotbulkemail") is False
