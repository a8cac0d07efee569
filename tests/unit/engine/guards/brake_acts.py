"""What happens to many records at once, and what the brake says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.domain.records.records import PersonTable, RecordKey, SyncStatus
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person

LIMIT = 3
FAILED = (SyncStatus.FAILED, "mass-erasure")


async def crowd(twin: ConnectorTwin, size: int, **values: Any) -> list[RecordKey]:
    """People whom Spotler knows."""
    keys = [twin.crm.create(**person(emailaddress1=f"person{number}@example.com", **values)) for number in range(size)]
    await twin.sync(*keys)
    return keys


def deactivate(twin: ConnectorTwin, *keys: RecordKey) -> None:
    for key in keys:
        twin.crm.edit(key, statecode=1)


async def ended(twin: ConnectorTwin, size: int) -> list[RecordKey]:
    """People who were deactivated at once, and looked at."""
    people = await crowd(twin, size)
    deactivate(twin, *people)
    await twin.sync(*people)
    return people


async def night(twin: ConnectorTwin, *, after: timedelta = timedelta(days=1)) -> None:
    twin.clock.advance(after)
    await twin.reconciliation.begin()
    await twin.quiet()


async def resync(twin: ConnectorTwin) -> None:
    await twin.resync.table(PersonTable.CONTACT, QueueName.BULK, correlation="c-2")
    await twin.quiet()


def held(twin: ConnectorTwin, people: list[RecordKey]) -> list[RecordKey]:
    return [key for key in people if twin.crm.people[key].status is not None and twin.status_of(key) == FAILED]


async def erasures(twin: ConnectorTwin) -> dict[str, Any]:
    state: dict[str, Any] = (await twin.brake.state())["erasure"]
    return state


CHANGES = 2


async def subscribers(twin: ConnectorTwin, size: int = 5) -> list[RecordKey]:
    """People with a permission that both sides have agreed on."""
    people = await crowd(twin, size, permissions={"Newsletter": True})
    await twin.poll()
    return people


def subscribed(twin: ConnectorTwin) -> int:
    return [contact.options.get(NEWSLETTER) for contact in twin.platform.contacts].count(True)


async def remove_rows(twin: ConnectorTwin, *people: RecordKey) -> None:
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], permissions=())
