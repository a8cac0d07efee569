"""The messages of the lanes about marketing lists. Ids and numbers only."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from shared.domain.values.texts import bounded_id

Correlation = Annotated[str, AfterValidator(bounded_id)]
"""The correlation id of a change, which goes into logs and traces; every sender to a lane can choose it."""


def _of_our_time(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:  # noqa: PLR2004  # no time can be added at the ends of the calendar
        raise ValueError("no moment of our time")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
"""A time that the connector has written: it can be compared and counted on from."""

Attempt = Annotated[int, Field(ge=1, le=1_000_000)]
"""Counts from 1."""


class Phase(StrEnum):
    """What a synchronisation of a list does, in this order."""

    READ = "read"
    """Take the snapshot: page by page, ids only."""
    RESOLVE = "resolve"
    """Find the Spotler contact of every member, after synchronising new members (ML-18)."""
    COMPARE = "compare"
    """Send what differs from what was sent before."""
    CHECK = "check"
    """Check whether the list is still what it was when the snapshot was taken."""


class MessageBody(BaseModel):
    """A message of the connector, or a part of one: a member that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetriedMessage(MessageBody):
    """A message of one change; it counts its own attempts."""

    correlation: Correlation = ""
    attempt: Attempt = 1
    waits_since: Moment | None = None


class _AboutList(RetriedMessage):
    """What every message about a list has."""

    list: UUID


class ListStep(_AboutList):
    """Do the next step of a synchronisation. A step that was done already is recognised by its number."""

    kind: Literal["list-step"] = "list-step"
    run: str
    step: int = 0
    phase: Phase = Phase.READ
    round: int = 1
    generation: str
    taken_at: Moment
    after: str | None = None
    page: int = 0
    pages: int = 0
    members: int = 0
    digest: str = "0"
    """Of the snapshot while it is read, then of the list while it is checked: hexadecimal."""
    expected: str = ""
    """The digest of the snapshot."""
    bucket: int = 0
    resets: int = 0
    sent: int = 0
    added: int = 0
    removed: int = 0


class ListMembers(_AboutList):
    """Check whether these people are members of this list (ML-24, C-28)."""

    kind: Literal["list-members"] = "list-members"
    members: tuple[UUID, ...]


class ListLook(_AboutList):
    """Check whether this list still exists and is active (ML-28)."""

    kind: Literal["list"] = "list"


class ListClean(_AboutList):
    """Delete what earlier synchronisations of a list have stored."""

    kind: Literal["list-clean"] = "list-clean"
    generations: tuple[str, ...]


ListMessage = ListStep | ListMembers | ListLook | ListClean


def memberships(pairs: Mapping[tuple[UUID, UUID], str]) -> list[ListMembers]:
    """Group pairs of list and person (with their correlation ids) by list: a change causes several events."""
    grouped: dict[UUID, dict[UUID, str]] = {}
    for (marketing_list, person), correlation in pairs.items():
        grouped.setdefault(marketing_list, {})[person] = correlation
    return [
        ListMembers(list=marketing_list, members=tuple(people), correlation=list(people.values())[-1])
        for marketing_list, people in grouped.items()
    ]
