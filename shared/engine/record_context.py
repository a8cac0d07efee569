"""What the stages of a pass take and return: records, each with the Spotler contact that is held for it."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from shared.domain.consent.bounces import BounceNote
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.consent.suppression import NOTHING_REFUSED, Suppression
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Decision
from shared.domain.planning.identity import Leave, Stay
from shared.domain.planning.plan_input import Fetched, PlanInput, SharingRecords
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import PersonRecord, RecordKey, Reference, SyncStatus
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.work_items import ItemResult, WorkItem
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class PlanningFacts:
    """What is the same for a whole pass.

    The time, the permissions of new records, until when bounces are known, the names of permissions under a rename.
    """

    now: datetime
    defaults: tuple[PermissionDefault, ...] = ()
    bounces_until: datetime | None = None
    names: RememberedNames = RememberedNames()  # noqa: RUF009  # frozen and without state


NO_FACTS = PlanningFacts(datetime(1970, 1, 1, tzinfo=UTC))
"""Before a pass has begun."""


@dataclass(frozen=True)
class RecordContext:
    """A work item with the Spotler contact that is held for it.

    `origin` is the record's own binding, `binding` what the plan starts from: the same, unless the record joins a
    contact that others use. `successor_of` is the lead whose place the record takes, `lead_status` the Spotler Status
    of the lead that was qualified into it. `address` is the fingerprint of the record's e-mail address, None unless the
    record may go to Spotler. `saved_at` is when the binding was last written; `fetched` and `contact` say whether the
    Spotler contact was read, and what it is. `is_doubtful`: the pass began without trust in the base. `mailbox` is the
    fingerprint of the record's own address, whether or not the record may go to Spotler. `suppression` is what was
    refused there, where that was read. `has_rested`: the record was not synchronised at its last look. `deleted_users`
    are deleted records whose contact must be erased, before the record gets one of its own.
    """

    item: WorkItem
    origin: Binding
    binding: Binding
    held: HeldContact
    record: PersonRecord | None = None
    successor_of: RecordKey | None = None
    lead_status: SyncStatus | None = None
    address: str | None = None
    identity: Stay | Leave = Stay()  # noqa: RUF009  # frozen and without state
    saved_at: datetime | None = None
    fetched: Fetched = Fetched.NO
    contact: MarketingContact | None = None
    bounce: BounceNote | None = None
    is_doubtful: bool = False
    facts: PlanningFacts = NO_FACTS
    mailbox: str = ""
    suppression: Suppression = NOTHING_REFUSED
    has_rested: bool = False
    deleted_users: tuple[RecordKey, ...] = ()

    @property
    def key(self) -> RecordKey:
        """The record."""
        return self.item.key

    @cached_property
    def sharing_records(self) -> SharingRecords:
        """The other records that use the contact, without deleted ones and the lead whose place the record takes."""
        lead = [self.successor_of] if self.successor_of else []
        return self.held.sharing_records_of(self.key, *self.deleted_users, *lead)

    @cached_property
    def plan_input(self) -> PlanInput:
        """What a plan depends on."""
        return PlanInput(
            key=self.key,
            record=self.record,
            binding=self.binding,
            intent=self.item.intent,
            base_state=self.held.base_state,
            sharing_records=self.sharing_records,
            fetched=self.fetched,
            contact=self.contact,
            bounce=self.bounce.reason if self.bounce else None,
            bounced_on=self.bounce.closed if self.bounce else None,
            defaults=self.facts.defaults,
            now=self.facts.now,
            bounces_until=self.facts.bounces_until,
            presence=self.item.presence,
            suppression=self.suppression,
            names=self.facts.names,
            lead_status=self.lead_status,
            succession=self.held.succession,
            deactivated_on=self.held.deactivated_on,
        )


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass, or one stage of it, brings beside the records that go on.

    `results` are work items that ended or wait. `retries` start again at once, with what was learned of them.
    `follow_ups` are other records that must be processed. `has_progressed`: something was saved, or learned of a
    retry. `ran_out`: the time of the claims did not suffice.
    """

    results: tuple[ItemResult, ...] = ()
    retries: tuple[WorkItem, ...] = ()
    follow_ups: tuple[Reference, ...] = ()
    has_progressed: bool = False
    ran_out: bool = False

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.results + other.results,
            self.retries + other.retries,
            self.follow_ups + other.follow_ups,
            self.has_progressed or other.has_progressed,
            self.ran_out or other.ran_out,
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """Records with their claimed contacts, and addresses to free with the results of the pass.

    `deferred` are work items whose contact another worker holds, `retries` those that want the contact of another work
    item. `freed` are addresses (fingerprints). `error` ended the stage early: `deferred` and `follow_ups` count all the
    same.
    """

    contexts: Sequence[RecordContext]
    deferred: Sequence[WorkItem]
    retries: Sequence[WorkItem]
    follow_ups: Sequence[Reference]
    freed: Sequence[str]
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """Records with their plans. `result` is what the last stage took out."""

    contexts: tuple[RecordContext, ...]
    plans: Mapping[RecordKey, Decision]
    result: PassResult = PassResult()

    def without(self, keys: Container[RecordKey], result: PassResult) -> Self:
        """Take records out, with the result of that."""
        contexts = tuple(one for one in self.contexts if one.key not in keys)
        return replace(self, contexts=contexts, result=result)


@dataclass(frozen=True, slots=True)
class Committed:
    """How one record ended, and what to keep of that.

    `context` has the contact as it is to be written, `updates` are bindings, `freed` an address (fingerprint).
    `is_succeeded`: the primary record of the contact has left it to another record.
    """

    context: RecordContext
    result: PassResult
    updates: Mapping[RecordKey, BindingUpdate] = field(default_factory=dict)
    freed: tuple[str, ...] = ()
    is_succeeded: bool = False
