"""What happened to a person, newest first: one list of what the explanation of the record tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.console.rendering.locale import instant


class What(StrEnum):
    """The kind of a happening."""

    CONSENT = "consent"
    REFUSED = "refused"
    """Somebody refused at the same address, with another record."""
    ALLOWED = "allowed"
    """An administrator lifted a refusal."""
    BOUNCED = "bounced"
    HELD = "held"
    OUTCOME = "outcome"
    """How the last synchronisation ended: also an erasure."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A happening, with the entry of the explanation that tells it."""

    at: datetime
    what: What
    entry: Mapping[str, Any] = field(repr=False)


def happenings(report: Mapping[str, Any]) -> list[Happened]:
    """Return the happenings of an explanation (`Explain.record`), newest first."""
    return sorted(_read(report), key=lambda one: one.at, reverse=True)


def _read(report: Mapping[str, Any]) -> Iterator[Happened]:
    for change in report["consent"]:
        yield Happened(instant(change["at"]), What.CONSENT, change)
    for refusal in report["refusedAtAddress"]:
        if refusal["record"] != report["record"]:  # its own refusals are changes of its consent
            yield Happened(instant(refusal["at"]), What.REFUSED, refusal)
        if refusal["lifted"]:
            yield Happened(instant(refusal["lifted"]), What.ALLOWED, refusal)
    for bounce in report["bounces"]:
        for moment in {bounce["since"], bounce["last"]} - {""}:
            yield Happened(instant(moment), What.BOUNCED, bounce)
    for kind, moment in report["heldSince"].items():
        yield Happened(instant(moment), What.HELD, {"kind": kind})
    if outcome := report["lastOutcome"]:
        yield Happened(instant(outcome["at"]), What.OUTCOME, outcome)
