"""Dead letters by cause: what nobody tries again by itself, why, and what to do about it (TRB)."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.console.csv_file import csv_file
from shared.console.pages.problems.choice import FILTERS, Choice, chosen
from shared.console.pages.problems.put_back import told
from shared.console.pending import dead_letters
from shared.console.reasons import cure_of, text_of
from shared.console.rendering.plots import columns
from shared.console.rendering.words import Said, said
from shared.console.web import Page, Reply, Visit
from shared.domain.records.outcomes import MASS_CHANGES, Reason
from shared.domain.recovery.groups import Group, groups_of
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
    """Show the groups of what was chosen, the largest first; `?group=` opens one."""
    choice = chosen(visit)
    letters = await dead_letters()
    groups = _groups(letters, choice, visit)
    wanted = visit.asked("group")
    values = {
        "title": said("Problems"),
        "groups": [shown(group, visit, is_open=group.name == wanted or bool(choice.id)) for group in groups],
        "count": sum(len(group.letters) for group in groups),
        "several": len(repeatable(groups)) > 1,
        "choice": choice,
        "filters": FILTERS,
        "told": await told(letters),
    }
    return Page("pages/problems.html", values)


async def export(visit: Visit) -> Reply:
    """Return the dead letters that were chosen as CSV: ids and codes."""
    groups = await groups_of_choice(visit, chosen(visit))
    letters = [letter for group in groups for letter in group.letters if isinstance(letter, DeadLetter)]
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


async def groups_of_choice(visit: Visit, choice: Choice) -> list[Group]:
    """Return the groups of the dead letters that a reader chose, the largest first."""
    return _groups(await dead_letters(), choice, visit)


def _groups(letters: Sequence[DeadLetter], choice: Choice, visit: Visit) -> list[Group]:
    return groups_of([letter for letter in letters if choice.includes(letter, visit.now)])


def repeatable(groups: Sequence[Group]) -> list[Group]:
    """Return the groups that an operator may try again: what is held waits for a decision."""
    return [group for group in groups if group.reason not in MASS_CHANGES and _is_replayable(group)]


def _is_replayable(group: Group) -> bool:
    return any(letter.body for letter in group.letters if isinstance(letter, DeadLetter))


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
