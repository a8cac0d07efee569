"""Contacts that people made or opened again in Spotler: what their addresses had refused is lifted (P-02, OPT-09)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.consent.changes import ConsentSource
from shared.domain.consent.suppression import ALL_PERMISSIONS, AddressRefusal
from shared.domain.features.subscriber_import import email_of
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import Reference, Why
from shared.domain.values.fields import enabled_options, option_name
from shared.engine.refusals.suppression_list import SuppressionList
from shared.ports.dataverse import Crm


@dataclass(frozen=True, slots=True)
class Returns:
    """Finds returned people in a page of contacts that no record uses."""

    suppressions: SuppressionList
    crm: Crm
    rules: Rules

    async def of(self, contacts: Sequence[MarketingContact]) -> list[Reference]:
        """Lift what was refused before a contact last changed, and name the records with its address.

        A form, or a colleague who added the address, made or opened each contact that can be mailed and that no record
        uses. Raises ConnectorErrors.
        """
        acting = {
            self.rules.fingerprints.address(email): (email, contact)
            for contact in contacts
            if (email := email_of(contact)) and not contact.is_unreachable
        }
        correlations: dict[str, str] = {}
        for address, known in (await self.suppressions.at(acting)).items() if acting else ():
            email, contact = acting[address]
            refused = {one.subject for one in known.refusals if one.is_active and _overtakes(contact, one)}
            if refused:
                await self.suppressions.lift(address, refused - _still_off(contact), ConsentSource.FORM)
                correlations[email] = correlation_of(contact)
        people = await self.crm.people_using(sorted(correlations)) if correlations else {}
        return [Reference(key, Why.PLATFORM, correlations[email]) for email, keys in people.items() for key in keys]


def record_id_of(contact: MarketingContact) -> UUID | None:
    """Return the record id in an external id; None if that is empty or no GUID (S2D-09)."""
    try:
        return UUID(contact.external_id)
    except ValueError:
        return None


def correlation_of(contact: MarketingContact) -> str:
    """Return the same text for the same state of a contact. It holds ids that identify no person."""
    at = contact.last_changed.isoformat(timespec="milliseconds") if contact.last_changed else "unknown"
    return f"spotler-{contact.encrypted_id or record_id_of(contact) or 'contact'}-{at}"


def _overtakes(contact: MarketingContact, refusal: AddressRefusal) -> bool:
    """Whether the contact shows a later act of the person.

    An older contact that gives no permission was edited by a colleague: that lifts no refusal of all permissions.
    """
    if refusal.subject in ALL_PERMISSIONS and not enabled_options(contact):
        return _is_later(contact.created, refusal.at)
    return _is_later(contact.last_changed, refusal.at)


def _is_later(moment: datetime | None, than: datetime) -> bool:
    return moment is not None and moment > than


def _still_off(contact: MarketingContact) -> set[str]:
    """Name the permissions that are off in a contact: a sign-up says nothing about those."""
    return {
        option_name(name, option.bit)
        for name, value in contact.properties.items()
        if isinstance(value, tuple)
        for option in value
        if not option.enabled
    }
