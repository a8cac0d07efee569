"""Problems: what is nobody trying again, and what to do about it. Dead letters by cause, with cure and replay (TRB)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from shared.composition import app
from shared.console.access.roles import Role
from shared.console.csv_file import csv_file
from shared.console.pending import letter_groups, look_again
from shared.console.reasons import cure_of, text_of
from shared.console.rendering.plots import columns
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.records.outcomes import MASS_CHANGES, Reason
from shared.domain.recovery.groups import Group
from shared.domain.wording.phrase import Phrase
from shared.messages.letter_keys import keys_in
from shared.ports.queue import DeadLetter

_SHOWN = 50

_FOREIGN: Mapping[str, tuple[Said, Said]] = {
    "MaxDeliveryCountExceeded": (
        said("A worker failed at this message again and again"),
        said("Look at the log under the correlation id. Try it again after an upgrade."),
    ),
    "xml-message-format": (
        said("Messages of Dataverse are XML instead of JSON"),
        said("Set Message Format of the service endpoint to JSON. The night's comparison brings what was missed."),
    ),
}


_BROKER: Mapping[str, Said] = {
    "MaxDeliveryCountExceeded": said(
        "The queue delivered it as often as it may, and each time the function failed or took too long."
    ),
    "TTLExpiredException": said("It waited in the queue for longer than the queue keeps messages."),
}
"""What Service Bus describes in English, by its reasons."""


async def problems(visit: Visit) -> Reply:
    """Show the groups, the largest first; `?group=` opens one."""
    groups = await letter_groups()
    wanted = visit.asked("group")
    values = {
        "title": said("Problems"),
        "groups": [shown(group, visit, is_open=group.name == wanted) for group in groups],
        "count": sum(len(group.letters) for group in groups),
        "several": len(_repeatable(groups)) > 1,
    }
    return Page("pages/problems.html", values)


async def export(visit: Visit) -> Reply:
    """Return the dead letters as CSV: ids and codes."""
    del visit
    letters = [letter for group in await letter_groups() for letter in group.letters if isinstance(letter, DeadLetter)]
    rows = [
        {
            "id": letter.id,
            "queue": str(letter.queue),
            "reason": letter.reason,
            "records": " ".join(map(str, keys_in(letter.body))),
            "correlation": letter.correlation_id,
            "since": letter.dead_since.isoformat(timespec="seconds"),
        }
        for letter in letters
    ]
    return csv_file("problems", ("id", "queue", "reason", "records", "correlation", "since"), rows)


async def confirm_replay(visit: Visit) -> Reply:
    """Say what trying a group again does."""
    return Page("pages/confirm_replay.html", await _confirmed(visit, said("Try again")))


async def confirm_replay_all(visit: Visit) -> Reply:
    """Say what trying all groups again does."""
    groups = [shown(group, visit, is_open=False) for group in _repeatable(await letter_groups())]
    count = sum(len(one["group"].letters) for one in groups)
    return Page("pages/confirm_replay_all.html", {"title": said("Try again"), "groups": groups, "count": count})


async def confirm_discard(visit: Visit) -> Reply:
    """Say what giving up a group for good does."""
    return Page("pages/confirm_discard.html", await _confirmed(visit, said("Discard")))


async def _confirmed(visit: Visit, title: Said) -> dict[str, Any]:
    group = await _group(visit.parts[0])
    return {"title": title, **shown(group, visit, is_open=False)}


async def replay(visit: Visit) -> Reply:
    """Send a whole group, or the letters that were chosen, back to their queue."""
    group = await _group(visit.parts[0])
    if group.reason in MASS_CHANGES and not visit.may(Role.ADMINISTRATOR):
        raise RefusedError(HTTPStatus.FORBIDDEN, said("Only an administrator can try again what is held."))
    chosen = set(visit.request.chosen.get("letter", ()))
    return await _put_back([letter.id for letter in group.letters if not chosen or letter.id in chosen])


async def replay_all(visit: Visit) -> Reply:
    """Send all groups back to their queues, but for what is held: that waits for a decision."""
    del visit
    return await _put_back([letter.id for group in _repeatable(await letter_groups()) for letter in group.letters])


def _repeatable(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if group.reason not in MASS_CHANGES and _is_replayable(group)]


def _is_replayable(group: Group) -> bool:
    return any(letter.body for letter in group.letters if isinstance(letter, DeadLetter))


async def _put_back(ids: Sequence[str]) -> Reply:
    done = await (await app.queue()).replay(ids)
    look_again()
    text = said("Put back: %(done)s of %(asked)s. What fails again comes back here with its reason.")
    tone = Tone.OK if done == len(ids) else Tone.WARN
    return Redirect(link("problems"), Notice(tone, text, {"done": done, "asked": len(ids)}))


async def discard(visit: Visit) -> Reply:
    """Delete a group for good, if the number was typed that it still has."""
    group = await _group(visit.parts[0])
    require_number(visit, len(group.letters))
    done = await (await app.queue()).discard([letter.id for letter in group.letters])
    look_again()
    return Redirect(link("problems"), Notice(Tone.OK, said("Discarded: %(done)s messages."), {"done": done}))


def require_number(visit: Visit, number: int) -> None:
    """Refuse an act that cannot be undone unless its number was typed, and is still right."""
    typed = "".join(letter for letter in visit.given("number") if letter.isdecimal())
    if typed != str(number):
        text = said("Nothing was done. Type the number of people or messages that it touches: it is %(number)s now.")
        raise RefusedError(HTTPStatus.CONFLICT, text, number=number)


async def _group(name: str) -> Group:
    found = next((group for group in await letter_groups() if group.name == name), None)
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("This group is gone: its messages were put back or discarded."))
    return found


def shown(group: Group, visit: Visit, *, is_open: bool) -> dict[str, Any]:
    """Return what the pages show of a group; its letters if it is open."""
    hours = group.by_hour(visit.now)
    heading, why, what = _words(group)
    return {
        "group": group,
        "heading": heading,
        "why": why,
        "what": what,
        "cure": cure_of(group.reason),
        "columns": columns(hours),
        "most": max(hours),
        "open": is_open,
        "letters": _letters(group.letters[:_SHOWN]) if is_open else [],
        "replayable": _is_replayable(group),
        "held": group.reason in MASS_CHANGES,
    }


def _words(group: Group) -> tuple[str, str, str]:
    """Return heading, cause and cure; a foreign code is described by its first letter."""
    if group.reason in set(Reason):
        return text_of(group.reason), text_of(group.reason), cure_of(group.reason).what
    first = group.letters[0]
    assert isinstance(first, DeadLetter)
    if group.reason in _FOREIGN:
        heading, what = _FOREIGN[group.reason]
        return heading, _description(first), what
    return said("A message could not be understood"), _description(first), cure_of(group.reason).what


def _description(letter: DeadLetter) -> str:
    """Return a phrase, or a text of the catalogue; else the text of an earlier version or of another sender."""
    is_own = isinstance(letter.description, Phrase) and letter.description.wording is not None
    return letter.description if is_own else _BROKER.get(letter.reason, letter.description)


def _letters(letters: Sequence[Any]) -> list[tuple[DeadLetter, str, list[Any]]]:
    return [(letter, _description(letter), list(keys_in(letter.body))[:3]) for letter in letters]
