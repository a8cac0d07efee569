"""Whatever a caller sends to be checked, the connector goes on meanwhile."""

from __future__ import annotations

import asyncio
import io
import itertools
import time
import zipfile
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from shared.adapters.workbook.sizes import LARGEST_TEXT
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import read_mapping
from tests.examples import thinned
from tests.scenario.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EMAIL = "version: 1\nrows:\n- {spotler: email, contact: emailaddress1, lead: emailaddress1}\n"
_USUAL_CALLS = 10
_SLOWER = 3
"""So many usual times more a busy machine may take beside a check, which needs a processor, too."""

_TRIES = 4
"""A check that stops the connector does so each time; a machine that is busy for a moment does not."""

LONGEST_WAIT = 0.5
"""Seconds that somebody else may wait for an answer."""


def rows(count: int, row: str) -> bytes:
    return (_EMAIL + "".join(row.format(number=number, next=number + 1) for number in range(count))).encode()


def filtered(condition: str) -> bytes:
    return f"{_EMAIL}filters: {{contact: '{condition}'}}\n".encode()


def workbook(cell: str) -> bytes:
    content = to_workbook("default", read_mapping({"version": 1, "rows": []}), [])
    line = "".join(f'<c r="{letter}{{row}}" t="{cell}"><v>0</v></c>' for letter in "ABCDEFGHIJKLM")
    lines = "".join(f'<row r="{row}">{line.format(row=row)}</row>' for row in range(100, 7000))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</sheetData>", lines.encode() + b"</sheetData>"))
    return stream.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("limits")) as opened:
        await opened.connector.start()
        await opened.connector.call("POST", "/api/mapping/check", _EMAIL.encode())  # everything is loaded
        yield opened


async def _longest_wait(world: World, until: Callable[[], bool]) -> float:
    """Return the longest time of a call of the health report, called again and again until something is over."""
    longest = 0.0
    while not until():
        began = time.perf_counter()
        answer = await world.connector.call("GET", "/api/health")
        longest = max(longest, time.perf_counter() - began)
        assert answer.status_code in {200, 503}
        await asyncio.sleep(0.02)
    return longest


@pytest.mark.parametrize(
    ("body", "status"),
    thinned(
        [
            (lambda: rows(4_000, "- {{spotler: p{number},contact: a}}\n"), 422),
            (lambda: rows(999, "- {{spotler: p{number},contact: firstname,comment: '" + "x" * 130 + "'}}\n"), 200),
            (lambda: rows(999, "- {{spotler: p{number},contact: c{number}, lead: l{next}, direction: <-}}\n"), 200),
            (lambda: filtered("firstname = 1 or " * 11_000 + "firstname = 1"), 200),
            (lambda: filtered("firstname in (" + "1," * 90_000 + "1)"), 200),
            (lambda: b"{" + b",".join(b"a%d: {b: c}" % number for number in range(11_000)) + b"}", 422),
            (lambda: workbook("n"), 422),
            (lambda: b"- " * 90_000, 422),
        ],
        quick=3,
    ),
    ids=["rows", "long-rows", "circles", "conditions", "values", "keys", "workbook", "deep"],
)
async def test_the_connector_answers_while_a_mapping_is_checked(
    world: World, body: Callable[[], bytes], status: int
) -> None:
    waits = [await _wait_beside_check(world, body(), status)]
    while waits[-1] >= LONGEST_WAIT and len(waits) < _TRIES:
        waits.append(await _wait_beside_check(world, body(), status))

    assert min(waits) < LONGEST_WAIT, waits


async def _wait_beside_check(world: World, body: bytes, status: int) -> float:
    """Return the longest wait of somebody else beside a check, less what a busy machine adds now."""
    calls = itertools.count()
    usual = await _longest_wait(world, lambda: next(calls) == _USUAL_CALLS)
    check = asyncio.create_task(world.connector.call("POST", "/api/mapping/check", body))
    longest = await _longest_wait(world, check.done)
    assert (await check).status_code == status, (await check).text[:300]
    return longest - _SLOWER * usual


async def test_a_mapping_that_is_too_long_is_not_read(world: World) -> None:
    answer = await world.connector.call("POST", "/api/mapping/check", b"#" * (LARGEST_TEXT + 1))

    assert answer.status_code == 413
    assert answer.json()["error"] == "Send less: a mapping in YAML is larger than 200,000 bytes."
