"""What a round of the outbound engine works on: records, each with the Spotler contact that is held for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.domain.consent.bounces import BounceNote
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.consent.suppression import NOTHING_REFUSED, Suppression
from shared.domain.planning.binding import Binding
from shared.domain.planning.identity import Leave, Stay
from shared.domain.planning.plan_input import Fetched, PlanInput, SharingRecords
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.outcomes import Outcome
from shared.domain.records.records import PersonRecord, RecordKey, Reference, SyncStatus
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.work_items import ItemResult, WorkItem


@dataclass(frozen=True, slots=True)
class PlanningFacts:
    """What is the same for a whole round.

    The time, the permissions of new records, until when bounces are known, the names of permissions under a rename.
    """

    now: datetime
    defaults: tuple[PermissionDefault, ...] = ()
    bounces_until: datetime | None = None
    names: RememberedNames = RememberedNames()  # noqa: RUF009  # frozen and without state


NOWHERE = PlanningFacts(datetime(1970, 1, 1, tzinfo=UTC))
"""Before a round has begun."""


@dataclass(frozen=True, slots=True)
class RecordContext:
    """A unit with the Spotler contact it holds in this round.

    `origin` is the record's own binding, `binding` what the plan starts from: the same, unless the record joins a
    contact that others use. `successor_of` is the lead whose place it takes, `lead_status` the Spotler Status of the
    lead that was qualified into it. `address` is the fingerprint of the record's e-mail address, None unless the record
    may go to Spotler. `saved_at` is when the binding was last written; `fetched` and `contact` say whether the Spotler
    contact was read, and what it is. `is_doubtful`: the round began without trust in the base. `mailbox` is the
    fingerprint of the record's own address, whether or not it may go to Spotler, and `suppression` what was refused
    there, where that was asked. `has_rested`: the record was not synchronised at its last look.
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
    facts: PlanningFacts = NOWHERE
    mailbox: str = ""
    suppression: Suppression = NOTHING_REFUSED
    has_rested: bool = False

    @property
    def key(self) -> RecordKey:
        """The record."""
        return self.item.key

    @property
    def sharing_records(self) -> SharingRecords:
        """The others that use the contact. A lead does not stand in its heir's way."""
        return self.held.sharing_records_of(self.key, *([self.successor_of] if self.successor_of else []))

    @property
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


@dataclass(slots=True)
class BatchState:
    """What one round has brought so far. Claims made in it are good until `expiry`.

    `versions` are the etags of bindings as this round read them, or has written them since: empty where there is none.
    `meeting` are units whose contact has just got its first data; `ran_out` that the time did not suffice;
    `has_learned` that units come again because more is known of them; `succeeded` are contacts whose primary user has
    left them to another one.
    """

    expiry: datetime
    finished: list[ItemResult] = field(default_factory=list)
    again: list[WorkItem] = field(default_factory=list)
    follow_ups: list[Reference] = field(default_factory=list)
    held: dict[str, HeldContact] = field(default_factory=dict)
    saved: dict[RecordKey, tuple[Binding, Outcome, str]] = field(default_factory=dict)
    versions: dict[RecordKey, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    has_written: bool = False
    ran_out: bool = False
    has_learned: bool = False
    meeting: list[WorkItem] = field(default_factory=list)
    succeeded: list[HeldContact] = field(default_factory=list)
