"""Spotler is read before it is written (C-11, C-12, decision 18): what that costs, and what it finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.records.records import RecordKey, SyncStatus, Why
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person

MANY = 30


async def known(count: int) -> tuple[ConnectorTwin, list[RecordKey]]:
    """People whom both sides agree on, at the end of a poll."""
    twin = ConnectorTwin()
    keys = [
        twin.crm.create(**person(emailaddress1=f"p{number}@example.com", permissions={"Newsletter": True}))
        for number in range(count)
    ]
    await twin.sync(*keys)
    await twin.poll()
    twin.platform.calls.clear()
    return twin, keys


def move(twin: ConnectorTwin, keys: list[RecordKey]) -> None:
    for key in keys:
        twin.crm.edit(key, address1_city="Gouda")


async def test_a_single_save_reads_the_contact_and_writes_it() -> None:
    twin, keys = await known(1)
    move(twin, keys)

    await twin.look(*keys)

    assert dict(twin.platform.calls) == {"contact": 1, "upsert": 1}


async def test_a_batch_asks_the_feed_once_and_offers_whole_contacts_to_those_that_are_gone() -> None:
    twin, keys = await known(MANY)
    move(twin, keys)

    await twin.look(*keys)

    assert twin.platform.calls["contact"] == 0
    assert twin.platform.calls["updates"] <= 1
    assert twin.platform.calls["insert"] <= 1
    assert twin.platform.calls["upsert"] == 1


@pytest.mark.parametrize("count", [1, MANY])
async def test_a_contact_that_opted_out_since_the_last_poll_is_not_written(count: int) -> None:
    twin, keys = await known(count)
    out = twin.contact_of("p0@example.com")
    twin.platform.opt_out(out)
    move(twin, keys)

    await twin.look(*keys)

    assert "city" not in out.values
    assert twin.status_of(keys[0])[0] == SyncStatus.OPT_OUT
    assert twin.crm.people[keys[0]].values["donotbulkemail"] is True
    assert {twin.status_of(key)[0] for key in keys[1:]} <= {SyncStatus.SUCCEEDED}


@pytest.mark.parametrize("count", [1, MANY])
async def test_a_contact_with_a_withdrawal_since_the_last_poll_is_merged_first(count: int) -> None:
    twin, keys = await known(count)
    contact = twin.contact_of("p0@example.com")
    twin.platform.edit(contact, options={NEWSLETTER: False})
    move(twin, keys)

    await twin.look(*keys)

    assert contact.options[NEWSLETTER] is False
    assert contact.values["city"] == "Gouda"
    assert [row.subscribed for row in twin.crm.people[keys[0]].permissions] == [False]


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("why", [Why.SAVED, Why.JOB, Why.RESYNC, Why.RECONCILE])
async def test_a_contact_that_was_erased_in_spotler_is_made_anew_in_full(count: int, why: Why) -> None:
    twin, keys = await known(count)
    twin.platform.contacts.remove(twin.contact_of("p0@example.com"))
    if why is Why.SAVED:
        move(twin, keys)

    await twin.look(*keys, why=why)
    await twin.poll()

    contact = twin.contact_of("p0@example.com")
    assert (contact.values["firstName"], contact.options[NEWSLETTER]) == ("Ann", True)
    assert [row.subscribed for row in twin.crm.people[keys[0]].permissions] == [True]


async def test_batches_ask_only_for_what_is_newer_than_the_last_answer() -> None:
    twin, keys = await known(MANY)
    twin.platform.edit(twin.contact_of("p0@example.com"), firstName="Anna")
    for half in (keys[: MANY // 2], keys[MANY // 2 :]):
        move(twin, half)
        await twin.look(*half)

    assert twin.platform.calls["updates"] <= 3
    assert twin.platform.calls["contact"] <= 1


@pytest.mark.parametrize("polls", [0, 1], ids=["before the first poll", "since the last poll"])
async def test_a_contact_that_bounced_is_told_as_bounced_and_not_as_opted_out(polls: int) -> None:  # C-12, BNC-01
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    for _ in range(polls):
        await twin.poll()
    twin.clock.advance(timedelta(minutes=1))
    twin.platform.bounce(twin.contact_of("ann@example.com"))
    twin.clock.advance(timedelta(hours=1))
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ann)

    assert twin.status_of(ann) == ("Failed", "hard-bounce")
