"""Before a contact is erased for good: who else uses its address without being bound to it yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.core.addresses import address_key
from shared.core.mapping.model import EMAIL
from shared.core.records import RecordKey
from shared.ports import Crm, MarketingPlatform


async def others_using(
    doomed: Sequence[tuple[RecordKey, str, str]], crm: Crm, platform: MarketingPlatform
) -> dict[RecordKey, Sequence[RecordKey]]:
    """For each (record, external id, address): the other active records with that address.

    Where the record cannot tell the address any more (it was deleted, or has a new one), Spotler is asked for it.
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
