"""The consent ledger over both state stores: its keys sort and read the same in either."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.adapters.storage.tables import TableStateStore
from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import ConsentChange, ConsentSource, ConsentState, permission
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.state import StateStore
from tests.contract.clocks import ManualClock

START = datetime(2026, 1, 30, tzinfo=UTC)


@pytest_asyncio.fixture(params=["sqlite", "tables"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateStore]:
    opened: StateStore
    if request.param == "sqlite":
        opened = SqliteStateStore(tmp_path / "state.db", clock=ManualClock())
    else:
        connection_string = request.getfixturevalue("azurite")
        opened = TableStateStore.from_connection_string(connection_string, table=f"state{uuid4().hex[:12]}")
    yield opened
    await opened.close()


async def test_recorded_consent_is_read_by_time_and_by_record_and_forgotten(store: StateStore) -> None:
    clock = ManualClock(START)
    ledger = ConsentLedger(store, clock, "test", retention=timedelta(days=30))
    changes = [
        ConsentChange(
            at=START + timedelta(hours=2 * number),
            record=RecordKey(PersonTable.CONTACT, UUID(int=number % 7)),
            external_id="e-1",
            subject=permission(4),
            old=ConsentState.NO,
            new=ConsentState.YES,
            source=ConsentSource.JOB,
            correlation=f"c-{number}",
        )
        for number in range(125)
    ]
    await ledger.record(changes[::-1])
    await ledger.record(changes[:30])
    assert [one async for page in ledger.export() for one in page] == changes
    since, until = changes[40].at, changes[60].at
    assert [one async for page in ledger.export(since=since, until=until) for one in page] == changes[40:60]
    assert list(await ledger.of_record(changes[0].record, 3)) == changes[119:98:-7]
    clock.advance(timedelta(days=35))
    assert await ledger.forget_old() == 60
    assert [one async for page in ledger.export() for one in page] == changes[60:]
