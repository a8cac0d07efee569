"""Which Spotler contact a record belongs to: by its binding, else by the lead it grew out of, else by its address.

Spotler keeps one contact per e-mail address (DUP-01..DUP-03), so records that share an address share a contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid5

from shared.core.mapping.reading import ORIGINATING_LEAD
from shared.core.plan import Binding, Neighbours
from shared.core.records import Lookup, PersonRecord, PersonTable, RecordKey


@dataclass(frozen=True, slots=True)
class Stay:
    """The binding says where the record belongs."""


@dataclass(frozen=True, slots=True)
class Join:
    """The record belongs to another contact than the one it was looked up under. `heir_of` is the lead it replaces."""

    external_id: str
    heir_of: RecordKey | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The record's new address cannot be written to its contact: let go of it first, then look again."""


Identity = Stay | Join | Leave


@dataclass(frozen=True, slots=True)
class Directory:
    """What the ledger knows around some records: who has an address, and how their leads are bound."""

    contacts_by_address: Mapping[str, str]
    leads: Mapping[RecordKey, Binding]


def originating_lead(record: PersonRecord) -> RecordKey | None:
    """Return the lead that was qualified into this contact (CS-29)."""
    lead = record.values.get(ORIGINATING_LEAD)
    return RecordKey(PersonTable.LEAD, lead.id) if isinstance(lead, Lookup) else None


def identify(
    record: PersonRecord, binding: Binding, address: str, neighbours: Neighbours, directory: Directory
) -> Identity:
    """Decide; `address` is the fingerprint of the record's e-mail address, `neighbours` the contact's other users."""
    owner = directory.contacts_by_address.get(address)
    if binding.is_live:
        moves = address != binding.address
        taken = owner is not None and owner != binding.external_id
        return Leave() if moves and (taken or neighbours.keys) else Stay()
    lead = originating_lead(record)
    heritage = directory.leads.get(lead) if lead is not None else None
    if heritage is not None and heritage.is_live:
        target, heir_of = heritage.external_id, lead
    elif owner is not None:
        target, heir_of = owner, None
    elif neighbours.keys:  # the id it was looked up under is in use by records with another address
        target, heir_of = str(uuid5(record.key.id, address)), None
    else:
        target, heir_of = binding.external_id, None
    return Stay() if target == binding.external_id else Join(target, heir_of)


def binding_after_joining(external_id: str, siblings: Mapping[RecordKey, Binding]) -> Binding:
    """Start from what another user of the contact agreed on, so that only differences are written."""
    for binding in siblings.values():
        if binding.is_live and binding.external_id == external_id:
            return binding
    return Binding(external_id)
