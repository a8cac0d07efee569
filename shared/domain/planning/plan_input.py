"""The input of a plan: the record, its binding, its contact, and facts about both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.domain.consent.bounces import CLOSING
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.consent.suppression import NOTHING_REFUSED, Suppression
from shared.domain.mapping.reading import originating_lead
from shared.domain.planning.binding import Binding
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import Intent, PersonRecord, RecordKey, SyncStatus


class BaseState(StrEnum):
    """Whether the base is the state of the contact. After a worker died between write and save, it may not be."""

    BASE = "base"
    NOTHING = "nothing"


class ContactPresence(StrEnum):
    """Whether the plan must prove that the bound contact exists, although nothing is to be sent."""

    ASSUMED = "assumed"
    TO_PROVE = "to-prove"
    """A resync or the nightly comparison asks: the contact may have been erased in the platform itself."""
    TO_RESTORE = "to-restore"
    """A job asks for the record: changes made in the platform in fields that only Dataverse fills are reverted, too."""


@dataclass(frozen=True, slots=True)
class SharingRecords:
    """The other active records of the same contact, and whether one of them refuses bulk mail.

    `primary` is the record whose values the contact has; None if that is the record itself (decision 5).
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
    """Whether the contact has been read."""

    NO = "unseen"
    """Not yet: a plan may ask for it (`FetchContact`)."""
    YES = "seen"
    SKIPPED = "blind"
    """Not now: too many would have to be read. The next poll brings them."""


CLOCKS_DIFFER = timedelta(minutes=5)
"""The largest difference between the clocks of two services."""


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan depends on.

    `record` is None if it was deleted. `contact` is None if it was not read or, with `Fetched.YES`, does not exist.
    `bounce` is why mail does not arrive (HARD_BOUNCE, SOFT_BOUNCE), `bounced_on` when that closed the contact; bounces
    are known up to `bounces_until`. `defaults` are the permissions of a new record. `suppression` has the refusals at
    the record's address, read if the record comes to the address. `names` are names that permission rows may have
    during a rename. `lead_status` is Spotler Status of the lead that was qualified into this contact, None if there is
    none. `succession` is the base of a former primary user of the contact, until its successor has compared its own
    values; otherwise None. `deactivated_on` is when a job made the contact inactive.
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
        """Whether only a job has closed the contact. A later change of the contact may have been an opt-out."""
        if self.deactivated_on is None or self.contact is None or not self.contact.is_unreachable:
            return False
        changed = self.contact.last_changed
        return changed is None or changed <= self.deactivated_on + CLOCKS_DIFFER

    @property
    def is_silent(self) -> bool:
        """Whether the reason why the contact is unreachable is unknown until the next poll of bounces."""
        if self.contact is None or self.bounce is not None or self.contact.last_changed is None:
            return False
        return self.bounces_until is None or self.contact.last_changed > self.bounces_until

    @property
    def has_only_bounced(self) -> bool:
        """Whether only a bounce can have closed the contact, so that another address may open it (BNC-11).

        A closed contact does not show the reason. If it was changed after the bounce, it may have opted out.
        """
        if self.contact is None or self.bounce is None or self.binding.mail_status.is_opt_out:
            return False
        changed, bounced = self.contact.last_changed, self.bounced_on
        return changed is None or bounced is None or changed <= bounced + CLOSING

    @property
    def has_come_back(self) -> bool:
        """Whether mail is possible again after an opt-out: re-added in the platform, or by a form (OPT-09, P-02)."""
        status = self.record.status if self.record else None
        had_left = self.binding.mail_status.is_opt_out or (status is not None and status.status is SyncStatus.OPT_OUT)
        if self.contact is None:
            return had_left and not self.binding.is_live and self.suppression.has_returned
        return had_left and not self.contact.is_unreachable

    @property
    def is_suppressed(self) -> bool:
        """Whether there was an opt-out at the address that the record comes to (F4), even if the contact was erased."""
        return self.suppression.has_opted_out and not self.binding.is_live

    @property
    def withholds_permissions(self) -> bool:
        """Whether others switch every permission off: a record of the same contact, or one that had the address."""
        return self.sharing_records.refuse_bulk or self.all_refused_on is not None

    @property
    def all_refused_on(self) -> datetime | None:
        """Return when records that do not share the contact last refused every permission at the address."""
        return self.suppression.all_refused_on(self._own) if self.suppression else None

    def refused_on(self, permission: str) -> datetime | None:
        """Return when others, or the person, last refused one permission at the address; None without a refusal."""
        return self.suppression.refused_on(permission, self._own) if self.suppression else None

    @property
    def _own(self) -> frozenset[str]:
        """The records that this one speaks for: itself, and the lead that it grew out of."""
        lead = originating_lead(self.record) if self.record is not None else None
        return frozenset(map(str, filter(None, (self.key, lead))))
