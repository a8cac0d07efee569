"""No personal data but in the two systems that own it: not in logs, not in state, not in queues, not in dead letters.

Everybody in every scenario consists of marked values, and every world is searched for them when it ends (`open_world`);
so whatever the other modules do, failures and kills included, is searched as well. Here is what that leaves open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from shared.ports.queue import OutgoingMessage, QueueName
from tests.programs.processes import run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.privacy import MARK, POSTCODE, leaks, marks_in
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

    async def told() -> bool:
        return f"contact:{person.id} written (created)" in private.connector.log.read_text()

    await eventually(told, "the line of the record in the log")


# ------------------------------------------------------------------------------------- dead letters and HTTP errors


async def test_a_message_that_is_none_of_dataverses_is_dead_lettered_without_its_content(private: World) -> None:
    strange = {"Parameters": f"{MARK}", "email": f"{MARK}@example.nl"}
    await private.queue.send(QueueName.EVENTS, [OutgoingMessage(json.dumps(strange).encode())])
    await private.queue.send(QueueName.LIVE, [OutgoingMessage(json.dumps({"kind": MARK}).encode())])

    async def both() -> list[dict[str, str]] | None:
        answer = await private.connector.call("GET", "/api/dead-letters")
        assert marks_in(answer.content) == []
        letters: list[dict[str, str]] = answer.json()["deadLetters"]
        return letters if {"other-json", "not-a-lane-message"} <= {letter["reason"] for letter in letters} else None

    await eventually(both, "both dead letters")

    async def is_clean() -> bool:
        return not leaks(private.folder)

    await eventually(is_clean, "the messages to be gone")


HOSTILE = f"{MARK}@example.nl"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/api/explain/contact/{HOSTILE}", None),
        ("GET", f"/api/explain/{HOSTILE}/{UUID(int=1)}", None),
        ("POST", "/api/resync", {"table": HOSTILE}),
        ("POST", "/api/resync", {"table": "contact", "ids": [HOSTILE]}),
        ("POST", "/api/resync", f"{HOSTILE}".encode()),
        ("POST", "/api/dead-letters/replay", {"ids": HOSTILE}),
        ("GET", f"/api/mapping?version={HOSTILE}", None),
        ("GET", f"/api/consent.csv?record={HOSTILE}", None),
        ("GET", f"/api/bounces?limit={HOSTILE}", None),
        ("POST", f"/api/mapping/preview?records=contact:{HOSTILE}", b"version: 1"),
        ("PUT", f"/api/mapping?warnings={HOSTILE}", b"version: 1"),
        ("POST", f"/api/mapping/rollback/{HOSTILE}", None),
    ],
)
async def test_an_error_does_not_repeat_what_was_sent(private: World, method: str, path: str, body: object) -> None:
    """Nor does the log, which is searched when the world ends."""
    answer = await private.connector.call(method, path, body, key=private.connector.master)

    assert answer.is_client_error, answer.text
    assert marks_in(answer.content) == []


# -------------------------------------------------------------------------------------------------------------- console


@pytest.mark.parametrize(
    "words",
    [
        ("mapping", "check"),
        ("mapping", "history"),
        ("mapping", "export"),
        ("check",),
        ("consent", "export"),
        ("settings",),
    ],
    ids=" ".join,
)
async def test_commands_print_nobody(private: World, words: tuple[str, ...]) -> None:
    """`mapping preview` prints values: that is what an administrator asks it for."""
    await private.synchronised()
    ended = await run(words, {**SYSTEM, **private.connector.settings})

    assert ended.code in {0, 1}, ended.complaint
    assert ended.output or ended.complaint
    assert marks_in((ended.output + ended.complaint).encode()) == []


async def test_the_search_finds_marks_however_an_answer_encodes_them() -> None:
    assert marks_in(f'{{"x": "{MARK}"}}'.encode()) == [MARK]
    assert marks_in(quote(POSTCODE).encode()) == [POSTCODE]
    assert marks_in(b"contact:1 written") == []
