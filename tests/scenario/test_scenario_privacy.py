"""No personal data but in the two systems that own it: not in logs, not in state, not in queues, not in dead letters.

Everybody in every scenario consists of marked values, and every world is searched for them when it ends (`open_world`);
so whatever the other modules do, failures and kills included, is searched as well. Here is what that leaves open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.core.jobs import Operation
from shared.core.records import PersonTable
from tests.scenario.privacy import leaks
from tests.scenario.world import World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def private(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("private")) as opened:
        await opened.connector.start()
        yield opened


async def test_the_search_finds_what_waits_in_the_queue(private: World) -> None:
    await private.connector.stop()

    for table in PersonTable:
        await private.save(table)

    async def is_found() -> bool:
        return bool(leaks(private.folder))

    await eventually(is_found, "the messages to be found in the queue")
    await private.connector.start()
    await private.settled()


async def test_nothing_is_left_in_any_file_while_the_connector_runs(private: World) -> None:
    people = await asyncio.gather(*(private.save(table) for table in PersonTable for _ in range(20)))
    await private.settled()
    for person in people[:3]:
        await private.ended(await private.ask(Operation.ANONYMIZE_CONTACT, person))
    await private.settled()

    async def is_clean() -> bool:
        return not leaks(private.folder)

    await eventually(is_clean, "the last traces to go")


async def test_the_log_speaks_of_records_by_their_ids(private: World) -> None:
    person = await private.synchronised()

    assert f"contact:{person.id} written (created)" in private.connector.log.read_text()
