"""What a plan depends on, and what it may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.domain.consent.bounces import CLOSING
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.consent.suppression import NOTHING_REFUSED, Suppression
from shared.domain.mapping.formats.reading import ORIGINATING_LEAD
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.merging.dataverse_changes import NOTHING, DataverseChanges
from shared.domain.merging.flapping import Move
from shared.domain.merging.merge import MergeDecision
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import MarketingContact, PropertyValue, Purge
from shared.domain.records.outcomes import FieldProblem, Reason, Result
from shared.domain.records.records import Intent, Lookup, PersonRecord, PersonTable, RecordKey, SyncStatus


class EndAction(StrEnum):
    """What happens to the Spotler contact of a record that ends (C-01, C-02)."""

    ANONYMIZE = "anonymize"
    """Spotler's anonymise call. Irreversible."""
    BLANK = "blank"
    """All mapped fields are emptied; the contact remains as a shell."""
    PERMISSIONS_OFF = "permissionsOff"
    """The data stays; every permission is switched off."""
    NOTHING = "nothing"


class MassChange(StrEnum):
    """What the brake holds when very many records ask for it at once, without each of them having been asked for."""

    ERASURE = "erasure"
    """Contacts that are anonymised or emptied because their records ended. Irreversible."""
    UNSUBSCRIPTION = "unsubscription"
    """Permissions that are switched off although neither the person nor the record refuses them."""
    BLANKING = "blanking"
    """Values that are emptied because a row of the mapping has changed."""
    LIST_REMOVAL = "list-removal"
    """Members that are taken out of a list in Spotler."""


class Unmapped(StrEnum):
    """What an update does to Spotler fields that it does not mention (PurgeExistingPropertiesWhenNotSet, PURGE-01)."""

    KEEP = "keep"
    CLEAR = "clear"


class BaseState(StrEnum):
    """Whether the base is what Spotler holds. After a worker died between write and save, it may not be."""

    BASE = "base"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that steer planning, and the deployment's fingerprints.

    `recast` are the Spotler properties that the mapping has filled in another way only since a few days.
    """

    mapping: FieldMapping
    fingerprints: Fingerprinter
    environment_is_on: bool = True
    enabled_tables: frozenset[PersonTable] = frozenset(PersonTable)
    on_delete: EndAction = EndAction.ANONYMIZE
    on_inactive: EndAction = EndAction.ANONYMIZE
    unmapped: Unmapped = Unmapped.KEEP
    recast: frozenset[str] = frozenset()


class WriteMode(StrEnum):
    """How a write reaches Spotler, and what happens where Spotler does not have the contact (any more)."""

    UPSERT = "upsert"
    """In bulk; the contact is created."""
    INSERT = "insert"
    """In bulk; a contact that is there stays as it is."""
    UPDATE = "update"
    """A call each; nothing is created."""


class ContactPresence(StrEnum):
    """Whether a contact that the binding names must be proven to be in Spotler, although nothing is to be sent."""

    ASSUMED = "assumed"
    TO_PROVE = "to-prove"
    """A resync or the nightly comparison asks: somebody may have erased it in Spotler itself."""
    TO_RESTORE = "to-restore"
    """A job asks for this record: what was changed in Spotler in fields that only Dataverse fills is set back, too."""


class MailStatus(StrEnum):
    """Whether Spotler may mail the contact, as far as the binding knows."""

    OPEN = "open"
    OPTED_OUT = "opted-out"
    """Bulk Email had been Do Not Allow already when the opt-out was found."""
    OPTED_OUT_HERE = "opted-out-here"
    """Bulk Email became Do Not Allow because of it (OPT-07), and is allowed again when the person comes back."""
    BOUNCED = "bounced"
    CLOSED = "closed"
    """It may not; whether the person opted out or the address failed, the next poll tells."""
    DEACTIVATED = "deactivated"
    """It may not: a Deactivate Contact job asked for that (JOB-12)."""

    @property
    def is_opt_out(self) -> bool:
        """Whether the person opted out in Spotler."""
        return self in {MailStatus.OPTED_OUT, MailStatus.OPTED_OUT_HERE}


@dataclass(frozen=True, slots=True)
class Binding:
    """The stored link of a record to its Spotler contact. `is_live` says whether Spotler holds data of it.

    `initial_merge_done` says that both sides have been compared since then, `since` when Spotler got the first data.
    `base` are fingerprints of what was agreed, `flap_history` and `merge_decisions` what the last merges said of single
    fields. `write_intents` are permissions whose yes is on its way to Spotler, or the refusal of bulk mail that is on
    its way to Dataverse: written down before the call, for a worker that comes after a crash. `default_rows` are
    permission rows that were made with the defaults before the record could meet a contact, and what they said.
    `is_stale`: Spotler's side has changed, and that is not settled: the record was not to be synchronised then, or
    Dataverse could not take it. `refused` are the subjects that were refused at the address when the suppression list
    was last asked. `held_since` says which changes of the record the brake holds, and since when (decision 20).
    """

    external_id: str
    is_live: bool = False
    base: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    initial_merge_done: bool = False
    since: datetime | None = None
    mail_status: MailStatus = MailStatus.OPEN
    flap_history: Mapping[str, Move] = field(default_factory=dict)
    merge_decisions: Mapping[str, MergeDecision] = field(default_factory=dict)
    write_intents: frozenset[str] = frozenset()
    default_rows: Mapping[str, bool] = field(default_factory=dict)
    is_stale: bool = False
    refused: frozenset[str] = frozenset()
    held_since: Mapping[MassChange, datetime] = field(default_factory=dict)

    def uses(self, external_id: str) -> bool:
        """Whether this contact holds data of the record."""
        return self.is_live and self.external_id == external_id


@dataclass(frozen=True, slots=True)
class SharingRecords:
    """The other active records of the same Spotler contact, and whether one of them refuses bulk mail.

    `primary` is the one of them whose values the contact has; None if that is the record itself (decision 5).
    """

    keys: tuple[RecordKey, ...] = ()
    refuse_bulk: bool = False
    primary: RecordKey | None = None

    @property
    def duplicates(self) -> tuple[RecordKey, ...]:
        """Of a record that is not primary: the others, the primary one first. Otherwise none."""
        if self.primary is None:
            return ()
        return (self.primary, *(key for key in self.keys if key != self.primary))


class Fetched(StrEnum):
    """Whether the Spotler contact has been read."""

    NO = "unseen"
    """Not yet: a plan may ask for it (`FetchContact`)."""
    YES = "seen"
    SKIPPED = "blind"
    """Not now: too many would have to be read. The next poll brings them."""


CLOCKS_DIFFER = timedelta(minutes=5)
"""What the clocks of two services may differ."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan depends on.

    `record` is None when it no longer exists, `contact` None when it was not read, or (SEEN) does not exist in Spotler.
    `bounce` says why mail does not arrive (HARD_BOUNCE, SOFT_BOUNCE), `bounced_on` when that closed the contact,
    `defaults` which permissions a new record gets. Bounces are known up to `bounces_until`. `suppression` is what was
    refused at the record's address, asked for where the record comes to it. `names` are those that permission rows may
    have while a rename in Spotler is not complete. `lead_status` is Spotler Status of the lead that was qualified into
    this contact, None if there is none. `succession` are the fingerprints that a former primary user of the contact had
    agreed on, until the record that follows it has compared its own values; otherwise None. `deactivated_on` is when a
    job made the contact inactive.
    """

    key: RecordKey
    record: PersonRecord | None
    binding: Binding
    intent: Intent = Intent.SYNC
    base_state: BaseState = BaseState.BASE
    sharing_records: SharingRecords = SharingRecords()
    fetched: Fetched = Fetched.NO
    contact: MarketingContact | None = None
    bounce: Reason | None = None
    bounced_on: datetime | None = None
    defaults: tuple[PermissionDefault, ...] = ()
    now: datetime = _LONG_AGO
    bounces_until: datetime | None = None
    presence: ContactPresence = ContactPresence.ASSUMED
    suppression: Suppression = NOTHING_REFUSED
    names: RememberedNames = RememberedNames()  # noqa: RUF009  # frozen and without state
    lead_status: SyncStatus | None = None
    succession: Mapping[str, str] | None = None
    deactivated_on: datetime | None = None

    @property
    def is_deactivated(self) -> bool:
        """Whether nothing but a job has closed the contact. What changed it later may have been an opt-out."""
        if self.deactivated_on is None or self.contact is None or not self.contact.is_unreachable:
            return False
        changed = self.contact.last_changed
        return changed is None or changed <= self.deactivated_on + CLOCKS_DIFFER

    @property
    def is_silent(self) -> bool:
        """Whether nobody can tell yet why the contact is unreachable: it is so since bounces were last asked for."""
        if self.contact is None or self.bounce is not None or self.contact.last_changed is None:
            return False
        return self.bounces_until is None or self.contact.last_changed > self.bounces_until

    @property
    def has_only_bounced(self) -> bool:
        """Whether nothing but a bounce can have closed the contact, so that another address may open it (BNC-11).

        A contact shows that it is closed, and not why. Changed after the bounce, it may be of somebody who opted out.
        """
        if self.contact is None or self.bounce is None or self.binding.mail_status.is_opt_out:
            return False
        changed, bounced = self.contact.last_changed, self.bounced_on
        return changed is None or bounced is None or changed <= bounced + CLOSING

    @property
    def has_come_back(self) -> bool:
        """Whether somebody who had opted out can be mailed again: re-added in Spotler, or by a form (OPT-09, P-02)."""
        status = self.record.status if self.record else None
        had_left = self.binding.mail_status.is_opt_out or (status is not None and status.status is SyncStatus.OPT_OUT)
        if self.contact is None:
            return had_left and not self.binding.is_live and self.suppression.has_returned
        return had_left and not self.contact.is_unreachable

    @property
    def is_suppressed(self) -> bool:
        """Whether somebody opted out at the address that the record comes to (F4: whatever became of the contact)."""
        return self.suppression.has_opted_out and not self.binding.is_live

    @property
    def withholds_permissions(self) -> bool:
        """Whether others switch every permission off: a record of the same contact, or one that had the address."""
        return self.sharing_records.refuse_bulk or self.suppression.withholds(self._own)

    @property
    def all_refused_on(self) -> datetime | None:
        """Return when records that are no neighbours last refused every permission at the address."""
        return self.suppression.all_refused_on(self._own)

    def refused_on(self, permission: str) -> datetime | None:
        """Return when others, or the person, last refused one permission at the address; None if nobody does."""
        return self.suppression.refused_on(permission, self._own)

    @property
    def _own(self) -> frozenset[str]:
        """The records that this one speaks for: itself, and the lead that it grew out of."""
        lead = self.record.values.get(ORIGINATING_LEAD) if self.record is not None else None
        of_lead = {str(RecordKey(PersonTable.LEAD, lead.id))} if isinstance(lead, Lookup) else set()
        return frozenset({str(self.key), *of_lead})


@dataclass(frozen=True, slots=True)
class Write:
    """Send these properties, then bring home what Spotler knows better. `binding` is what to remember afterwards.

    `meets`: the contact has perhaps been there before; both sides are to be compared once this is written.
    `if_absent` is what a contact gets instead that Spotler does not have (any more): everything, with its permissions
    (DEL-08). None where the contact was just read.
    """

    properties: Mapping[str, PropertyValue]
    fields: tuple[str, ...]
    purge: Purge
    binding: Binding
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False
    dataverse_changes: DataverseChanges = NOTHING
    meets: bool = False
    delivery: WriteMode = WriteMode.UPSERT
    if_absent: Write | None = None


@dataclass(frozen=True, slots=True)
class Anonymize:
    """Call Spotler's anonymise. `binding` is what to remember afterwards."""

    binding: Binding
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave the data in Spotler alone; perhaps something comes home.

    `result` tells how that counts, `binding` what to remember. `refused` are options that are switched off all the
    same, by a call of their own (OPT-02): a refusal depends on nothing else. `if_absent`: see `Write`.
    """

    binding: Binding
    result: Result
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False
    dataverse_changes: DataverseChanges = NOTHING
    refused: Mapping[str, PropertyValue] = field(default_factory=dict)
    if_absent: Write | None = None


@dataclass(frozen=True, slots=True)
class FetchContact:
    """Read the Spotler contact and plan again: what is there decides.

    `can_wait`: where too many would have to be read, Dataverse's side may go first (Sight.BLIND).
    """

    binding: Binding
    can_wait: bool = False


Decision = Write | Anonymize | Rest
"""What can be carried out."""

Plan = Decision | FetchContact
