"""The consent ledger: every change once, in the order of time, of everybody or of one, for as long as it is kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.consent.audit_ledger import ConsentLedger, cursor
from shared.domain.consent.changes import ConsentChange, ConsentSource, ConsentState, permission
from shared.domain.records.records import PersonTable, RecordKey
from tests.contract.clocks import ManualClock
from tests.twins import CrashError, Faults, TwinStore, bodies

ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_numbers = itertools.count(1)


def change(key: RecordKey = ANN, at: datetime = START, correlation: str = "", *, yes: bool = True) -> ConsentChange:
    return ConsentChange(
        at=at,
        record=key,
        external_id=f"e-{key.id.int}",
        subject=permission(4),
        old=ConsentState.of(not yes),
        new=ConsentState.of(yes),
        source=ConsentSource.DATAVERSE_ROW,
        correlation=correlation or f"c-{next(_numbers)}",
    )


class LedgerSetup:
    """A ledger over the twin of the store."""

    def __init__(self, retention: timedelta | None = None) -> None:
        self.clock = ManualClock(START)
        self.store = TwinStore(Faults())
        self.retention = retention
        self.ledger = self.open()

    def open(self) -> ConsentLedger:
        return ConsentLedger(self.store, self.clock, "test", retention=self.retention)

    async def exported(self, **options: object) -> list[ConsentChange]:
        return [one async for page in self.ledger.export(**options) for one in page]  # type: ignore[arg-type]

    def entries(self) -> int:
        return sum(key.partition.startswith("test-consent-2") for key in self.store.documents)


@pytest.fixture
def setup() -> LedgerSetup:
    return LedgerSetup()


async def test_changes_are_exported_in_the_order_of_time(setup: LedgerSetup) -> None:
    later, sooner = change(ANN, START + timedelta(hours=1)), change(BOB, START)
    await setup.ledger.record([later])
    await setup.ledger.record([sooner])
    assert await setup.exported() == [sooner, later]
    assert await setup.exported(record=ANN) == [later]


async def test_an_export_by_time_has_its_beginning_and_not_its_end(setup: LedgerSetup) -> None:
    months = [change(at=START + timedelta(days=31 * number)) for number in range(4)]
    await setup.ledger.record(months)
    assert await setup.exported(since=months[1].at, until=months[3].at) == months[1:3]
    assert await setup.exported(since=months[1].at, until=months[3].at, record=ANN) == months[1:3]
    assert await setup.exported(until=months[0].at) == []
    assert await setup.exported(since=months[3].at + timedelta(microseconds=1)) == []


@pytest.mark.parametrize("record", [None, ANN])
async def test_an_export_continues_behind_a_change(setup: LedgerSetup, record: RecordKey | None) -> None:
    changes = [change(at=START + timedelta(days=20 * number)) for number in range(5)]
    await setup.ledger.record(changes)
    assert await setup.exported(record=record, after=cursor(changes[2])) == changes[3:]
    assert await setup.exported(record=record, after=cursor(changes[4])) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_an_export_in_portions_has_everything_once(setup: LedgerSetup, limit: int) -> None:
    changes = [change(at=START + timedelta(days=20 * number)) for number in range(5)]
    await setup.ledger.record(changes)
    found: list[ConsentChange] = []
    after = ""
    while True:
        portion = await setup.ledger.portion(limit=limit, after=after)
        assert len(portion.changes) <= limit
        found += portion.changes
        if not (after := portion.following):
            break
    assert found == changes


async def test_a_repeated_message_counts_once_with_its_first_time(setup: LedgerSetup) -> None:
    first = change(correlation="message-1")
    await setup.ledger.record([first, first])
    again = replace(first, at=START + timedelta(days=40))
    await setup.ledger.record([again])
    assert await setup.exported() == [first]
    assert list(await setup.ledger.of_record(ANN)) == [first]


async def test_the_same_change_under_another_correlation_counts_again(setup: LedgerSetup) -> None:
    await setup.ledger.record([change(correlation="message-1"), change(correlation="message-2")])
    assert len(await setup.exported()) == 2


@pytest.mark.parametrize("moment", range(8))
async def test_a_worker_that_dies_anywhere_loses_nothing_and_counts_nothing_twice(
    setup: LedgerSetup, moment: int
) -> None:
    changes = [change(ANN, correlation="message-1"), change(BOB, correlation="message-1")]
    setup.store.faults.plan(moment, CrashError())
    try:
        await setup.ledger.record(changes)
    except CrashError:
        setup.ledger = setup.open()
    setup.store.faults.planned.clear()
    await setup.ledger.record([replace(one, at=one.at + timedelta(days=40)) for one in changes])
    told = await setup.exported()
    assert {one.record for one in told} == {ANN, BOB}
    assert len(told) == 2
    assert len({one.at for one in told}) == 1


async def test_of_record_shows_the_last_changes_with_one_scan_and_one_read(setup: LedgerSetup) -> None:
    changes = [change(at=START + timedelta(days=number), yes=bool(number % 2)) for number in range(50)]
    await setup.ledger.record([*changes, *(change(BOB) for _ in range(10))])
    setup.store.calls.clear()
    assert list(await setup.ledger.of_record(ANN, 3)) == changes[:-4:-1]
    assert setup.store.calls == {"read": 1}
    assert list(await setup.ledger.of_record(RecordKey(PersonTable.LEAD, ANN.id))) == []


async def test_a_hundred_changes_are_two_writes(setup: LedgerSetup) -> None:
    people = [RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in range(100)]
    await setup.ledger.record([change(key) for key in people])
    assert setup.store.calls == {"write": 2}
    assert {key.partition for key in setup.store.documents if "-of-" in key.partition} <= {
        f"test-consent-of-{digit}" for digit in "0123456789abcdef"
    }


async def test_an_empty_list_of_changes_makes_no_call(setup: LedgerSetup) -> None:
    await setup.ledger.record([])
    assert not setup.store.calls


# ---------------------------------------------------------------------------------------------------------- retention


async def test_old_entries_are_deleted_everywhere() -> None:
    setup = LedgerSetup(retention=timedelta(days=30))
    changes = [change(at=START + timedelta(days=10 * number)) for number in range(10)]
    await setup.ledger.record(changes)
    setup.clock.advance(timedelta(days=90))
    assert await setup.ledger.forget_old() == 6
    assert await setup.exported() == changes[6:]
    assert list(await setup.ledger.of_record(ANN)) == changes[:5:-1]
    assert {key.row for key in setup.store.documents if key.partition == "test-consent-months"} == {
        "2026-04",
        "2026-05",
    }
    assert await setup.ledger.forget_old() == 0


async def test_without_a_retention_time_nothing_is_forgotten(setup: LedgerSetup) -> None:
    await setup.ledger.record([change()])
    setup.clock.advance(timedelta(days=10_000))
    assert await setup.ledger.forget_old() == 0
    assert setup.entries() == 1


async def test_an_interrupted_deletion_continues_the_next_night() -> None:
    setup = LedgerSetup(retention=timedelta(days=1))
    await setup.ledger.record([change() for _ in range(20)])
    setup.clock.advance(timedelta(days=40))
    for moment in (0, 1):
        setup.store.faults.plan(moment, CrashError())
        with pytest.raises(CrashError):
            await setup.ledger.forget_old()
    await setup.ledger.forget_old()
    assert not [key for key in setup.store.documents if key.partition.startswith("test-consent")]


async def test_only_ids_and_codes_are_kept(setup: LedgerSetup) -> None:
    await setup.ledger.record([change()])
    written: Sequence[str] = bodies(setup.store.documents).splitlines()
    assert len(written) == 3
    assert all("@" not in line for line in written)
