"""One circuit per service and lane: while a service is out of reach nobody asks it, and one alarm says so."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.administration.health import Health
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.errors import ConfigurationError, ConnectorError, Service, ThrottledError, TransientError
from shared.messages.lane_messages import ReferenceBatch, Walk, read_lane_message
from shared.ports.queue import QueueName
from shared.telemetry.signals import CIRCUIT
from tests.connector_twin import ConnectorTwin, person
from tests.examples import thinned
from tests.telemetry import listening

DOWN = TransientError("no answer", service=Service.SPOTLER)
REFUSED = ConfigurationError("the credentials were refused", service=Service.SPOTLER, status=401)
THROTTLED = ThrottledError("slow down", retry_after=timedelta(minutes=2), service=Service.SPOTLER)
MANY = 200


async def saved(twin: ConnectorTwin, count: int, lane: QueueName = QueueName.LIVE) -> None:
    """Let people be saved, each with a message of its own."""
    for _ in range(count):
        number = len(twin.crm.people)
        key = twin.crm.create(**person(emailaddress1=f"p{number}@example.com"))
        await twin.lanes.send_references(lane, [Reference(key, Why.SAVED)])


async def run_for(twin: ConnectorTwin, span: timedelta, *, at_once: int = 100) -> None:
    """Deliver what is due, a batch at a time, until so much time has passed."""
    end = twin.clock.now() + span
    while twin.clock.now() < end:
        due = twin.queue.due()
        if due:
            await twin.receive([one for one in due if one.lane is due[0].lane][:at_once])
            continue
        coming = min((one.due for one in twin.queue.waiting), default=end)
        twin.clock.advance(min(coming, end) - twin.clock.now())


def spotler_fails(twin: ConnectorTwin, error: ConnectorError) -> None:
    for call in ("insert", "upsert", "ping", "contact", "contact_with_email"):
        twin.platform.broken[call] = error


def attempts(twin: ConnectorTwin) -> list[int]:
    messages = [read_lane_message(one.message.body) for one in twin.queue.waiting]
    return [one.attempt for message in messages if isinstance(message, ReferenceBatch) for one in message.unfold()]


@pytest.mark.parametrize("error", thinned([DOWN, REFUSED, THROTTLED]), ids=["down", "refused", "throttled"])
async def test_a_service_that_is_out_of_reach_is_asked_now_and_then_and_told_of_once(
    error: ConnectorError, caplog: pytest.LogCaptureFixture
) -> None:
    twin = ConnectorTwin()
    spotler_fails(twin, error)
    await saved(twin, MANY)

    with caplog.at_level(logging.WARNING):
        await run_for(twin, timedelta(hours=12))

    asked = sum(twin.platform.calls.values()) - twin.platform.calls["properties"]
    assert asked < 12 * 60 / 2, "not every record, and not every few seconds"
    assert [line.levelname for line in caplog.records].count("ERROR") == 1, "one alarm"
    assert len(caplog.records) < 20, "no line for every record"
    assert max(attempts(twin)) < 5, "who is not looked at does not lose attempts"
    twin.platform.broken.clear()
    await run_for(twin, timedelta(minutes=7))
    assert len(twin.platform.contacts) == MANY, "minutes after its return all is done"
    assert twin.queue.dead == []
    assert twin.claims() == []


async def test_after_a_pause_one_message_is_looked_at_before_all_others() -> None:
    twin = ConnectorTwin()
    spotler_fails(twin, ConfigurationError("not licensed", service=Service.SPOTLER, status=403))
    del twin.platform.broken["ping"]
    await saved(twin, MANY)
    await run_for(twin, timedelta(seconds=1))
    before = twin.crm.calls["read_people"]

    await run_for(twin, timedelta(minutes=1))

    assert 1 <= twin.crm.calls["read_people"] - before <= 4, "probes at 5, 15 and 35 seconds"
    assert len(attempts(twin)) == MANY


async def test_messages_held_up_by_a_pause_return_over_a_minute_and_not_in_one_second() -> None:
    twin = ConnectorTwin()
    twin.policy = RetryPolicy(chance=random.Random(7).random)  # no secret
    twin.worker = twin.start_worker()
    spotler_fails(twin, THROTTLED)
    await saved(twin, MANY)

    await run_for(twin, timedelta(seconds=30), at_once=10)

    moments = {one.due.replace(microsecond=0) for one in twin.queue.waiting}
    assert len(moments) >= 15
    assert min(moments) >= twin.clock.now() + timedelta(seconds=89), "nobody comes before the pause is over"
    assert max(moments) <= twin.clock.now() + timedelta(seconds=160)


async def test_one_record_that_a_service_fails_on_holds_up_nobody_else() -> None:
    twin = ConnectorTwin()
    await saved(twin, 2)
    spotler_fails(twin, DOWN)
    await run_for(twin, timedelta(minutes=10), at_once=1)

    assert await twin.circuits.state() == []


async def test_records_that_fail_by_themselves_open_no_circuit_while_the_service_answers() -> None:
    twin = ConnectorTwin()
    await saved(twin, 8)
    await twin.quiet()
    poor = list(twin.crm.people)[:5]
    contact = twin.platform.contact

    async def fails(external_id: str) -> MarketingContact | None:
        if external_id in {str(key.id) for key in poor}:
            raise DOWN
        return await contact(external_id)

    twin.platform.contact = fails  # type: ignore[method-assign]
    for key in poor:
        twin.crm.edit(key, firstname="Ben")
        await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED)])
    await run_for(twin, timedelta(minutes=30), at_once=1)
    await saved(twin, 1)
    await run_for(twin, timedelta(seconds=1))

    assert await twin.circuits.state() == []
    assert len(twin.platform.contacts) == 9


async def test_a_pause_of_the_bulk_lane_does_not_hold_up_live_work() -> None:
    twin = ConnectorTwin()
    await saved(twin, 10)
    await twin.enqueue(b'{"kind": "walk", "table": "contact", "why": "resync"}', QueueName.BULK)
    spotler_fails(twin, THROTTLED)
    await twin.receive([one for one in twin.queue.waiting if one.lane is QueueName.BULK])
    assert [one["lane"] for one in await twin.circuits.state()] == ["sync-bulk"]
    twin.platform.broken.clear()

    await twin.receive([one for one in twin.queue.waiting if one.lane is QueueName.LIVE])

    assert len(twin.platform.contacts) == 10


async def test_walks_and_jobs_wait_as_well_and_keep_their_attempt() -> None:
    twin = ConnectorTwin()
    spotler_fails(twin, THROTTLED)
    await saved(twin, 3)
    await run_for(twin, timedelta(seconds=1))
    await twin.enqueue(b'{"kind": "walk", "table": "contact", "why": "resync", "attempt": 4}')

    await run_for(twin, timedelta(minutes=1))

    walks = [read_lane_message(one.message.body) for one in twin.queue.waiting]
    assert [one.attempt for one in walks if isinstance(one, Walk)] == [4]
    assert twin.crm.calls["people_page"] == 0
    twin.platform.broken.clear()
    await twin.quiet()
    assert twin.crm.calls["people_page"] == 1


async def test_a_probe_whose_worker_died_is_taken_by_another_one() -> None:
    twin = ConnectorTwin()
    spotler_fails(twin, DOWN)
    await saved(twin, 5)
    await run_for(twin, timedelta(seconds=1))
    twin.platform.broken.clear()
    twin.clock.advance(timedelta(seconds=20))
    await twin.circuits.turn(QueueName.LIVE)  # and nothing more is heard of it

    await run_for(twin, timedelta(minutes=3))

    assert len(twin.platform.contacts) == 5
    assert await twin.circuits.state() == []


async def test_health_is_bad_and_a_metric_tells_while_a_lane_pauses() -> None:
    twin = ConnectorTwin()
    spotler_fails(twin, REFUSED)
    await saved(twin, 1)
    await run_for(twin, timedelta(seconds=1))

    report = await health_of(twin).check()

    assert report["healthy"] is False
    (circuit,) = report["circuits"]
    assert (circuit["service"], circuit["lane"], circuit["cause"]) == ("spotler", "sync-live", "refused")
    with listening() as heard:
        await twin.circuits.measure()
        assert heard.values(CIRCUIT, service="spotler", lane="sync-live") == [1]
        assert heard.values(CIRCUIT, service="dataverse", lane="sync-live") == [0]


async def test_health_is_bad_when_a_lane_stands_still_although_every_service_answers() -> None:
    twin = ConnectorTwin()
    await saved(twin, 1)
    assert (await health_of(twin).check())["healthy"] is True
    twin.clock.advance(timedelta(minutes=16))

    report = await health_of(twin).check()

    assert report["healthy"] is False
    assert report["queues"]["sync-live"]["standsStill"] is True
    assert report["queues"]["sync-live"]["oldestSeconds"] == 16 * 60


async def nothing_refused() -> dict[str, str]:
    return {}


def health_of(twin: ConnectorTwin, refused_tables: Callable[[], Awaitable[dict[str, str]]] = nothing_refused) -> Health:
    return Health(
        pings={},
        platform=twin.platform,
        queue=twin.queue,
        rules=twin.rules,
        drift=NoDrift(),  # type: ignore[arg-type]  # it is only asked for its state
        clock=twin.clock,
        circuits=twin.circuits.state,
        states={},
        refused_tables=refused_tables,
    )


class NoDrift:
    """Nothing has changed in either side's fields."""

    async def state(self) -> list[str]:
        return []
