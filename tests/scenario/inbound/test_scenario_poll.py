"""The poll and its comparisons over HTTP: what they answer, what they refuse, and that the past holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.records import SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.two_way import edit, open_both_ways, poll, stored, switch
from tests.scenario.world import Person, World, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Claims and locks end soon: what a killed process had in hand comes again within the timeout of a test."""
    options = {"CLAIM_SECONDS": "2", "LOCAL_LOCK_SECONDS": "3"}
    async with open_both_ways(tmp_path_factory.mktemp("poll"), **options) as opened:
        yield opened


async def compare(world: World, since: str) -> Any:
    return await world.connector.call("POST", "/api/poll", {"since": since})


async def health(world: World) -> dict[str, Any]:
    told: dict[str, Any] = (await world.connector.call("GET", "/api/health")).json()
    return told


async def finished(world: World) -> dict[str, Any]:
    async def told() -> dict[str, Any] | None:
        since: dict[str, Any] = (await health(world))["comparison"].get("since", {})
        return since if since.get("finished") else None

    return await eventually(told, "the end of the comparison in health")


async def opted_out(world: World, person: Person) -> None:
    await world.spotler.post(f"contact/opt-out?email={person.email}")


async def test_a_poll_says_what_it_looked_at_and_what_came_home(both: World) -> None:
    changed, echo = await both.synchronised(), await both.synchronised()
    await both.permit(changed, "Newsletter")
    await both.settled()
    await poll(both)
    await edit(both, changed, story=f"{MARK} verhaal")
    await switch(both, changed, newsletter=False, offers=True)
    await edit(both, echo)

    told = await poll(both)

    assert told["written"] == {"values": 1, "permissions": 2}
    assert (told["waiting"], told["failed"], told["reviews"], told["setAside"]) == (0, 0, 0, 0)
    assert told["contacts"]["changed"] == 1
    assert told["echoes"] == told["lookedAt"] - 1
    assert await stored(both, changed, "new_story") == f"{MARK} verhaal"


async def test_a_poll_says_what_waits(both: World) -> None:
    person = await both.synchronised()
    await poll(both)
    await edit(both, person, story=f"{MARK} later")
    await both.dynamics.cause(
        "faults", {"rules": [{"kind": "unavailable", "retry_after": 1, "match": "batch|contacts"}]}
    )

    told = (await both.connector.call("POST", "/api/poll", {})).json()

    assert told["waiting"] == 1
    assert told["written"] == {"values": 0, "permissions": 0}
    await both.dynamics.cause("faults", {})
    await both.settled()
    assert await stored(both, person, "new_story") == f"{MARK} later"


async def test_two_polls_at_once_both_answer(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, story=f"{MARK} een keer")

    answers = await asyncio.gather(*(both.connector.call("POST", "/api/poll", {}) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200] * 3
    assert sum(answer.json()["written"]["values"] for answer in answers) == 1


async def test_since_begins_a_comparison_and_answers_at_once(both: World) -> None:
    person = await both.synchronised()
    await poll(both)
    before = (await health(both))["poll"]["until"]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")

    answer = await compare(both, yesterday)

    assert answer.status_code == 202
    assert answer.json()["started"]["since"] == yesterday
    told = await finished(both)
    assert told["contacts"] >= len(await both.spotler.contacts())
    assert (await health(both))["poll"]["until"] == before
    assert (await both.status_now(person)) is not None


async def test_a_fresh_opt_out_comes_home_with_the_next_poll_while_ten_months_are_compared(both: World) -> None:
    person = await both.synchronised()
    await poll(both)
    before = sum((await both.spotler.requests()).values())

    answer = await compare(both, "2026-01-01T00:00:00Z")
    await opted_out(both, person)
    await both.connector.call("POST", "/api/poll", {})

    assert answer.status_code == 202
    await both.status(person, SyncStatus.OPT_OUT)
    await finished(both)
    assert sum((await both.spotler.requests()).values()) - before < 60


async def test_a_comparison_goes_on_after_a_restart(both: World) -> None:
    person = await both.synchronised()
    await poll(both)
    await compare(both, "2026-01-01T00:00:00Z")
    await both.connector.kill()
    await both.connector.start()

    await finished(both)
    await both.settled()
    assert (await both.status_now(person)) is not None


async def test_a_moment_that_lies_ahead_is_refused_and_the_poll_goes_on(both: World) -> None:
    person = await both.synchronised()
    await poll(both)
    before = (await health(both))["poll"]["until"]

    wrong = await compare(both, "2062-11-01T00:00:00Z")
    await opted_out(both, person)

    assert wrong.status_code == 400
    assert "since lies ahead: it is 20" in wrong.json()["error"]
    assert (await health(both))["poll"]["until"] == before
    await poll(both)
    await both.status(person, SyncStatus.OPT_OUT)
    assert (await health(both))["healthy"]


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        ("2026-11-01", "with its time zone"),
        ("0001-01-01T00:00:00+14:00", "lies before 1970-01-01"),
        ("9999-12-31T23:59:59-14:00", "lies ahead"),
        ("yesterday", "with its time zone"),
    ],
)
async def test_other_moments_that_make_no_sense_are_refused_with_a_sentence(
    both: World, since: str, sentence: str
) -> None:
    wrong = await compare(both, since)

    assert (wrong.status_code, sentence in wrong.json()["error"]) == (400, True), wrong.text


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("POST", "/api/resync", {"table": "contact", "ids": []}, "ids is empty"),
        ("POST", "/api/resync", {"table": "contact", "id": "00000000-0000-0000-0000-000000000000"}, "zeros"),
        ("POST", "/api/dead-letters/replay", {"ids": []}, "ids is empty"),
        ("POST", "/api/dead-letters/replay", {"ids": ["  "]}, "Send"),
        ("GET", "/api/consent.csv?from=2062-01-01", None, "from lies ahead"),
        ("GET", "/api/consent.csv?from=2026-02-01&to=2026-01-01", None, "to must be later than from"),
        ("GET", "/api/consent.csv?from=0001-01-01T00:00:00%2B14:00", None, "from lies before 1970-01-01"),
        ("GET", "/api/consent.csv?to=0001-01-01T00:00:00%2B14:00", None, "to lies before 1970-01-01"),
        (
            "POST",
            "/api/reviews/00000000-0000-0000-0000-000000000001",
            {"table": "contact", "id": "00000000-0000-0000-0000-000000000000"},
            "zeros",
        ),
    ],
)
async def test_doors_that_take_a_moment_or_ids_refuse_nonsense_with_a_sentence(
    both: World, method: str, path: str, body: Any, sentence: str
) -> None:
    wrong = await both.connector.call(method, path, body, key=both.connector.master)

    assert wrong.status_code == 400, wrong.text
    assert sentence in wrong.text


async def test_a_replay_says_how_many_ids_it_did_not_find(both: World) -> None:
    answer = await both.connector.call("POST", "/api/dead-letters/replay", {"ids": ["local-999999"]})

    assert answer.json() == {"replayed": 0, "notReplayed": 1}
