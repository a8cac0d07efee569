"""Work items of the engine: a record, what is asked for it, and how it ended."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.domain.planning.decisions import Plan, Write
from shared.domain.planning.plan_input import ContactPresence
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import ACTS, ConsentOrder, Intent, PersonRecord, RecordKey, Reference, Why
from shared.domain.recovery.retry import Failure, Next, RetryAt, RetryPolicy, failure_of
from shared.errors import ConnectorError
from shared.ports.clock import Clock

log = logging.getLogger(__name__)

_PRESENCE = {
    Why.JOB: ContactPresence.TO_RESTORE,
    Why.RESYNC: ContactPresence.TO_PROVE,
    Why.RECONCILE: ContactPresence.TO_PROVE,
}
"""References of these kinds must find a contact that was erased in Spotler itself."""

_LAST = {Intent.SYNC: 0, Intent.PURGE: 1, Intent.ANONYMIZE: 2}
"""The order of several intents for one record: an erasure comes last."""


@dataclass(frozen=True, slots=True)
class FetchedContact:
    """A Spotler contact as it was at a moment. It was read before its claim, and may be older than the binding."""

    contact: MarketingContact
    at: datetime


@dataclass(frozen=True, slots=True)
class WorkItem:
    """All references to one record with one intent; they are processed together and have one result.

    `awaits` are the records that must be processed before this one is erased, `awaited_by` those whose erasure waits
    for this one. `address_is_taken`: Spotler refused its new address. `fetched_contact` is the Spotler contact where it
    was read already, `must_fetch` demands to read it. `presence` says how certain the existence of the contact must be,
    although nothing may have to be sent. `is_there`: Spotler has a contact with the address of a record that is not
    bound yet. `written` is the outcome of the first write, which an earlier pass of this batch did.
    """

    key: RecordKey
    intent: Intent
    references: tuple[Reference, ...] = ()
    awaits: frozenset[RecordKey] = frozenset()
    awaited_by: frozenset[RecordKey] = frozenset()
    address_is_taken: bool = False
    fetched_contact: FetchedContact | None = None
    must_fetch: bool = False
    presence: ContactPresence = ContactPresence.ASSUMED
    is_there: bool = False
    written: Outcome | None = None

    @property
    def correlation(self) -> str:
        """The correlation id of the newest reference."""
        return self.references[-1].correlation

    @property
    def orders(self) -> dict[str, ConsentOrder]:
        """What jobs have written into permission rows, by option; the newest counts."""
        return {one.consent.option: one.consent for one in self.references if one.consent is not None}

    @property
    def attempt(self) -> int:
        """The highest attempt of its references."""
        return max(reference.attempt for reference in self.references)

    @property
    def may_be_unreported(self) -> bool:
        """Whether somebody tried it before: the work may be done, and its report lost."""
        return self.attempt > 1 or any(reference.deliveries > 1 for reference in self.references)

    @property
    def may_wait_for_a_poll(self) -> bool:
        """Whether no user has just changed the record: the references come from a walk or a job."""
        return not any(reference.why in ACTS for reference in self.references)

    @property
    def waits_since(self) -> datetime | None:
        """Since when the first of its references waits without counting an attempt."""
        return earliest(reference.waits_since for reference in self.references)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of a work item: the outcome, the next step, and the record and plan as far as they are known.

    `error` is what prevented the work.
    """

    item: WorkItem
    outcome: Outcome
    next: Next
    record: PersonRecord | None = None
    plan: Plan | None = None
    external_id: str = ""
    error: ConnectorError | None = None

    @property
    def is_first_write(self) -> bool:
        """Whether the contact has just got its first data, and both sides are still to be compared (PERM-15)."""
        return isinstance(self.plan, Write) and self.plan.meets and self.outcome.result is Result.WRITTEN


NO_CONTACTS: Mapping[RecordKey, FetchedContact] = MappingProxyType({})
"""No contact has been read."""


def work_items_of(
    references: Sequence[Reference], fetched_contacts: Mapping[RecordKey, FetchedContact] = NO_CONTACTS
) -> list[WorkItem]:
    """Fold references into work items, in the order of arrival, erasures last.

    `fetched_contacts` are contacts that were read. Copies of one reference count once: a batch that lost its locks is
    delivered again together with the references that it put back, and would double each time.
    """
    groups: defaultdict[tuple[RecordKey, Intent], list[Reference]] = defaultdict(list)
    for reference in _without_copies(references):
        groups[reference.key, reference.intent].append(reference)
    items = [
        WorkItem(
            key,
            intent,
            tuple(group),
            fetched_contact=fetched_contacts.get(key),
            must_fetch=any(one.why is Why.PLATFORM for one in group),
            presence=_presence({one.why for one in group}),
        )
        for (key, intent), group in groups.items()
    ]
    return sorted(items, key=lambda item: _LAST[item.intent])


def _presence(whys: Collection[Why]) -> ContactPresence:
    demanded = {_PRESENCE.get(why, ContactPresence.ASSUMED) for why in whys}
    strictest_first = (ContactPresence.TO_RESTORE, ContactPresence.TO_PROVE)
    return next((one for one in strictest_first if one in demanded), ContactPresence.ASSUMED)


def _without_copies(references: Sequence[Reference]) -> Iterable[Reference]:
    """Merge references that ask for the same: the earliest `first_seen` and the highest attempt count."""
    merged: dict[tuple[object, ...], Reference] = {}
    for one in references:
        asked = (one.key, one.why, one.correlation, one.intent, one.job, one.consent)
        known = merged.get(asked)
        merged[asked] = one if known is None else _together(known, one)
    return merged.values()


def _together(known: Reference, one: Reference) -> Reference:
    return replace(
        one,
        attempt=max(known.attempt, one.attempt),
        first_seen=earliest((known.first_seen, one.first_seen)),
        waits_since=earliest((known.waits_since, one.waits_since)),
    )


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


def references_to(records: Iterable[RecordKey], item: WorkItem) -> list[Reference]:
    """Make references to records whose Spotler contact has changed because of another record."""
    return [Reference(record, Why.PERMISSION, item.correlation) for record in records]


@dataclass(frozen=True, slots=True)
class RetryDecisions:
    """Turns errors into outcomes and next steps."""

    clock: Clock
    policy: RetryPolicy

    def waiting(self, item: WorkItem, reason: Reason) -> ItemResult:
        """Return that another worker, or another record of the same person, must be done first."""
        failure = Failure.BUSY if reason is Reason.BUSY else Failure.TRANSIENT
        following = self._after(failure, item)
        if isinstance(following, RetryAt):
            return ItemResult(item, Outcome(item.key, Result.WAITING, reason), following)
        ended = Reason.UNSETTLED if failure is Failure.BUSY else reason
        return ItemResult(item, Outcome(item.key, Result.FAILED, ended), following)

    def put_back(self, item: WorkItem) -> ItemResult:
        """Return that there was no time for the item: it comes again as it is."""
        return ItemResult(item, Outcome(item.key, Result.WAITING, Reason.BUSY), self._after(Failure.PUT_BACK, item))

    def failed(self, item: WorkItem, error: ConnectorError, record: PersonRecord | None = None) -> ItemResult:
        """Return that a call failed; the class of the error decides on the next step (`shared/errors.py`)."""
        log.info("%s cannot be done now: %s", item.key, error, extra={"correlation": item.correlation})
        failure, asked = failure_of(error)
        following = self._after(failure, item, asked)
        if isinstance(following, RetryAt):
            result, reason = Result.WAITING, _REASONS[failure]
        else:
            result, reason = Result.FAILED, Reason.UNSETTLED if failure is Failure.BUSY else Reason.GAVE_UP
        outcome = Outcome(item.key, result, reason, http_status=error.status)
        return ItemResult(item, outcome, following, record, error=error)

    def _after(self, failure: Failure, item: WorkItem, asked: timedelta | None = None) -> Next:
        return self.policy.after(
            failure, attempt=item.attempt, now=self.clock.now(), since=item.waits_since, asked=asked
        )
