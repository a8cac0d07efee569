"""Which dead letters a reader of *Problems* chose: by who acts, table and age, or by an id that they name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar

from shared.console.reasons import Actor, cure_of
from shared.console.rendering.code_words import TABLES
from shared.console.rendering.words import Said, said
from shared.console.web import Redirect, RefusedError, Reply, Visit, link
from shared.domain.records.records import PersonTable
from shared.domain.values.texts import bounded_id
from shared.messages.letter_keys import keys_in
from shared.ports.queue import DeadLetter

_SHORTEST = 6
"""Characters of an id that tell one record from another, as the pages show them."""

Choosable = TypeVar("Choosable", bound=StrEnum)


class Since(StrEnum):
    """How long ago a letter was given up at most."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


class ActorCode(StrEnum):
    """Who acts, as addresses name it."""

    OWNER = "owner"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    DEVELOPER = "developer"


_AGES: Mapping[Since, timedelta] = {
    Since.HOUR: timedelta(hours=1),
    Since.DAY: timedelta(days=1),
    Since.WEEK: timedelta(days=7),
}
_ACTORS: Mapping[ActorCode, Actor] = {
    ActorCode.OWNER: Actor.OWNER,
    ActorCode.OPERATOR: Actor.OPERATOR,
    ActorCode.ADMINISTRATOR: Actor.ADMINISTRATOR,
    ActorCode.DEVELOPER: Actor.DEVELOPER,
}

FILTERS: Mapping[str, tuple[Said, Mapping[str, Said]]] = {
    "actor": (said("Who acts"), {code: Said(actor) for code, actor in _ACTORS.items()}),
    "table": (said("Table"), TABLES),
    "since": (
        said("Given up"),
        {
            Since.HOUR: said("In the last hour"),
            Since.DAY: said("In the last 24 hours"),
            Since.WEEK: said("In the last 7 days"),
        },
    ),
}
"""The filters of the page by the names of their parameters: heading, and words for each code."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a letter must have; a filter that is None, or empty, lets all pass."""

    actor: ActorCode | None = None
    table: PersonTable | None = None
    since: Since | None = None
    id: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of an address that means this choice."""
        given = {"actor": self.actor, "table": self.table, "since": self.since, "id": self.id}
        return {name: str(value) for name, value in given.items() if value}

    def includes(self, letter: DeadLetter, now: datetime) -> bool:
        """Whether the letter has all that was chosen. The id may be of a record or a correlation, or a part of one."""
        return (
            (self.actor is None or cure_of(letter.reason).who is _ACTORS[self.actor])
            and (self.table is None or any(key.table is self.table for key in keys_in(letter.body)))
            and (self.since is None or now - letter.dead_since <= _AGES[self.since])
            and self.id.lower() in _ids(letter)
        )


def _ids(letter: DeadLetter) -> str:
    """Return all that a letter names, in lower case: its body has ids and codes."""
    return f"{letter.correlation_id} {letter.body.decode(errors='replace')}".lower()


def chosen(visit: Visit) -> Choice:
    """Read the choice from the address. RefusedError where it has a code that no filter has."""
    identifier = visit.asked("id")
    if identifier and not _is_id(identifier):
        raise _no_id()
    return Choice(
        actor=_code(ActorCode, visit, "actor"),
        table=_code(PersonTable, visit, "table"),
        since=_code(Since, visit, "since"),
        id=identifier,
    )


async def search(visit: Visit) -> Reply:
    """Look for an id. A search is a post: what is no id gets into no address."""
    identifier = visit.given("id").rpartition(":")[2]
    if not _is_id(identifier):
        raise _no_id()
    return Redirect(link("problems", id=identifier))


def _is_id(text: str) -> bool:
    return len(text) >= _SHORTEST and bool(bounded_id(text))


def _no_id() -> RefusedError:
    text = said("Type an id of a record or a correlation id, or at least %(count)s characters of one.")
    return RefusedError(HTTPStatus.BAD_REQUEST, text, count=_SHORTEST)


def _code(codes: type[Choosable], visit: Visit, name: str) -> Choosable | None:
    if not (text := visit.asked(name)):
        return None
    try:
        return codes(text)
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose one of the filters of this page.")) from None
