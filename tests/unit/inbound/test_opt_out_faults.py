"""OPT-07: an opt-out in Spotler reaches Dataverse, whenever Dataverse is out of reach."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.records.outcomes import Reason
from shared.domain.records.records import Reference, Why
from shared.errors import ConflictError, DataError, ThrottledError, TransientError
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person

OUTAGES = [
    TransientError("down"),
    ThrottledError("busy", retry_after=timedelta(seconds=30)),
    ConflictError("somebody was faster"),
]


async def opted_out() -> ConnectorTwin:
    """Ann has opted out, and Dataverse cannot be written to."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    return twin


def check(twin: ConnectorTwin) -> None:
    ((ann, record),) = twin.crm.people.items()
    assert record.values.get("donotbulkemail")
    assert twin.contact_of("ann@example.com").is_inactive
    assert twin.status_of(ann)[1] == Reason.OPTED_OUT
    assert [one.body for one in twin.store.documents.values() if {"claim", "doubt"} & one.body.keys()] == []
    assert twin.queue.dead == []


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_an_opt_out_that_dataverse_could_not_take_is_brought_home_later(error: Exception) -> None:
    twin = await opted_out()
    twin.writebacks.broken = {"write_back": error}
    twin.clock.advance(timedelta(minutes=15))
    await twin.poller.poll()
    twin.writebacks.broken = {}

    await twin.quiet()
    await twin.poll()

    check(twin)


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_so_is_one_that_a_save_has_met(error: Exception) -> None:
    twin = await opted_out()
    ((ann, _),) = twin.crm.people.items()
    twin.writebacks.broken = {"write_back": error}
    twin.crm.edit(ann, firstname="Anna")
    await twin.look(ann)
    twin.writebacks.broken = {}

    await twin.quiet()

    check(twin)


async def test_an_opt_out_that_dataverse_refused_is_brought_home_when_the_record_has_been_corrected() -> None:
    twin = await opted_out()
    ((ann, _),) = twin.crm.people.items()
    twin.writebacks.broken = {"write_back": DataError("a plug-in refuses it")}
    await twin.poll()
    assert twin.status_of(ann)[1] == Reason.REFUSED_HERE
    twin.writebacks.broken = {}

    twin.crm.edit(ann, firstname="Anna")
    await twin.lanes.send_references(QueueName.LIVE, [Reference(ann, Why.SAVED)])
    await twin.quiet()

    check(twin)
