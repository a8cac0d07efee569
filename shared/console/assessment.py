"""The assessment of the overview: one sentence from the connector's own state, the worst first. No proof, no green."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.console.rendering.words import Said, said
from shared.console.web import Tone, link
from shared.ports.queue import QueueDepth, QueueName

LATE = timedelta(minutes=45)
"""Three looks at Spotler: after this time it is late."""

STANDS_STILL = timedelta(minutes=15)
"""As the alarm of the live lane."""

_NAMES = {"dataverse": "Dataverse", "spotler": "Spotler", "state": "The state store", "queue": "The queue"}


@dataclass(frozen=True, slots=True)
class Assessment:
    """How the connector is. `values` fill in the text; `to` leads to the cure."""

    tone: Tone
    text: Said
    values: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    to: str = ""


def assess(
    circuits: Sequence[Mapping[str, Any]],
    poll: Mapping[str, Any],
    depths: Mapping[QueueName, QueueDepth],
    now: datetime,
    *,
    is_on: bool,
) -> Assessment:
    """Return the assessment: `circuits` and `poll` are their states as JSON."""
    waiting = sum(depth.active + depth.scheduled for depth in depths.values())
    if not is_on:
        return Assessment(Tone.NEUTRAL, said("Synchronisation is switched off"), to=link("settings"))
    if circuits:
        worst = min(circuits, key=lambda one: str(one["since"]))
        text = said("%(service)s does not take our requests; nothing is lost, %(waiting)s changes wait")
        values = {"service": _NAMES.get(worst["service"], worst["service"]), "waiting": waiting}
        return Assessment(Tone.BAD, text, values, datetime.fromisoformat(worst["since"]), link("connection"))
    live = depths[QueueName.LIVE].oldest or depths[QueueName.EVENTS].oldest
    if live is not None and now - live > STANDS_STILL:
        return Assessment(Tone.BAD, said("Changes of Dynamics stand still"), since=live, to=link("connection"))
    if poll.get("rests"):
        return Assessment(
            Tone.NEUTRAL, said("Shadow: nothing is written, and Spotler is not looked at"), to=link("mode")
        )
    until = datetime.fromisoformat(poll["until"]) if poll["until"] else None
    if not poll["ok"]:
        return Assessment(Tone.BAD, said("Changes of Spotler do not come in"), since=until, to=link("connection"))
    return _of_poll(until, now)


def _of_poll(until: datetime | None, now: datetime) -> Assessment:
    if until is None:
        return Assessment(Tone.NEUTRAL, said("Spotler was not looked at yet"), to=link("connection"))
    if now - until > LATE:
        return Assessment(Tone.WARN, said("Late from Spotler"), since=until, to=link("connection"))
    return Assessment(Tone.OK, said("On time in both directions"), since=until)
