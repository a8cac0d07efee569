"""Acts on dead letters: try them again, or discard them. With a choice in the address, only what was chosen."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from shared.composition import app
from shared.console.access.roles import Role
from shared.console.pages.problems.choice import chosen
from shared.console.pages.problems.groups import groups_of_choice, repeatable, shown
from shared.console.pages.problems.put_back import log as put_back_log
from shared.console.pending import look_again
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.records.outcomes import MASS_CHANGES
from shared.domain.recovery.groups import Group, Letter
from shared.ports.queue import DeadLetter


async def confirm_replay(visit: Visit) -> Reply:
    """Say what trying a group again does."""
    return Page("pages/confirm_replay.html", await _confirmed(visit, said("Try again")))


async def confirm_replay_all(visit: Visit) -> Reply:
    """Say what trying all groups again does."""
    groups = [shown(group, visit, is_open=False) for group in repeatable(await groups_of_choice(visit, chosen(visit)))]
    count = sum(len(one["group"].letters) for one in groups)
    return Page("pages/confirm_replay_all.html", {"title": said("Try again"), "groups": groups, "count": count})


async def confirm_discard(visit: Visit) -> Reply:
    """Say what giving up a group for good does."""
    return Page("pages/confirm_discard.html", await _confirmed(visit, said("Discard")))


async def _confirmed(visit: Visit, title: Said) -> dict[str, Any]:
    group = await _group(visit)
    return {"title": title, **shown(group, visit, is_open=False)}


async def replay(visit: Visit) -> Reply:
    """Send a whole group, or the letters that were chosen, back to their queue."""
    group = await _group(visit)
    if group.reason in MASS_CHANGES and not visit.may(Role.ADMINISTRATOR):
        raise RefusedError(HTTPStatus.FORBIDDEN, said("Only an administrator can try again what is held."))
    picked = set(visit.request.chosen.get("letter", ()))
    return await _put_back(visit, [letter for letter in group.letters if not picked or letter.id in picked])


async def replay_all(visit: Visit) -> Reply:
    """Send all groups back to their queues, but for what is held: that waits for a decision."""
    groups = repeatable(await groups_of_choice(visit, chosen(visit)))
    return await _put_back(visit, [letter for group in groups for letter in group.letters])


async def _put_back(visit: Visit, letters: Sequence[Letter]) -> Reply:
    sendable = [letter for letter in letters if isinstance(letter, DeadLetter) and letter.body]
    done = await (await app.queue()).replay([letter.id for letter in letters])
    await (await put_back_log()).note(visit.now, sendable)
    look_again()
    text = said("Put back: %(done)s of %(asked)s. What fails again comes back here with its reason.")
    tone = Tone.OK if done == len(letters) else Tone.WARN
    return Redirect(link("problems", **chosen(visit).query), Notice(tone, text, {"done": done, "asked": len(letters)}))


async def discard(visit: Visit) -> Reply:
    """Delete a group for good, if the number was typed that it still has."""
    group = await _group(visit)
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


async def _group(visit: Visit) -> Group:
    groups = await groups_of_choice(visit, chosen(visit))
    found = next((group for group in groups if group.name == visit.parts[0]), None)
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("This group is gone: its messages were put back or discarded."))
    return found
