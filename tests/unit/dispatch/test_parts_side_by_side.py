"""Very many records of one call are handled in two parts side by side: while one waits, the other one computes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from shared.dispatch.work import parts_of
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, Reference, Why
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person


async def test_very_many_records_are_read_in_two_parts_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part fills its bulk calls, so that two parts make no more of them than one."""
    twin = ConnectorTwin()
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(301)]
    both, read, sizes = asyncio.Barrier(2), twin.crm.read_people, []

    async def read_beside(keys: Sequence[RecordKey]) -> Mapping[RecordKey, PersonRecord]:
        sizes.append(len(keys))
        async with asyncio.timeout(10):
            await both.wait()
        return await read(keys)

    monkeypatch.setattr(twin.crm, "read_people", read_beside)
    await twin.lanes.send_references(QueueName.LIVE, [Reference(one, Why.SAVED) for one in people])

    await twin.receive(twin.queue.due())

    assert sorted(sizes) == [101, 200]
    assert twin.platform.calls["insert"] == 4
    assert len(twin.platform.contacts) == 301
    assert twin.queue.waiting == []


async def test_of_two_new_records_with_one_address_in_different_parts_one_waits_a_moment_for_the_other() -> None:
    twin = ConnectorTwin()
    addresses = [*(f"p{number}@example.com" for number in range(299)), "p0@example.com"]
    people = [twin.crm.create(**person(emailaddress1=one)) for one in addresses]
    await twin.lanes.send_references(QueueName.LIVE, [Reference(one, Why.SAVED) for one in people])

    await twin.receive(twin.queue.due())

    (waiting,) = twin.queue.waiting
    assert waiting.due - twin.clock.now() <= timedelta(seconds=3)
    await twin.quiet()
    assert {twin.status_of(one)[0] for one in people} == {"Succeeded"}
    assert len(twin.users()[twin.contact_of("p0@example.com").external_id]) == 2


def test_references_to_one_record_stay_in_one_part_and_in_their_order() -> None:
    saves = [Reference(RecordKey(PersonTable.CONTACT, UUID(int=number % 300)), Why.SAVED) for number in range(600)]

    first, second = parts_of(saves)

    assert len(first) == 400
    assert {one.key for one in first}.isdisjoint(one.key for one in second)
    assert first == [one for one in saves if one in first]
    assert parts_of(saves[:299]) == [saves[:299]]
