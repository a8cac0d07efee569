"""Shadow mode: everything is planned, nothing is written on either side, and what cannot be planned waits."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from shared.administration.mode import LIFETIME, Mode, Modes
from shared.dispatch.runs import PREFIX
from shared.dispatch.shadow import GONE, Shadow
from shared.dispatch.work import Work
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.errors import Service, TransientError
from shared.messages.lane_messages import Jobs, Walk
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person

CONTACT = PersonTable.CONTACT


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


def shadow_of(twin: ConnectorTwin) -> Shadow:
    return Shadow(
        preview=twin.preview,
        forecasts=twin.forecasts,
        crm=twin.crm,
        walks=twin.resync.walks,
        lanes=twin.lanes,
        redelivery=twin.resync.redelivery,
        store=twin.store,
        clock=twin.clock,
        environment="test",
    )


def saved(*keys: RecordKey) -> Work:
    return Work(people=[Reference(key, Why.SAVED, "c-1") for key in keys])


async def test_a_save_is_planned_and_written_nowhere(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    refuses = twin.crm.create(**person(emailaddress1="bob@example.com", donotemail=True))
    gone = RecordKey(CONTACT, uuid4())
    shadow = shadow_of(twin)

    await shadow.dispatch(saved(ann, refuses, gone), lane=QueueName.LIVE)

    plans = {one.record: (one.action, one.reason) for one in await shadow.latest()}
    assert plans == {ann: ("write", "created"), refuses: ("skipped", "do-not-email"), gone: (GONE, GONE)}
    assert not twin.platform.contacts
    assert (await twin.ledger.entries([ann]))[ann].outcome is None
    assert twin.queue.waiting == []


async def test_a_record_that_changes_twice_has_one_plan(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    shadow = shadow_of(twin)
    for _ in range(2):
        await shadow.dispatch(saved(ann, ann), lane=QueueName.LIVE)

    assert dict(await shadow.counts()) == {("write", "created"): 1}
    await shadow.forget()
    assert dict(await shadow.counts()) == {}


async def test_everybody_is_planned_page_by_page(twin: ConnectorTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dispatch.shadow.PAGE", 2)
    for number in range(5):
        twin.crm.create(**person(emailaddress1=f"ann{number}@example.com"))
    shadow = shadow_of(twin)
    await twin.resync.table(CONTACT, QueueName.BULK, correlation="c-1")
    for _ in range(3):
        await twin.receive(twin.queue.due(), shadow)  # type: ignore[arg-type]  # in the dispatcher's place

    assert dict(await shadow.counts()) == {("write", "created"): 5}
    assert twin.queue.waiting == []
    assert not twin.platform.contacts


async def test_jobs_and_runs_wait_without_an_attempt(twin: ConnectorTwin) -> None:
    job = Jobs(jobs=[uuid4()], correlation="c-1")
    run = Walk(table=CONTACT, why=Why.RESYNC, correlation=f"{PREFIX}7")
    nightly = Walk(table=CONTACT, why=Why.RECONCILE, correlation="reconcile-1")

    await shadow_of(twin).dispatch(Work(jobs=[job], walks=[run, nightly]), lane=QueueName.BULK)

    assert [one.due - twin.clock.now() for one in twin.queue.waiting] == [timedelta(hours=1)] * 3
    assert all(b'"attempt":1' in one.message.body for one in twin.queue.waiting)


async def test_without_dataverse_a_plan_is_tried_again(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    twin.crm.broken["read_people"] = TransientError("down", service=Service.DATAVERSE)
    await shadow_of(twin).dispatch(saved(ann), lane=QueueName.LIVE)

    assert len(twin.queue.waiting) == 1


async def test_a_mode_that_another_process_chose_is_noticed_within_ten_seconds(twin: ConnectorTwin) -> None:
    here, there = (Modes(twin.store, twin.clock, "test") for _ in range(2))
    assert (await here.current()).mode is Mode.LIVE
    await there.change(Mode.SHADOW, by="ann")
    twin.clock.advance(LIFETIME)

    assert (await here.current()).mode is Mode.SHADOW
    assert (await here.current()).by == "ann"
