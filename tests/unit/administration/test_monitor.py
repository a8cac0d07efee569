"""The monitor measures what stands still, and has no value where it cannot measure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.administration.measures.monitor import Monitor
from shared.domain.planning.binding import MassChange
from shared.errors import ConfigurationError, Service, TransientError
from shared.ports.queue import OutgoingMessage, QueueDepth, QueueName
from shared.telemetry.signals import BACKLOG, BEHIND, HEARTBEAT, HELD_NOW, OLDEST, UP
from tests.connector_twin import ConnectorTwin
from tests.telemetry import Telemetry, listening


@pytest.fixture
def heard() -> Iterator[Telemetry]:
    with listening() as telemetry:
        yield telemetry


async def fine() -> None:
    """A service that answers."""


async def broken() -> None:
    raise TransientError("No answer", service=Service.SPOTLER)


def monitor_of(twin: ConnectorTwin, **parts: Any) -> Monitor:
    """Return a monitor of the twin; `parts` replace its queue or its services."""
    usual: dict[str, Any] = {"pings": {}, "queue": twin.queue}
    return Monitor(
        **(usual | parts),
        clock=twin.clock,
        polled_until=twin.poller.cursor,
        import_waits_since=twin.poller.import_waits_since,
        held=twin.brake.measure,
        circuits=twin.circuits.measure,
    )


async def test_the_monitor_measures_backlogs_their_age_and_services(
    heard: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    twin = ConnectorTwin()
    await twin.queue.send(QueueName.LIVE, [OutgoingMessage(b"x")])
    twin.clock.advance(timedelta(minutes=20))

    await monitor_of(twin, pings={"dataverse": fine, "spotler": broken}).measure()

    assert heard.values(HEARTBEAT) == [1]
    assert heard.values(UP, service="dataverse") == [1]
    assert heard.values(UP, service="spotler") == [0]
    assert heard.values(BACKLOG, queue="sync-live", state="active") == [1]
    assert heard.values(OLDEST, queue="sync-live") == [1200]
    assert heard.values(OLDEST, queue="sync-bulk") == [0]
    assert "spotler does not answer: No answer (spotler)" in caplog.text


async def test_a_queue_that_cannot_be_measured_has_no_value_rather_than_a_wrong_one(
    heard: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    twin = ConnectorTwin()

    class Closed(type(twin.queue)):  # type: ignore[misc]
        async def depth(self, queue: QueueName) -> QueueDepth:
            if queue is QueueName.EVENTS:
                raise ConfigurationError("this identity may not manage", service=Service.QUEUE)
            depth: QueueDepth = await super().depth(queue)
            return depth

    with caplog.at_level(logging.WARNING):
        await monitor_of(twin, queue=Closed(twin.clock)).measure()

    assert heard.values(OLDEST, queue="dataverse-events") == []
    assert heard.values(OLDEST, queue="sync-live") == [0]
    assert "dataverse-events cannot be measured" in caplog.text


async def test_a_poll_that_stands_still_shows_its_age(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    await twin.poll()
    twin.clock.advance(timedelta(hours=2))

    await monitor_of(twin).measure()

    assert heard.values(BEHIND) == [7200]


async def test_the_monitor_measures_how_many_records_the_brake_holds(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    await twin.brake.keep(MassChange.ERASURE, ["contact:1", "contact:2"])
    await monitor_of(twin).measure()

    assert heard.values(HELD_NOW, kind="erasure") == [2]
    assert heard.values(HELD_NOW, kind="unsubscription") == [0]


async def test_a_queue_with_wrong_settings_is_logged(heard: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    twin = ConnectorTwin()

    class Short(type(twin.queue)):  # type: ignore[misc]
        async def depth(self, queue: QueueName) -> QueueDepth:
            return replace(await super().depth(queue), problem="lock duration 60 s instead of 300 s")

    await monitor_of(twin, queue=Short(twin.clock)).measure()

    assert "the queue sync-live is not as it must be: lock duration 60 s instead of 300 s" in caplog.text
