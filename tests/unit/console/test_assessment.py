"""The sentence of the overview: the worst wins, and nothing is green without proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.console.assessment import assess
from shared.console.reasons import CURES, Kind, cure_of, kind_of
from shared.console.web import Tone
from shared.domain.records.outcomes import IN_PLATFORM, Reason, Result
from shared.ports.queue import QueueDepth, QueueName

NOW = datetime(2026, 11, 24, 9, 14, tzinfo=UTC)
EMPTY = dict.fromkeys(QueueName, QueueDepth(0, 0, 0))
STANDING = {**EMPTY, QueueName.LIVE: QueueDepth(3, 1, 0, NOW - timedelta(minutes=20))}
CIRCUIT = [{"service": "dataverse", "since": (NOW - timedelta(minutes=12)).isoformat()}]


def polled(minutes: float | None, *, ok: bool = True) -> dict[str, Any]:
    return {"until": None if minutes is None else (NOW - timedelta(minutes=minutes)).isoformat(), "ok": ok}


@pytest.mark.parametrize(
    ("circuits", "poll", "depths", "tone", "text"),
    [
        ([], polled(2), EMPTY, Tone.OK, "On time in both directions"),
        ([], polled(None), EMPTY, Tone.NEUTRAL, "Spotler was not looked at yet"),
        ([], polled(50), EMPTY, Tone.WARN, "Late from Spotler"),
        ([], polled(70, ok=False), EMPTY, Tone.BAD, "Changes of Spotler do not come in"),
        ([], polled(2), STANDING, Tone.BAD, "Changes of Dynamics stand still"),
        (CIRCUIT, polled(2), STANDING, Tone.BAD, "%(service)s does not take our requests"),
    ],
)
def test_the_worst_is_said(circuits: Any, poll: Any, depths: Any, tone: Tone, text: str) -> None:
    found = assess(circuits, poll, depths, NOW, is_on=True)

    assert found.tone is tone
    assert found.text.startswith(text)


def test_what_is_switched_off_is_not_called_broken() -> None:
    assert assess(CIRCUIT, polled(2), STANDING, NOW, is_on=False).tone is Tone.NEUTRAL


def test_a_service_that_is_away_is_named_with_what_waits() -> None:
    assert assess(CIRCUIT, polled(2), STANDING, NOW, is_on=True).values == {"service": "Dataverse", "waiting": 4}


def test_every_reason_that_keeps_somebody_out_has_a_cure() -> None:
    needs_none = IN_PLATFORM | {
        Reason.PURGED, Reason.ABSENT, Reason.MERGED, Reason.ADDRESS_MOVED, Reason.ON_REQUEST, Reason.STILL_USED,
        Reason.LEAD_QUALIFIED,
    }  # fmt: skip

    assert set(Reason) - CURES.keys() == needs_none
    assert cure_of("a code of somebody else").what.startswith("Look the code up")


@pytest.mark.parametrize(
    ("result", "reason", "kind"),
    [
        (Result.WRITTEN, Reason.CREATED, Kind.ARRIVED),
        (Result.ANONYMISED, Reason.INACTIVE, Kind.LEFT_OUT),
        (Result.UNCHANGED, Reason.NO_EMAIL, Kind.LEFT_OUT),
        (Result.SKIPPED, Reason.FILTERED, Kind.LEFT_OUT),
        (Result.SKIPPED, Reason.INVALID_EMAIL, Kind.FAILED),
        (Result.FAILED, Reason.REFUSED, Kind.FAILED),
        (Result.WAITING, Reason.BUSY, Kind.WAITING),
    ],
)
def test_only_who_is_in_spotler_has_arrived(result: Result, reason: Reason, kind: Kind) -> None:
    assert kind_of(result, reason) is kind
