"""What the tests of comparisons share: records with contacts, nights, and counts of calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.domain.records.records import RecordKey
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.twins import TwinContact

DAY = timedelta(days=1)


async def bound(twin: ConnectorTwin, count: int, *, apart: timedelta = timedelta()) -> list[RecordKey]:
    """Create so many records with a contact, one after the other."""
    keys = []
    for number in range(count):
        keys.append(twin.crm.create(**person(emailaddress1=f"p{number}@example.com")))
        if apart:
            await twin.sync(keys[-1])
            twin.clock.advance(apart)
    await twin.sync(*keys)
    await twin.poll()
    twin.clock.advance(DAY)
    await twin.poll()
    return keys


def unseen(contact: TwinContact, **values: Any) -> None:
    """Edit a contact so that no feed of changes shows it."""
    contact.values.update(values)


async def night(twin: ConnectorTwin) -> dict[str, Any]:
    """Let a night pass; returns what health reports of the account's comparison."""
    await twin.reconciliation.begin()
    await twin.quiet()
    twin.clock.advance(DAY)
    account: dict[str, Any] = (await twin.comparison.state())["account"]
    return account


def calls(twin: ConnectorTwin) -> int:
    return sum(count for name, count in twin.platform.calls.items() if name in {"updates", "bounces", "contact"})


async def one_step(twin: ConnectorTwin) -> None:
    """Let the bulk lane handle one message."""
    due = [one for one in twin.queue.due() if one.lane is QueueName.BULK]
    await twin.receive(due[:1])
