"""Before a contact is erased for good: the records that use its address without being bound to it yet."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import email_of
from shared.domain.planning.decisions import Anonymize
from shared.domain.planning.rules import Rules
from shared.domain.records.records import Intent, RecordKey, Reference, Why
from shared.domain.values.addresses import address_key
from shared.engine.bindings.ledger import Ledger
from shared.engine.record_context import PassResult, Planned, RecordContext
from shared.engine.work_items import WorkItem
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform


async def others_using(
    doomed: Sequence[tuple[RecordKey, str, str]], crm: Crm, platform: MarketingPlatform
) -> dict[RecordKey, Sequence[RecordKey]]:
    """For each (record, external id, address): the other active records with that address.

    If the record no longer has the address (it was deleted, or has a new one), the address is read from Spotler.
    """
    if not doomed:
        return {}
    addresses = await asyncio.gather(*(_address(external_id, email, platform) for _, external_id, email in doomed))
    users = await crm.people_using(sorted({address for address in addresses if address}))
    users_of = {address_key(email): keys for email, keys in users.items()}
    return {
        key: [other for other in users_of.get(address_key(address), ()) if other != key]
        for (key, _, _), address in zip(doomed, addresses, strict=True)
    }


async def _address(external_id: str, email: str, platform: MarketingPlatform) -> str:
    if email:
        return email
    contact = await platform.contact(external_id)
    return str(contact.properties.get(EMAIL) or "") if contact else ""


@dataclass(frozen=True, slots=True)
class AddressUsers:
    """Makes erasures wait for records that need the contact."""

    crm: Crm
    platform: MarketingPlatform
    ledger: Ledger
    rules: Rules

    async def defer(self, planned: Planned) -> Planned:
        """Before erasing, read the active records of Dataverse with that address that have no other contact.

        The next pass processes them first; the erasure waits until they are bound (and then keeps the contact for them)
        or cannot be.
        """
        doomed = [context for context in planned.contexts if isinstance(planned.plans[context.key], Anonymize)]
        others = await others_using(
            [(context.key, context.held.external_id, self._email(context)) for context in doomed],
            self.crm,
            self.platform,
        )
        entries = await self.ledger.entries({key for keys in others.values() for key in keys})
        waits: dict[RecordKey, set[RecordKey]] = {}
        retries: list[WorkItem] = []
        for context in sorted(doomed, key=lambda one: one.key, reverse=True):
            bindings = {
                key: binding
                for key in others[context.key]
                if not _waits_already(key, binding := entries[key].binding, context)
            }
            needing = {key for key, one in bindings.items() if not one.is_live or one.uses(context.held.external_id)}
            needing |= await self._leaving({key: bindings[key] for key in bindings.keys() - needing}, context.origin)
            # Records that wait for each other in a circle would never go.
            needing = {key for key in needing if not _leads_to(context.key, key, waits)}
            if needing:
                waits[context.key] = needing
                retries += [_reconciling(key, context.item) for key in sorted(needing)]
                retries.append(replace(context.item, awaits=context.item.awaits | needing))
        return planned.without(waits, PassResult(retries=tuple(retries), has_progressed=bool(waits)))

    async def _leaving(self, bindings: Mapping[RecordKey, Binding], doomed: Binding) -> set[RecordKey]:
        """Name records that cannot take their own contact along to the address of one that is about to be erased."""
        moving = {key: one.external_id for key, one in bindings.items() if one.address != doomed.address}
        users = await self.ledger.users_of_each(set(moving.values())) if moving else {}
        return {key for key, external_id in moving.items() if len(users[external_id]) > 1}

    def _email(self, context: RecordContext) -> str:
        """Return the address that Spotler has, if it is still the record's; empty otherwise."""
        if context.record is None:
            return ""
        email = email_of(context.record, self.rules.mapping.for_table(context.key.table))
        return email if self.rules.fingerprints.address(email) == context.origin.address else ""


def _waits_already(key: RecordKey, binding: Binding, context: RecordContext) -> bool:
    """Whether the erasure has waited for a record, or that record erases the same contact and waits for this one."""
    erases_the_same = key in context.item.awaited_by and binding.external_id == context.held.external_id
    return key in context.item.awaits or erases_the_same


def _reconciling(key: RecordKey, doomed: WorkItem) -> WorkItem:
    references = (Reference(key, Why.RECONCILE, doomed.correlation),)
    return WorkItem(key, Intent.SYNC, references, awaited_by=doomed.awaited_by | {doomed.key})


def _leads_to(goal: RecordKey, start: RecordKey, waits: Mapping[RecordKey, set[RecordKey]]) -> bool:
    """Whether `start` waits for `goal`, or for a record that does."""
    return goal in waits.get(start, ()) or any(_leads_to(goal, key, waits) for key in waits.get(start, ()))
