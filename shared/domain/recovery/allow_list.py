"""The allow-list: who may be written in the platform while a connector is tried out. Nobody else is, by any plan.

A refusal of somebody outside the list is not sent either: the record holds it, and it travels when the connector goes
live, as every record is compared then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.decisions import Anonymize, FetchContact, Plan, Rest, Write
from shared.domain.planning.plan_input import BaseState, Fetched, PlanInput
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import Intent
from shared.domain.values.addresses import address_key
from shared.domain.values.values import is_email

_PROBE = "somebody"


@dataclass(frozen=True, slots=True)
class AllowList:
    """Fingerprints of addresses, and domains with their `@` (`address_key`). A domain does not include its subdomains.

    Addresses are people's, so the state has their fingerprints alone.
    """

    fingerprints: Fingerprinter
    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str], fingerprints: Fingerprinter) -> Self:
        """Read addresses and domains (`@example.com`); ValueError if one entry is neither, or if there is none."""
        keys = {address_key(entry) for entry in entries if entry.strip()}
        if not keys or not all(is_email(f"{_PROBE}{key}" if key.startswith("@") else key) for key in keys):
            raise ValueError
        domains = {key for key in keys if key.startswith("@")}
        return cls(fingerprints, frozenset(map(fingerprints.address, keys - domains)), frozenset(domains))

    def admits(self, email: str) -> bool:
        """Whether a contact with this address may be written."""
        key = address_key(email)
        return key[key.rfind("@") :] in self.domains or self.fingerprints.address(key) in self.addresses

    def admits_contact(self, contact: MarketingContact) -> bool:
        """Whether a contact may be written by the address that it has now; without one nobody knows whose it is."""
        return self.admits(str(contact.properties.get(EMAIL) or ""))


def within(allowed: AllowList | None, planned: Plan, plan_input: PlanInput, email: str) -> Plan:
    """Return the plan if it writes to a contact whose address is allowed, else one that writes nothing.

    `email` is the record's own address, empty if it has none. The contact may have another one: that of a deleted
    record, or of one whose address was changed. Then the contact must be read first.
    """
    if allowed is None or not _writes(planned) or _is_new(plan_input):
        return planned
    if allowed.admits(email) and allowed.fingerprints.address(email) == plan_input.binding.address:
        return planned
    match plan_input.fetched:
        case Fetched.NO:
            return FetchContact(plan_input.binding)
        case Fetched.YES if plan_input.contact is None or allowed.admits_contact(plan_input.contact):
            return planned
        case _:
            return left_alone(plan_input)


def left_alone(plan_input: PlanInput) -> Rest:
    """Leave a contact alone that is not on the list; what it differs in is merged when it may be written."""
    result = Result.SKIPPED if plan_input.intent is Intent.SYNC else Result.FAILED
    binding = plan_input.binding
    return Rest(replace(binding, is_stale=binding.is_stale or binding.is_live), result, Reason.NOT_ALLOWED)


def _writes(planned: Plan) -> bool:
    match planned:
        case Write() | Anonymize():
            return True
        case Rest():
            return bool(planned.refused) or planned.if_absent is not None
        case FetchContact():
            return False


def _is_new(plan_input: PlanInput) -> bool:
    """Whether the record has no contact yet: it gets one with its own address, which the conditions have checked."""
    is_known = plan_input.binding.is_live or plan_input.base_state is BaseState.NOTHING
    return plan_input.intent is Intent.SYNC and not is_known
