"""Finds the contact of a record: by its binding, else by the lead it was qualified from, else by its address.

The platform has one contact per e-mail address (DUP-01..DUP-03), so records with the same address share a contact.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState, SharingRecords


@dataclass(frozen=True, slots=True)
class Stay:
    """The record keeps the contact of its binding."""


@dataclass(frozen=True, slots=True)
class Join:
    """The record belongs to another contact than the one of its look-up."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The contact cannot get the record's new address: let go of the contact, then look up the record again."""


@dataclass(frozen=True, slots=True)
class LeaveContact:
    """The record needs a contact of its own: records with another address use the contact of its look-up."""


Identity = Stay | Join | Leave | LeaveContact


def identify(
    binding: Binding, address: str, *, base_state: BaseState, sharing_records: SharingRecords, owner: str | None
) -> Identity:
    """Decide for a record that may have a contact.

    `address` is the fingerprint of its e-mail address and `owner` the contact with this address, if there is one.
    `sharing_records` are the other users of the binding's contact, and `base_state` is the state of that contact.
    """
    if binding.is_live:
        has_moved = address != binding.address
        is_taken = owner is not None and owner != binding.external_id
        return Leave() if has_moved and (is_taken or sharing_records.keys) else Stay()
    if owner is None:
        return LeaveContact() if sharing_records.keys else Stay()
    if owner == binding.external_id:  # its own, once: others may have found it under this id meanwhile
        return Join(owner) if sharing_records.keys else Stay()
    was_perhaps_created = base_state is BaseState.NOTHING and not sharing_records.keys
    return Leave() if was_perhaps_created else Join(owner)


def binding_after_joining(external_id: str, others: Iterable[Binding]) -> Binding:
    """Return the binding of a record that joins an existing contact, without any agreement of its own.

    The base of another user does not count for this record: its values are no edits of the other record's values, and
    permission rows that it never had were not deleted.
    """
    known = next((one for one in others if one.uses(external_id)), None)
    if known is None:
        return Binding(external_id)
    return Binding(external_id, is_live=True, address=known.address, since=known.since, mail_status=known.mail_status)
