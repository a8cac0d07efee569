"""Bounces of one contact: what is stored about its address, and when the address is a problem. Pure.

One hard bounce makes a contact inactive, soft bounces only the fourth time in a row (BNC-04, BNC-05). The platform
returns every bounce, but neither the mail that arrived in between nor older bounces. The contact's channel shows
whether four soft bounces were in a row: a person who has opted out gets no mail that could bounce. So a contact that is
unreachable while a soft bounce is fresh has had its fourth. Without information from the channel, four soft bounces in
all count.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

from shared.domain.records.marketing_contact import Bounce, Channel
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey

SOFT_LIMIT = 4
_FRESH = timedelta(days=1)
"""For how long a closed channel is the bounce's doing: later, the person may have opted out since."""

CLOSING = timedelta(minutes=1)
"""The longest time between a bounce and the deactivation of its contact (inferred). A later change has another cause,
perhaps an opt-out."""

_REMEMBERED = 20
"""Bounces that are stored by their mailing and time, so that a repeated bounce counts once."""

_TASK = UUID("b7c6b9ad-6a3d-4f63-9c5f-0b9b2d7f1e58")
"""Namespace of the ids of tasks: a repetition never makes a second one."""


class BounceKind(StrEnum):
    """The kind of a bounce."""

    HARD = "hard"
    """The address does not exist or is wrong."""
    SOFT = "soft"
    """The mailbox is full, or its server cannot be reached."""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read the platform's kind, `HARDBOUNCE` or `HARD`; None for an unknown kind."""
        return _KINDS.get(text.strip().upper())


_KINDS = {
    "HARDBOUNCE": BounceKind.HARD,
    "HARD": BounceKind.HARD,
    "SOFTBOUNCE": BounceKind.SOFT,
    "SOFT": BounceKind.SOFT,
}


@dataclass(frozen=True, slots=True)
class BounceNote:
    """The bounces of one contact, as ids and times; `address` is the fingerprint of the address that bounced.

    `tasks` has the task of each record for this address; `done` are tasks to complete, because the address has changed.
    `solved` is when the address was changed: earlier bounces do not count any more. `reachable` is the state of the
    contact's channel at the last bounce, None if unknown. `closed` is when bounces closed the contact, None if they did
    not.
    """

    external_id: str
    kind: BounceKind = BounceKind.SOFT
    since: datetime | None = None
    last: datetime | None = None
    mailing: str = ""
    soft_bounces: int = 0
    address: str = ""
    reachable: bool | None = None
    closed: datetime | None = None
    solved: datetime | None = None
    seen: tuple[str, ...] = ()
    tasks: Mapping[RecordKey, UUID] = field(default_factory=dict)
    done: tuple[UUID, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether mail has bounced since the last change of the address."""
        return self.since is not None

    @property
    def reason(self) -> Reason | None:
        """Why this contact cannot be mailed; None while it can, for instance after three soft bounces (BNC-04)."""
        if not self.is_open or self.closed is None:
            return None
        return Reason.HARD_BOUNCE if self.kind is BounceKind.HARD else Reason.SOFT_BOUNCE


def noted(note: BounceNote, bounce: Bounce, kind: BounceKind, *, address: str, now: datetime) -> BounceNote:
    """Add a bounce; `now` replaces a missing time. A repeated bounce changes nothing."""
    mark = _mark(bounce)
    at = bounce.date or now
    if mark in note.seen or (note.solved is not None and at <= note.solved):
        return note
    if note.is_open and note.address and address and address != note.address:
        note = solved(note, note.last or at)  # the address has changed, and the new one bounced too
    is_first = not note.is_open
    last = at if note.last is None or is_first else max(note.last, at)
    after = replace(
        note,
        kind=kind if is_first or kind is BounceKind.HARD else note.kind,
        since=at if is_first or note.since is None else min(note.since, at),
        last=last,
        mailing=bounce.mailing if last == at else note.mailing,
        soft_bounces=note.soft_bounces + (kind is BounceKind.SOFT),
        address=address or note.address,
        reachable=_reachable(bounce, now - at) if last == at else note.reachable,
        seen=(*note.seen, mark)[-_REMEMBERED:],
    )
    return replace(after, closed=(note.closed or at) if _closes(after) else None)


def _closes(note: BounceNote) -> bool:
    if note.kind is BounceKind.HARD:
        return True
    return note.soft_bounces >= SOFT_LIMIT if note.reachable is None else not note.reachable


def reopened(note: BounceNote, changed: datetime) -> BounceNote:
    """Note that the contact could be mailed when it was last `changed`: it was activated again since."""
    if note.closed is None or changed <= note.closed + CLOSING:
        return note
    return replace(note, kind=BounceKind.SOFT, soft_bounces=0, reachable=True, closed=None)


def solved(note: BounceNote, at: datetime) -> BounceNote:
    """Remove the bounces up to now, because the address has changed (BNC-11). Its tasks can be completed."""
    return BounceNote(
        note.external_id,
        solved=at,
        seen=note.seen,
        done=tuple(dict.fromkeys((*note.done, *note.tasks.values()))),
    )


def task_id(record: RecordKey, address: str) -> UUID:
    """Return the id of the task of a record for an address: one per record and address that does not work."""
    return uuid5(_TASK, f"{record}|{address}")


def _reachable(bounce: Bounce, age: timedelta) -> bool | None:
    channel = bounce.contact.channels.get(Channel.EMAIL)
    return None if channel is False and age > _FRESH else channel


def _mark(bounce: Bounce) -> str:
    at = bounce.date.isoformat() if bounce.date else ""
    return hashlib.sha256(f"{bounce.kind}|{at}|{bounce.mailing}".encode()).hexdigest()[:12]
