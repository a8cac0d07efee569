"""Very many records of one call are handled in two parts side by side: while one waits, the other one computes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from shared.dispatch.work import parts_of
from shared.domain.records.marketing_contact import ContactWrite, WriteResult
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, Reference, Why
from shared.errors import TransientError
from shared.ports import background
from shared.ports.background import side_by_side, take_turns
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.programs.times import LONGEST_WAIT


async def test_very_many_records_are_read_in_two_parts_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part fills its bulk calls, so that two parts make no more of them than one."""
    twin = ConnectorTwin()
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(301)]
    both, read, sizes = asyncio.Barrier(2), twin.crm.read_people, []

    async def read_beside(keys: Sequence[RecordKey]) -> Mapping[RecordKey, PersonRecord]:
        sizes.append(len(keys))
        async with asyncio.timeout(LONGEST_WAIT):
            await both.wait()
        return await read(keys)

    monkeypatch.setattr(twin.crm, "read_people", read_beside)
    await twin.lanes.send_references(QueueName.LIVE, [Reference(one, Why.SAVED) for one in people])

    await twin.receive(twin.queue.due())

    assert sorted(sizes) == [101, 200]
    assert twin.platform.calls["insert"] == 4
    assert len(twin.platform.contacts) == 301
    assert twin.queue.waiting == []


async def test_of_two_new_records_with_one_address_in_different_parts_one_waits_a_moment_for_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = ConnectorTwin()
    insert = twin.platform.insert

    async def insert_late(contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """Answer the call about the address of both when the other record has been put off."""
        if any("p0@example.com" in one.properties.values() for one in contacts):
            async with asyncio.timeout(LONGEST_WAIT):
                while all(one.due <= twin.clock.now() for one in twin.queue.waiting):  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0)
        return await insert(contacts)

    monkeypatch.setattr(twin.platform, "insert", insert_late)
    addresses = [*(f"p{number}@example.com" for number in range(299)), "p0@example.com"]
    people = [twin.crm.create(**person(emailaddress1=one)) for one in addresses]
    await twin.lanes.send_references(QueueName.LIVE, [Reference(one, Why.SAVED) for one in people])

    await twin.receive(twin.queue.due())

    (waiting,) = twin.queue.waiting
    assert waiting.due - twin.clock.now() <= timedelta(seconds=3)
    await twin.quiet()
    assert {twin.status_of(one)[0] for one in people} == {"Succeeded"}
    assert len(twin.users()[twin.contact_of("p0@example.com").external_id]) == 2


async def test_a_later_part_computes_while_those_before_it_wait_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_SLICE", 0.0)
    answer, computed = asyncio.Event(), []

    async def compute(part: str) -> None:
        for _ in range(3):
            computed.append(part)
            await take_turns()

    async def first() -> None:
        await compute("first")
        await answer.wait()
        await compute("first, answered")

    async def second() -> None:
        await compute("second")
        answer.set()
        await compute("second, too")

    await side_by_side([first, second])

    assert [part for part in computed if part.startswith("first")] == ["first"] * 3 + ["first, answered"] * 3
    assert computed[:4] == ["first", "second", "first", "first"]
    assert computed[4:] == ["second", "second", "second, too", *["first, answered"] * 3, "second, too", "second, too"]


async def test_a_part_that_fails_ends_no_other_part() -> None:
    ended = []

    async def fails() -> None:
        raise TransientError("down")

    async def works() -> None:
        await asyncio.sleep(0)
        ended.append("works")

    with pytest.raises(TransientError):
        await side_by_side([fails, works])

    assert ended == ["works"]


def test_references_to_one_record_stay_in_one_part_and_in_their_order() -> None:
    saves = [Reference(RecordKey(PersonTable.CONTACT, UUID(int=number % 300)), Why.SAVED) for number in range(600)]

    first, second = parts_of(saves)

    assert len(first) == 400
    assert {one.key for one in first}.isdisjoint(one.key for one in second)
    assert first == [one for one in saves if one in first]
    assert parts_of(saves[:299]) == [saves[:299]]
