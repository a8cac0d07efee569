"""Which Spotler contact a record belongs to: by its binding, else by the lead it grew out of, else by its address.

Spotler keeps one contact per e-mail address (DUP-01..DUP-03), so records that share an address share a contact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.mapping.formats.reading import ORIGINATING_LEAD
from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState, SharingRecords
from shared.domain.records.records import Lookup, PersonRecord, PersonTable, RecordKey


@dataclass(frozen=True, slots=True)
class Stay:
    """The binding says where the record belongs."""


@dataclass(frozen=True, slots=True)
class Join:
    """The record belongs to another contact than the one it was looked up under."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The record's new address cannot be written to its contact: let go of it first, then look again."""


@dataclass(frozen=True, slots=True)
class LeaveContact:
    """The record needs a contact of its own: others with another address use the one it was looked up under."""


Identity = Stay | Join | Leave | LeaveContact


def originating_lead(record: PersonRecord) -> RecordKey | None:
    """Return the lead that was qualified into this contact (CS-29)."""
    lead = record.values.get(ORIGINATING_LEAD)
    return RecordKey(PersonTable.LEAD, lead.id) if isinstance(lead, Lookup) else None


def identify(
    binding: Binding, address: str, *, base_state: BaseState, sharing_records: SharingRecords, owner: str | None
) -> Identity:
    """Decide for a record that may be in Spotler.

    `address` is the fingerprint of its e-mail address and `owner` the contact that has this address, if one has;
    `sharing_records` are the other users of the contact that the binding names, and `base_state` is about this contact.
    """
    if binding.is_live:
        flap_history = address != binding.address
        is_taken = owner is not None and owner != binding.external_id
        return Leave() if flap_history and (is_taken or sharing_records.keys) else Stay()
    if owner is None:
        return LeaveContact() if sharing_records.keys else Stay()
    if owner == binding.external_id:  # its own, once: others may have found it under this id meanwhile
        return Join(owner) if sharing_records.keys else Stay()
    was_perhaps_created = base_state is BaseState.NOTHING and not sharing_records.keys
    return Leave() if was_perhaps_created else Join(owner)


def binding_after_joining(external_id: str, others: Iterable[Binding]) -> Binding:
    """Start from a contact that is there, and about which this record has agreed on nothing yet.

    What another user of the contact agreed on says nothing of this one: its values are not that one's edits, and
    permission rows that it never had were not deleted.
    """
    known = next((one for one in others if one.uses(external_id)), None)
    if known is None:
        return Binding(external_id)
    return Binding(external_id, is_live=True, address=known.address, since=known.since, mail_status=known.mail_status)
