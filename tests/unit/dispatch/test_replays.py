"""Dead letters over HTTP: an operator repeats; what the brake holds is an administrator's (decision 20)."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from shared.composition import app
from shared.domain.records.outcomes import Reason
from shared.ports.queue import QueueName
from shared.triggers.routes import records_api as api
from tests.contract.clocks import ManualClock
from tests.twins import TwinQueue

HELD = (Reason.MASS_ERASURE, Reason.MASS_UNSUBSCRIPTION, Reason.MASS_LIST_REMOVAL)


@pytest.fixture
async def queue(monkeypatch: pytest.MonkeyPatch) -> TwinQueue:
    queue = TwinQueue(ManualClock())

    async def connector() -> Any:
        return SimpleNamespace(queue=queue)

    monkeypatch.setattr(app, "connector", connector)
    for reason in (Reason.GAVE_UP, *HELD, Reason.DEFECT):
        await queue.dead_letter(QueueName.LIVE, b"{}", reason=reason, description="")
    return queue


async def call(path: str, body: object = None) -> dict[str, Any]:
    handler = {"replay": api.replay, "replay-held": api.replay_held}[path]
    url = f"https://app.example/api/dead-letters/{path}"
    content = b"" if body is None else json.dumps(body).encode()
    answer = await handler(func.HttpRequest("POST", url, body=content))
    told: dict[str, Any] = json.loads(answer.get_body())
    return told


async def test_an_operator_repeats_all_but_what_the_brake_holds(queue: TwinQueue) -> None:
    told = await call("replay", {})

    assert (told["replayed"], told["held"]) == (2, 3)
    assert "administrators" in told["hint"]
    assert [letter.reason for letter in queue.dead] == list(HELD)


async def test_an_operator_who_names_a_held_letter_gets_a_hint(queue: TwinQueue) -> None:
    held = [letter.id for letter in queue.dead if letter.reason in HELD]

    told = await call("replay", {"ids": held})

    assert (told["replayed"], told["notReplayed"], told["held"]) == (0, 3, 3)
    assert not queue.waiting


async def test_a_letter_that_the_list_does_not_show_is_not_repeated(
    queue: TwinQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be one that is held."""
    monkeypatch.setattr(api, "_MOST_LETTERS", 1)

    told = await call("replay", {"ids": [queue.dead[1].id]})

    assert told == {"replayed": 0, "notReplayed": 1}


async def test_an_administrator_repeats_what_the_brake_holds_and_nothing_else(queue: TwinQueue) -> None:
    one, another = (letter.id for letter in queue.dead if letter.reason in HELD[:2])

    assert await call("replay-held", {"ids": [one]}) == {"replayed": 1}
    assert await call("replay-held") == {"replayed": 2}
    assert [letter.reason for letter in queue.dead] == [Reason.GAVE_UP, Reason.DEFECT]
    assert another not in {letter.id for letter in queue.dead}
