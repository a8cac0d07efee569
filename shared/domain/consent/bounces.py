"""Mail that came back: what is known of the address of one Spotler contact, and when it is a problem. Pure.

One hard bounce makes a contact inactive, soft bounces only the fourth time in a row (BNC-04, BNC-05). Spotler tells of
every bounce, but not of the mail that arrived in between, nor of bounces before anybody asked. Whether four soft ones
were in a row shows in the contact's channel: who has opted out gets no mail that could bounce, so a contact that cannot
be reached when a soft bounce is fresh has had its fourth. Where the channel says nothing, four in all count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from shared.domain.records.marketing_contact import Bounce, Channel
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey

SOFT_LIMIT = 4
_FRESH = timedelta(days=1)
"""For how long a closed channel is the bounce's doing: later, the person may have opted out since."""

CLOSING = timedelta(minutes=1)
"""Within this time of a bounce Spotler has made the contact inactive (inferred): what changed it later was something
else, perhaps an opt-out."""

_REMEMBERED = 20
"""Bounces that are known by their mailing and time, so that one which is told twice counts once."""

_TASK = UUID("b7c6b9ad-6a3d-4f63-9c5f-0b9b2d7f1e58")
"""Namespace of the ids of tasks: a repetition never makes a second one."""


class BounceKind(StrEnum):
    """Why mail came back."""

    HARD = "hard"
    """The address does not exist or is wrong."""
    SOFT = "soft"
    """The mailbox is full, or its server cannot be reached."""

    @classmethod
    def read(cls, text: str) -> BounceKind | None:
        """Read what Spotler says, `HARDBOUNCE` or `HARD`; None for a kind that it got later."""
        return _KINDS.get(text.strip().upper())


_KINDS = {
    "HARDBOUNCE": BounceKind.HARD,
    "HARD": BounceKind.HARD,
    "SOFTBOUNCE": BounceKind.SOFT,
    "SOFT": BounceKind.SOFT,
}


@dataclass(frozen=True, slots=True)
class BounceNote:
    """What is known of one contact. Ids and times only; `address` is the fingerprint of the address that bounced.

    `tasks` has the task of each record that got one for this address; `done` are tasks to complete, their address
    being gone. `solved` is when the address was changed: what bounced up to then is of no interest any more.
    `reachable` is what the contact's channel said at the last bounce, None if it says nothing about that. `closed` is
    when bounces closed the contact, None while it is open as far as they are concerned.
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
        """Whether mail came back since the address was changed last."""
        return self.since is not None

    @property
    def reason(self) -> Reason | None:
        """Why this contact cannot be mailed; None while it can, for instance after three soft bounces (BNC-04)."""
        if not self.is_open or self.closed is None:
            return None
        return Reason.HARD_BOUNCE if self.kind is BounceKind.HARD else Reason.SOFT_BOUNCE


def noted(note: BounceNote, bounce: Bounce, kind: BounceKind, *, address: str, now: datetime) -> BounceNote:
    """Add a bounce; `now` stands for its time if Spotler does not tell. The same bounce again changes nothing."""
    mark = _mark(bounce)
    at = bounce.date or now
    if mark in note.seen or (note.solved is not None and at <= note.solved):
        return note
    if note.is_open and note.address and address and address != note.address:
        note = solved(note, note.last or at)  # another address has taken its place, and came back too
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
    """Note that the contact could be mailed when it was last `changed`: somebody made it active again since."""
    if note.closed is None or changed <= note.closed + CLOSING:
        return note
    return replace(note, kind=BounceKind.SOFT, soft_bounces=0, reachable=True, closed=None)


def solved(note: BounceNote, at: datetime) -> BounceNote:
    """Forget what bounced up to now: the address has changed (BNC-11). Its tasks can be completed."""
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
