"""The work that messages ask for, and its postponement. Imports no use case: a trigger makes it from every message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from math import ceil
from typing import Self
from uuid import UUID

from shared.domain.records.records import Reference
from shared.engine.work_items import earliest
from shared.errors import ConnectorError
from shared.messages.lane_messages import (
    AnyMessage,
    Compare,
    Engage,
    ForecastStep,
    Jobs,
    Permissions,
    ReferenceBatch,
    Replay,
    Unchecked,
    Walk,
)
from shared.messages.list_messages import ListClean, ListLook, ListMembers, ListMessage, ListStep
from shared.messages.redelivery import Redelivery
from shared.ports.queue import QueueName

_VERY_MANY = 300
"""Records that are handled in two parts. Each part costs a read and a report of its own, so fewer are one part."""

_BULK_CALL = 100
"""Contacts in one bulk call: the first part fills its calls, so that two parts need no more of them than one."""

OtherMessage = Jobs | Walk | Replay | Compare | Engage | ForecastStep | ListMessage
"""A message that is handled by itself, beside people."""


@dataclass(slots=True)
class Work:
    """The work that messages ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: list[Jobs] = field(default_factory=list)
    permissions: list[Permissions] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    steps: list[Compare | Engage | ForecastStep] = field(default_factory=list)
    """Of work whose progress is in the state store."""
    lists: list[ListMessage] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    """Messages whose origin must be checked first (`dispatch/intake.py`)."""

    @property
    def correlations(self) -> list[str]:
        """The correlation ids of all changes behind the work."""
        return [
            *(reference.correlation for reference in self.people),
            *(message.correlation_of(job) for message in self.jobs for job in message.jobs),
            *(message.correlation for message in self.permissions),
            *(walk.correlation for walk in self.walks),
            *(replay.correlation for replay in self.replays),
            *(message.correlation for message in self.steps),
            *(message.correlation for message in self.lists),
            *(correlation for one in self.unchecked for correlation in Work.asked_by(one.message).correlations),
        ]

    @property
    def others(self) -> list[OtherMessage]:
        """Everything but people, their permission rows, and unchecked messages."""
        return [*jobs_together(self.jobs), *self.walks, *self.replays, *self.steps, *self.lists]

    @classmethod
    def asked_by(cls, message: AnyMessage) -> Self:
        """Return the work that one lane message asks for."""
        work = cls()
        work.add(message)
        return work

    def split(self) -> tuple[Self, Self]:
        """Take one reference or message out; returns it, and the rest."""
        rest = replace(self, **{one.name: list(getattr(self, one.name)) for one in fields(self)})
        one = type(self)()
        for name in (each.name for each in fields(self)):
            if waiting := getattr(rest, name):
                getattr(one, name).append(waiting.pop(0))
                break
        return one, rest

    def add(self, message: AnyMessage) -> None:
        """Add the work that a lane message asks for."""
        match message:
            case ReferenceBatch():
                self.people += message.unfold()
            case Jobs():
                self.jobs.append(message)
            case Permissions():
                self.permissions.append(message)
            case Walk():
                self.walks.append(message)
            case Replay():
                self.replays.append(message)
            case Compare() | Engage() | ForecastStep():
                self.steps.append(message)
            case ListStep() | ListMembers() | ListLook() | ListClean():
                self.lists.append(message)
            case Unchecked():
                self.unchecked.append(message)


def parts_of(people: Sequence[Reference]) -> list[Sequence[Reference]]:
    """Divide references to very many records into two parts; those to one record stay together, in their order."""
    records = list(dict.fromkeys(one.key for one in people))
    if len(records) < _VERY_MANY:
        return [people]
    first = set(records[: _BULK_CALL * ceil(len(records) / 2 / _BULK_CALL)])
    return [[one for one in people if one.key in first], [one for one in people if one.key not in first]]


async def postpone_all(work: Work, redelivery: Redelivery, *, lane: QueueName, error: ConnectorError) -> None:
    """Postpone all work, because no part of it can be done now. Needs the queue alone."""
    await redelivery.postpone_references(lane, work.people, error)
    for message in (*permissions_together(work.permissions), *work.others, *work.unchecked):
        await redelivery.postpone(lane, message, error)


def jobs_together(messages: Iterable[Jobs]) -> list[Jobs]:
    """Combine messages of the same attempt; each job once, with the correlation id of its latest message."""
    folded: dict[int, dict[UUID, str]] = {}
    waits_since: dict[int, datetime | None] = {}
    for message in messages:
        folded.setdefault(message.attempt, {}).update({job: message.correlation_of(job) for job in message.jobs})
        waits_since[message.attempt] = earliest((waits_since.get(message.attempt), message.waits_since))
    return [Jobs.of(jobs, attempt, waits_since[attempt]) for attempt, jobs in folded.items()]


def permissions_together(messages: Iterable[Permissions]) -> list[Permissions]:
    """Combine messages of the same attempt, each row once.

    Dataverse's answer does not tell whose row is which: several changes together have no correlation id.
    """
    folded: dict[int, list[Permissions]] = {}
    for message in messages:
        folded.setdefault(message.attempt, []).append(message)
    return [
        Permissions(
            permissions=list(dict.fromkeys(row for one in same for row in one.permissions)),
            correlation=same[0].correlation if len({one.correlation for one in same}) == 1 else "",
            attempt=attempt,
            waits_since=earliest(one.waits_since for one in same),
        )
        for attempt, same in folded.items()
    ]
