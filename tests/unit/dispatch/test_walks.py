"""One walk over a table at a time, however often an operator asks for one; a dead walk blocks no other."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from shared.composition import app
from shared.dispatch.walks import PRESUMED_OVER
from shared.domain.records.records import PersonTable
from shared.errors import TransientError
from shared.ports.queue import QueueName
from shared.triggers.routes import records_api as api
from tests.connector_twin import ConnectorTwin

CONTACT, LEAD, BULK = PersonTable.CONTACT, PersonTable.LEAD, QueueName.BULK


@pytest.fixture
def twin() -> ConnectorTwin:
    twin = ConnectorTwin()
    twin.crm.create(emailaddress1="ann@example.nl")
    return twin


async def test_a_second_walk_over_a_table_does_not_begin(twin: ConnectorTwin) -> None:
    began = twin.clock.now()
    assert await twin.resync.table(CONTACT, BULK, correlation="c-1") is None
    twin.clock.advance(timedelta(minutes=5))

    other = await twin.resync.table(CONTACT, BULK, correlation="c-2")

    assert other is not None
    assert (other.correlation, other.since) == ("c-1", began)
    assert len(twin.queue.waiting) == 1
    assert await twin.resync.table(LEAD, BULK, correlation="c-3") is None


async def test_of_two_walks_at_the_same_time_one_begins(twin: ConnectorTwin) -> None:
    twin.faults.interleaves = True

    ended = await asyncio.gather(*(twin.resync.table(CONTACT, BULK, correlation=f"c-{n}") for n in range(5)))

    assert ended.count(None) == 1
    assert len(twin.queue.waiting) == 1


async def test_after_its_last_page_the_next_one_may_begin(twin: ConnectorTwin) -> None:
    await twin.resync.table(CONTACT, BULK, correlation="c-1")
    await twin.quiet()

    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is None
    await twin.quiet()
    assert not [key for key in twin.store.documents if "walk" in key.partition]


async def test_a_walk_that_could_not_be_sent_blocks_no_other(twin: ConnectorTwin) -> None:
    twin.queue.broken["send"] = TransientError("down")
    with pytest.raises(TransientError):
        await twin.resync.table(CONTACT, BULK, correlation="c-1")
    twin.queue.broken.clear()

    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is None


async def test_a_walk_that_gave_up_blocks_no_other_and_continues_on_replay(twin: ConnectorTwin) -> None:
    await twin.resync.table(CONTACT, BULK, correlation="c-1")
    twin.crm.broken["people_page"] = TransientError("down")
    await twin.quiet()
    assert [letter.reason for letter in twin.queue.dead] == ["gave-up"]
    twin.crm.broken.clear()

    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is None
    await twin.quiet()
    await twin.queue.replay([letter.id for letter in twin.queue.dead])
    await twin.quiet()

    assert twin.crm.calls["people_page"] > 2
    assert await twin.resync.table(CONTACT, BULK, correlation="c-3") is None


async def test_a_walk_that_died_blocks_for_a_day_and_then_ends(twin: ConnectorTwin) -> None:
    await twin.resync.table(CONTACT, BULK, correlation="c-1")
    lost, twin.queue.waiting = twin.queue.waiting, []
    twin.clock.advance(PRESUMED_OVER - timedelta(minutes=1))
    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is not None
    twin.clock.advance(timedelta(minutes=1))

    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is None
    pages = twin.crm.calls["people_page"]
    await twin.receive(lost)

    assert twin.crm.calls["people_page"] == pages
    assert await twin.resync.table(CONTACT, BULK, correlation="c-3") is not None


async def test_the_nightly_walk_waits_for_no_other(twin: ConnectorTwin) -> None:
    await twin.resync.table(CONTACT, BULK, correlation="c-1")
    await twin.reconciliation.begin()
    await twin.quiet()

    assert await twin.resync.table(CONTACT, BULK, correlation="c-2") is None


async def test_over_http_a_second_walk_is_refused_with_the_start_of_the_first(
    twin: ConnectorTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connector() -> Any:
        return SimpleNamespace(resync=twin.resync, settings=SimpleNamespace(sync_tables={CONTACT}))

    monkeypatch.setattr(app, "connector", connector)

    async def ask() -> tuple[int, dict[str, Any]]:
        url = "https://app.example/api/resync"
        answer = await api.resync(func.HttpRequest("POST", url, body=b'{"table": "contact"}'))
        return answer.status_code, json.loads(answer.get_body())

    status, accepted = await ask()
    assert status == 202
    status, refused = await ask()

    assert status == 409
    assert "A walk over every contact is under way since 20" in refused["error"]
    assert refused["details"]["correlation"] == accepted["correlation"]
    assert set(refused["details"]) == {"since", "lastPage", "correlation", "presumedOver"}
