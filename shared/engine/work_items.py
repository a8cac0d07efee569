"""One unit of work of the outbound engine: a record, what is asked for it, and how it went."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.domain.planning.context import Plan, Presence
from shared.domain.records.marketing_contact import SpotlerContact
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import ACTS, ConsentOrder, Intent, PersonRecord, RecordKey, Reference, Why
from shared.domain.recovery.retry import Failure, Next, RetryAt, RetryPolicy, failure_of
from shared.errors import ConnectorError
from shared.ports.clock import Clock

log = logging.getLogger(__name__)

_PRESENCE = {
    Why.JOB: Presence.TO_RESTORE,
    Why.RESYNC: Presence.TO_PROVE,
    Why.RECONCILE: Presence.TO_PROVE,
}
"""Why somebody asks whether all is well: a contact that was erased in Spotler itself must not pass for one that is."""

_LAST = {Intent.SYNC: 0, Intent.PURGE: 1, Intent.ANONYMIZE: 2}
"""In which order several wishes for one record are met: an erasure has the last word."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Spotler contact as it was at a moment. Read before its claim, it may be older than what was agreed since."""

    contact: SpotlerContact
    at: datetime


@dataclass(slots=True, eq=False)
class Unit:
    """All references to one record with one intent; they are done together and end alike.

    `awaits` are the records that must be looked at before this one is erased; `address_is_taken` is what Spotler says
    of its new address. `sighting` is the Spotler contact where it has been read already; `must_look` that it must be;
    `presence` whether the contact must at least be known to be there, although nothing may have to be sent. `is_there`:
    Spotler has a contact with the address of a record that is not bound yet. `written` is how it went when Spotler got
    its first data, a moment ago.
    """

    key: RecordKey
    intent: Intent
    references: list[Reference] = field(default_factory=list)
    awaits: set[RecordKey] = field(default_factory=set)
    address_is_taken: bool = False
    sighting: Sighting | None = None
    must_look: bool = False
    presence: Presence = Presence.ASSUMED
    is_there: bool = False
    written: Outcome | None = None

    @property
    def correlation(self) -> str:
        """The correlation id of the newest reference."""
        return self.references[-1].correlation

    @property
    def orders(self) -> dict[str, ConsentOrder]:
        """What jobs have written into rows of consent, by option; the newest counts."""
        return {one.consent.option: one.consent for one in self.references if one.consent is not None}

    @property
    def attempt(self) -> int:
        """The furthest attempt of its references."""
        return max(reference.attempt for reference in self.references)

    @property
    def may_wait_for_a_poll(self) -> bool:
        """Whether nobody has just done something to the record: a walk or a job came by."""
        return not any(reference.why in ACTS for reference in self.references)

    @property
    def waits_since(self) -> datetime | None:
        """Since when the first of its references waits without counting."""
        return earliest(reference.waits_since for reference in self.references)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a unit ended: the outcome, what comes next, and the record and plan where it came that far.

    `error` is what kept it from being done.
    """

    unit: Unit
    outcome: Outcome
    next: Next
    record: PersonRecord | None = None
    plan: Plan | None = None
    external_id: str = ""
    error: ConnectorError | None = None


NOBODY: Mapping[RecordKey, Sighting] = MappingProxyType({})
"""No contact has been read."""


def units_of(references: Sequence[Reference], sightings: Mapping[RecordKey, Sighting] = NOBODY) -> list[Unit]:
    """Fold references into units, in the order of arrival, erasures last. `sightings` are contacts that were read.

    Copies of one reference count once: a batch that lost its locks comes again beside what it has put back, and would
    double each time.
    """
    units: dict[tuple[RecordKey, Intent], Unit] = {}
    for reference in _without_copies(references):
        unit = units.setdefault((reference.key, reference.intent), Unit(reference.key, reference.intent))
        unit.sighting = sightings.get(reference.key)
        unit.references.append(reference)
        unit.must_look = unit.must_look or reference.why is Why.SPOTLER
        if unit.presence is not Presence.TO_RESTORE:
            unit.presence = _PRESENCE.get(reference.why, unit.presence)
    return sorted(units.values(), key=lambda unit: _LAST[unit.intent])


def _without_copies(references: Sequence[Reference]) -> Iterable[Reference]:
    """Let references that ask for the same go on as one: seen when the first was, tried as often as any of them."""
    merged: dict[Reference, Reference] = {}
    for one in references:
        asked = replace(one, attempt=1, first_seen=None, waits_since=None)
        known = merged.get(asked, one)
        merged[asked] = replace(
            one,
            attempt=max(known.attempt, one.attempt),
            first_seen=earliest((known.first_seen, one.first_seen)),
            waits_since=earliest((known.waits_since, one.waits_since)),
        )
    return merged.values()


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the first of some moments; None if there is none."""
    return min((moment for moment in moments if moment is not None), default=None)


_REASONS = {
    Failure.PUT_BACK: Reason.BUSY,
    Failure.BUSY: Reason.BUSY,
    Failure.THROTTLED: Reason.THROTTLED,
    Failure.MISCONFIGURED: Reason.MISCONFIGURED,
    Failure.TRANSIENT: Reason.UNAVAILABLE,
}


class Verdicts:
    """Turns errors into outcomes and next steps."""

    def __init__(self, clock: Clock, policy: RetryPolicy) -> None:
        self._clock = clock
        self._policy = policy

    def waiting(self, unit: Unit, reason: Reason) -> Finished:
        """Somebody else must be done first: another worker, or another record of the same person."""
        failure = Failure.BUSY if reason is Reason.BUSY else Failure.TRANSIENT
        following = self._after(failure, unit)
        if isinstance(following, RetryAt):
            return Finished(unit, Outcome(unit.key, Result.WAITING, reason), following)
        ended = Reason.UNSETTLED if failure is Failure.BUSY else reason
        return Finished(unit, Outcome(unit.key, Result.FAILED, ended), following)

    def put_back(self, unit: Unit) -> Finished:
        """There was no time for it: it comes again as it is."""
        return Finished(unit, Outcome(unit.key, Result.WAITING, Reason.BUSY), self._after(Failure.PUT_BACK, unit))

    def failed(self, unit: Unit, error: ConnectorError, record: PersonRecord | None = None) -> Finished:
        """A call failed; the class of the error says what to do (`shared/errors.py`)."""
        log.info("%s cannot be done now: %s", unit.key, error, extra={"correlation": unit.correlation})
        failure, asked = failure_of(error)
        following = self._after(failure, unit, asked)
        if isinstance(following, RetryAt):
            result, reason = Result.WAITING, _REASONS[failure]
        else:
            result, reason = Result.FAILED, Reason.UNSETTLED if failure is Failure.BUSY else Reason.GAVE_UP
        outcome = Outcome(unit.key, result, reason, http_status=error.status)
        return Finished(unit, outcome, following, record, error=error)

    def _after(self, failure: Failure, unit: Unit, asked: timedelta | None = None) -> Next:
        return self._policy.after(
            failure, attempt=unit.attempt, now=self._clock.now(), since=unit.waits_since, asked=asked
        )
