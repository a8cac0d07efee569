"""What work costs: API calls for a contact, executions and GB-seconds for 100,000 changes, by the published prices."""

from __future__ import annotations

import logging
import math
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.figures.figure import Better, Figure, Measured
from tests.bench.saver import save
from tests.bench.through_the_app import Bench, bench, settled, watching_calls

_CHANGES = 100_000
_BURST, _SINGLES, _TABLE = 1_000, 50, 5_000
_CONTACTS_AMONG_PEOPLE = 0.7

_GIGABYTES = 2
"""Memory of an instance, the default of `deploy`; it has one core."""

_DOLLARS_PER_GB_SECOND = 0.000026
_DOLLARS_PER_MILLION_EXECUTIONS = 0.40
"""Flex Consumption on demand; docs/howto/deploy.md has all prices, and what is free."""

_SHORTEST, _STEP = 1.0, 0.1
"""Seconds: each execution is billed for one at least, then in steps."""

_WORKERS = frozenset({"on_dataverse_event", "on_sync_live", "on_sync_bulk"})
"""The functions that do the work; timers run with and without it."""


class Executions(logging.Handler):
    """Collects how long the functions ran, from the log of the host."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.seconds: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and record.args[0] in _WORKERS and record.levelno == logging.INFO:
            self.seconds.append(float(str(record.args[1])) / 1000)

    @property
    def gigabyte_seconds(self) -> float:
        """What is billed at most: executions that run on one instance at the same time share its seconds."""
        return sum(max(_SHORTEST, math.ceil(one / _STEP) * _STEP) for one in self.seconds) * _GIGABYTES


@dataclass(frozen=True)
class Cost:
    """What some changes took."""

    what: str
    changes: int
    dataverse: int
    spotler: int
    executions: int
    messages: int
    gigabyte_seconds: float

    @property
    def calls(self) -> float:
        """API calls of both services for one change."""
        return (self.dataverse + self.spotler) / self.changes

    @property
    def row(self) -> str:
        """The line of the table, for 100,000 changes."""
        times = _CHANGES / self.changes
        dollars = (
            self.gigabyte_seconds * _DOLLARS_PER_GB_SECOND
            + self.executions * _DOLLARS_PER_MILLION_EXECUTIONS / 1_000_000
        ) * times
        return (
            f"| {self.what} | {self.dataverse / self.changes:.4f} | {self.spotler / self.changes:.4f} "
            f"| {self.executions * times:,.0f} | {self.messages * times:,.0f} "
            f"| {self.gigabyte_seconds * times:,.0f} | {dollars:,.2f} |"
        )


async def cost() -> Measured:
    """Measure the initial synchronisation, bursts, and single changes."""
    costs: list[Cost] = []
    async with bench(round(_TABLE / _CONTACTS_AMONG_PEOPLE)) as running:
        count = len((await running.dynamics.read("contacts?$select=contactid"))["value"])
        costs.append(await _taken(running, "initial synchronisation", count, lambda: _resync(running)))
    async with bench() as running:
        for what in ("new", "changed"):
            act: Callable[[], Awaitable[None]] = lambda what=what: save(running.addresses, what, _BURST)  # noqa: E731
            costs.append(await _taken(running, f"bursts of {_BURST:,} saves, {what} contacts", _BURST, act))
    async with bench() as running:
        await save(running.addresses, "new", _SINGLES)
        await settled()
        costs.append(await _taken(running, "single changes, one by one", _SINGLES, lambda: _singly(running)))
    head = (
        "| 100,000 changes as | Dataverse calls a change | Spotler calls a change | executions | messages "
        "| GB-seconds | US dollars |\n|---|---|---|---|---|---|---|"
    )
    figures = [Figure(f"cost: calls, {one.what}", one.calls, Better.LOWER) for one in costs]
    return Measured(figures, "\n".join([head, *(one.row for one in costs)]))


async def _taken(running: Bench, what: str, changes: int, act: Callable[[], Awaitable[None]]) -> Cost:
    before, sent = await running.requests(), _messages_sent()
    executions = Executions()
    with watching_calls(executions):
        await act()
        await settled()
    after = await running.requests()
    return Cost(
        what,
        changes,
        after[0] - before[0],
        after[1] - before[1],
        len(executions.seconds),
        _messages_sent() - sent,
        executions.gigabyte_seconds,
    )


async def _resync(running: Bench) -> None:
    async with httpx.AsyncClient(base_url=running.host.url) as http:
        headers = {"x-functions-key": running.host.keys.default}
        (await http.post("/api/resync", json={"table": "contact"}, headers=headers)).raise_for_status()


async def _singly(running: Bench) -> None:
    """Change one contact after the other, each settled before the next."""
    rows = (await running.dynamics.read("contacts?$select=contactid,emailaddress1"))["value"]
    for row in rows:
        await running.dynamics.change("contacts", row["contactid"], {"address1_city": "Gouda"})
        await running.spotler.wait_for(
            row["emailaddress1"], lambda contact: bool(contact and contact["properties"].get("city"))
        )
        await settled()


def _messages_sent() -> int:
    """Count the messages of all queues so far, those of Dataverse among them."""
    path = Path(os.environ["LOCAL_FOLDER"]) / "queue.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    connection.close()
    return int(found[0]) if found else 0
