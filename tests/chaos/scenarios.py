"""Everything that goes wrong. Each scenario returns its figures, and fails unless all is well in the end."""

from __future__ import annotations

import asyncio
import re
import resource
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from shared.local.sandbox.addresses import CONNECTOR_CLIENT
from shared.ports.queue import OutgoingMessage, QueueName
from tests.chaos.cold_starts import COLD_STARTS
from tests.chaos.figures import Figures
from tests.chaos.ordeal import CONNECTOR_ONLY, SHORT, Ordeal, spotler_faults_left
from tests.scenario.connector_process import ConnectorProcess
from tests.scenario.privacy import MARK
from tests.scenario.recorder import recording
from tests.scenario.world import eventually

_NO_ROOM = 4_000
"""Bytes: less than one page of SQLite with its frame in the write-ahead log."""

Scenario = Callable[[Ordeal], Awaitable[Figures]]
Heal = Callable[[], Coroutine[Any, Any, int]]


# ------------------------------------------------------------------------------------------- answers that are none


async def _spotler(ordeal: Ordeal, name: str, *faults: Mapping[str, Any], times: int | None = None) -> Figures:
    planned = [{"times": times or ordeal.size.times, **fault} for fault in faults]

    async def fail() -> None:
        for fault in planned:
            await ordeal.world.spotler.post("faults", fault)

    async def struck() -> int:
        left = await spotler_faults_left(ordeal.world)
        return sum(fault["times"] for fault in planned) - sum(fault["left"] for fault in left)

    async def heal() -> int:
        await eventually(struck, "a fault to strike")  # on a slow machine the outage may end before anybody calls
        count = await struck()
        await ordeal.world.spotler.recover()
        return count

    return await ordeal.suffer(name, fail, heal)


async def _dataverse(ordeal: Ordeal, name: str, *rules: Mapping[str, Any]) -> Figures:
    async def struck() -> int:
        counters = await ordeal.world.dynamics.counters()
        answered = {int(name.split()[1]): count for name, count in counters.items() if name.startswith("status ")}
        # This very look is not among them, and what got no answer has no status.
        return counters["requests"] - sum(count for status, count in answered.items() if status < 429)

    before = 0

    async def fail() -> None:
        nonlocal before
        before = await struck()
        matching = [{"match": CONNECTOR_ONLY, **rule} for rule in rules]
        await ordeal.world.dynamics.cause("faults", {"rules": matching})

    async def has_struck() -> bool:
        return await struck() > before

    async def heal() -> int:
        await eventually(has_struck, "a fault to strike")  # on a slow machine the outage may end before anybody calls
        await ordeal.world.dynamics.cause("faults", {})
        return await struck() - before

    return await ordeal.suffer(name, fail, heal)


async def spotler_throttles(ordeal: Ordeal) -> Figures:
    """A storm of 429 with Retry-After."""
    return await _spotler(ordeal, "Spotler: 429 with Retry-After", {"kind": "throttled", "retryAfter": 1})


async def spotler_is_unavailable(ordeal: Ordeal) -> Figures:
    """Every call gets a page of HTML, until the end."""
    times = 4 if ordeal.size is SHORT else 1_000_000
    return await _spotler(ordeal, "Spotler: 503, HTML pages", {"kind": "unavailable"}, times=times)


async def spotler_is_cut_off(ordeal: Ordeal) -> Figures:
    """Half of the JSON comes, and the call had its effect."""
    return await _spotler(ordeal, "Spotler: truncated JSON after the effect", {"kind": "truncated", "moment": "after"})


async def spotler_hangs_up(ordeal: Ordeal) -> Figures:
    """Connections are reset, before and after the effect."""
    before, after = {"kind": "reset"}, {"kind": "reset", "moment": "after"}
    return await _spotler(ordeal, "Spotler: connections reset, before and after the effect", before, after)


async def spotler_is_silent(ordeal: Ordeal) -> Figures:
    """The answer does not come, and the call had its effect."""
    hold, times = (0.5, 2) if ordeal.size is SHORT else (60.0, 8)
    fault = {"kind": "time-out", "moment": "after", "hold": hold}
    return await _spotler(ordeal, "Spotler: time-outs after the effect", fault, times=times)


async def spotler_loses_jobs_answers(ordeal: Ordeal) -> Figures:
    """What must not be done twice: the answer of a start and of a score is lost."""
    faults = [
        {"kind": "reset", "operation": operation, "moment": "after"}
        for operation in ("automation.trigger", "contact.score")
    ]
    return await _spotler(ordeal, "Spotler: answers of starts and scores lost", *faults, times=1)


async def dataverse_throttles(ordeal: Ordeal) -> Figures:
    """All three service protection limits."""
    kinds = ("throttle_requests", "throttle_time", "throttle_concurrency")
    odds: dict[str, Any] = {"times": 1} if ordeal.size is SHORT else {"rate": 0.4}
    rules = [{"kind": kind, "retry_after": 1, **odds} for kind in kinds]
    return await _dataverse(ordeal, "Dataverse: 429 with Retry-After", *rules)


async def dataverse_is_unavailable(ordeal: Ordeal) -> Figures:
    """Every call gets a page of HTML, until the end."""
    rule: dict[str, Any] = {"kind": "unavailable"}
    if ordeal.size is SHORT:
        rule["times"] = 4
    return await _dataverse(ordeal, "Dataverse: 503, HTML pages", rule)


async def dataverse_hangs_up(ordeal: Ordeal) -> Figures:
    """Connections are reset, before and after the effect."""
    odds = {"times": 2} if ordeal.size is SHORT else {"rate": 0.4, "times": ordeal.size.times}
    rules = [{"kind": kind, **odds} for kind in ("reset", "reset_after")]
    return await _dataverse(ordeal, "Dataverse: connections reset, before and after the effect", *rules)


async def dataverse_forgets_tokens(ordeal: Ordeal) -> Figures:
    """Tokens expire in the middle of the work."""
    revoked = 0

    async def revoke() -> None:
        nonlocal revoked
        while True:
            await ordeal.world.dynamics.revoke_tokens(CONNECTOR_CLIENT)
            revoked += 1
            await asyncio.sleep(0.1)

    revoking: list[asyncio.Task[None]] = []

    async def fail() -> None:
        revoking.append(asyncio.create_task(revoke()))

    async def heal() -> int:
        revoking[0].cancel()
        await asyncio.wait(revoking)
        return revoked

    return await ordeal.suffer("Dataverse: tokens revoked", fail, heal)


# ------------------------------------------------------------------------------------------------ clocks and disks


async def clocks_differ(ordeal: Ordeal) -> Figures:
    """Spotler refuses signatures because a clock is wrong: said in the health report and in the log, and nothing lost.

    Configuration is looked at again every five minutes, so the short version does without waiting records.
    """

    async def ahead(seconds: float) -> None:
        (await ordeal.world.spotler._http.put("clock", json={"ahead": seconds})).raise_for_status()

    async def told() -> int:
        causes: list[str] = []

        async def cause() -> bool:
            health = (await ordeal.world.connector.call("GET", "/api/health")).json()
            causes.append(health["services"]["spotler"].get("cause", ""))
            return "behind Spotler's: set it" in causes[-1]

        await eventually(cause, "the health report to name the clock")
        return 1

    if ordeal.size is SHORT:
        await ahead(600)
        await told()
        await ahead(0)
        return await ordeal.suffer("OAuth: clocks differ by 10 minutes", _nothing, lambda: _count(1))

    async def fail() -> None:
        await ahead(600)

    async def heal() -> int:
        told_once = await told()
        assert b"behind Spotler's: set it" in ordeal.world.connector.log.read_bytes()
        await ahead(0)
        return told_once

    return await ordeal.suffer("OAuth: clocks differ by 10 minutes", fail, heal)


async def the_disk_is_full(ordeal: Ordeal) -> Figures:
    """No file of the connector may grow any more: state, queue and log alike (RLIMIT_FSIZE, for its process alone)."""
    connector = ordeal.world.connector
    _, hard = resource.prlimit(connector.process_id, resource.RLIMIT_FSIZE)
    mark = 0

    async def fail() -> None:
        nonlocal mark
        resource.prlimit(connector.process_id, resource.RLIMIT_FSIZE, (_NO_ROOM, hard))
        mark = connector.log.stat().st_size

    async def heal() -> int:
        size = connector.log.stat().st_size
        resource.prlimit(connector.process_id, resource.RLIMIT_FSIZE, (hard, hard))
        assert size == mark, "not even the log has grown"
        assert all(one.seen is None for one in ordeal.crowd.awaited), "without state and queue nothing is done"
        return 1

    return await ordeal.suffer("disk full (SQLite)", fail, heal)


# ----------------------------------------------------------------------------------------------- queues and processes


async def locks_are_lost(ordeal: Ordeal) -> Figures:
    """Dataverse is so slow that batches take longer than the lock time of their messages, until one has."""
    await ordeal.world.settled()
    await ordeal.world.connector.restart(LOCAL_LOCK_SECONDS="3", CLAIM_SECONDS="2")
    log = ordeal.world.connector.log
    mark = log.stat().st_size

    async def outlived() -> int:
        times = re.findall(rb"on_(?:dataverse_event|sync_live) done in (\d+) ms", log.read_bytes()[mark:])
        return sum(int(one) > 3000 for one in times)

    async def fail() -> None:
        await ordeal.world.dynamics.cause("faults", {"min_latency": 1.7, "max_latency": 1.9})

    async def heal() -> int:
        await eventually(outlived, "a batch to outlive its lock")
        await ordeal.world.dynamics.cause("faults", {})
        return 0

    figures = await ordeal.suffer("queue: locks lost", fail, heal)
    figures.faults = await outlived()
    await ordeal.world.connector.restart()
    return figures


async def two_at_once_and_one_dies(ordeal: Ordeal) -> Figures:
    """Two instances share queue and state; one of them is killed again and again."""
    world = ordeal.world
    await world.settled()
    await world.connector.stop()
    async with recording(world.connector.settings["SPOTLER_URL"]) as recorder:
        changed = {"SPOTLER_URL": recorder.url, "CLAIM_SECONDS": "3", "LOCAL_LOCK_SECONDS": "4"}
        second = ConnectorProcess(
            {**world.connector.settings, **changed}, world.folder / "second.log", world.connector.clocks
        )
        try:
            await asyncio.gather(second.start(), world.connector.start(**changed))
            figures = await _kill_again_and_again(ordeal, second)
        finally:
            await second.kill()
        assert recorder.overlaps == [], "two calls wrote one contact at the same time"
        await world.connector.stop()
    await world.connector.start()
    return figures


async def _kill_again_and_again(ordeal: Ordeal, victim: ConnectorProcess) -> Figures:
    kills = 1 if ordeal.size is SHORT else 6

    async def kill() -> None:
        for _ in range(kills):
            await asyncio.sleep(0.3)
            await victim.kill()
            await victim.start()

    killing: list[asyncio.Task[None]] = []

    async def fail() -> None:
        killing.append(asyncio.create_task(kill()))

    async def heal() -> int:
        await killing[0]
        return kills

    return await ordeal.suffer("two instances, one killed", fail, heal)


async def poison(ordeal: Ordeal) -> Figures:
    """Messages that are none, between those that are."""
    poisons = [
        (QueueName.EVENTS, f"Dear {MARK},".encode()),
        (QueueName.EVENTS, b""),
        (QueueName.EVENTS, b'{"PrimaryEntityName": "contact"}'),
        (QueueName.EVENTS, b"\xff\xfe\x00" * 100),
        (QueueName.EVENTS, b"[" * 5000),
        (QueueName.LIVE, f'{{"kind": "references", "references": [{{"table": "{MARK}"}}]}}'.encode()),
        (QueueName.BULK, b'{"kind": "nothing of ours"}'),
    ]
    rounds = 1 if ordeal.size is SHORT else 20

    async def fail() -> None:
        async def spread() -> None:
            for _ in range(rounds):
                for queue, body in poisons:
                    await ordeal.world.queue.send(queue, [OutgoingMessage(body)])
                await asyncio.sleep(0.05)

        spreading.append(asyncio.create_task(spread()))

    spreading: list[asyncio.Task[None]] = []

    async def heal() -> int:
        await spreading[0]
        return rounds * len(poisons)

    return await ordeal.suffer("poison between messages", fail, heal, dead=rounds * len(poisons))


async def _nothing() -> None:
    """Nothing goes wrong."""


async def _count(number: int) -> int:
    return number


SCENARIOS: tuple[Scenario, ...] = (
    spotler_throttles,
    spotler_is_unavailable,
    spotler_is_cut_off,
    spotler_hangs_up,
    spotler_is_silent,
    spotler_loses_jobs_answers,
    dataverse_throttles,
    dataverse_is_unavailable,
    dataverse_hangs_up,
    dataverse_forgets_tokens,
    clocks_differ,
    the_disk_is_full,
    locks_are_lost,
    two_at_once_and_one_dies,
    poison,
    *COLD_STARTS,
)
