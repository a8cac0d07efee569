"""Runs: every record once, however often a person pauses and a worker dies; whoever is left out is noted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.dispatch.run_control import RunControl
from shared.dispatch.runs import Run, RunState
from shared.domain.records.records import PersonTable
from shared.errors import ConflictError, NotFoundError
from tests.connector_twin import ConnectorTwin
from tests.twins.faults import CrashError

CONTACT = PersonTable.CONTACT
PEOPLE = 7


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> ConnectorTwin:
    """Seven people, one of them without an address, in pages of two."""
    monkeypatch.setattr("shared.dispatch.resync.PAGE", 2)
    twin = ConnectorTwin()
    for number in range(PEOPLE - 1):
        twin.crm.create(emailaddress1=f"ann{number}@example.nl")
    twin.crm.create(emailaddress1=None)
    return twin


def control(twin: ConnectorTwin) -> RunControl:
    return twin.resync.runs


async def now(twin: ConnectorTwin, run: Run) -> Run:
    found = await control(twin).runs.read(run.id)
    assert found is not None
    return found


async def handle_one(twin: ConnectorTwin) -> None:
    """Handle what is due, once."""
    await twin.receive(twin.queue.due())


async def test_a_run_ends_with_every_record_counted_and_whoever_was_left_out(twin: ConnectorTwin) -> None:
    run = await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    await twin.quiet()
    ended = await now(twin, run)

    assert ended.state is RunState.COMPLETED
    assert (ended.done, ended.pages, ended.not_passed_on) == (PEOPLE, 4, 1)
    assert ended.counts == {"written/created": PEOPLE - 1, "skipped/no-email": 1}
    assert [why async for why, _ in control(twin).runs.not_passed_on(run.id)] == ["skipped/no-email"]
    assert [event.what for event in ended.events] == ["completed", "running"]


async def test_a_paused_run_keeps_its_position_and_goes_on_there(twin: ConnectorTwin) -> None:
    run = await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    await handle_one(twin)
    await control(twin).pause(run.id, by="bob")
    await twin.quiet()
    paused = await now(twin, run)
    assert (paused.state, paused.done) == (RunState.PAUSED, 2)
    assert await twin.resync.walks.begin(CONTACT, "another") is None, "a pause blocks no other walk"
    await twin.resync.walks.end(CONTACT, "another")

    await control(twin).resume(run.id, by="bob")
    await twin.quiet()
    ended = await now(twin, run)

    assert (ended.state, ended.done) == (RunState.COMPLETED, PEOPLE)
    assert [event.by for event in ended.events] == ["", "bob", "bob", "ann"]


async def test_a_stopped_run_writes_no_more_and_cannot_be_resumed(twin: ConnectorTwin) -> None:
    run = await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    await handle_one(twin)
    await control(twin).stop(run.id, by="ann")
    await twin.quiet()

    assert (await now(twin, run)).done == 2
    with pytest.raises(ConflictError, match="stopped"):
        await control(twin).resume(run.id, by="ann")


async def test_one_run_over_a_table_at_a_time(twin: ConnectorTwin) -> None:
    await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    twin.clock.advance(timedelta(seconds=1))

    with pytest.raises(ConflictError, match="under way"):
        await control(twin).start(CONTACT, total=PEOPLE, by="bob")


async def test_an_unknown_run_is_not_changed(twin: ConnectorTwin) -> None:
    with pytest.raises(NotFoundError):
        await control(twin).pause("7", by="ann")


@pytest.mark.parametrize("moment", range(0, 120, 4))
async def test_a_worker_that_dies_anywhere_costs_no_record_and_counts_none_twice(
    twin: ConnectorTwin, moment: int
) -> None:
    run = await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    twin.faults.plan(moment, CrashError())
    await twin.quiet()
    ended = await now(twin, run)

    assert ended.state is RunState.COMPLETED
    assert ended.done == sum(ended.counts.values()) == PEOPLE
    assert len(twin.platform.contacts) == PEOPLE - 1


async def test_a_message_that_comes_twice_counts_once(twin: ConnectorTwin) -> None:
    run = await control(twin).start(CONTACT, total=PEOPLE, by="ann")
    twin.queue.waiting += list(twin.queue.waiting)
    await twin.quiet()

    assert (await now(twin, run)).done == PEOPLE
