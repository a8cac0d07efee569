"""With an allow-list, only chosen addresses are written in Spotler; going live loses nothing of the meantime."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.dispatch.work import Work
from shared.domain.records.jobs import Operation
from shared.domain.records.marketing_contact import ContactWrite, Purge
from shared.domain.records.records import Intent, RecordKey, SyncStatus
from shared.domain.recovery.allow_list import AllowList
from shared.engine.guards.allow_list import AllowListGuard, AllowListPlatform
from shared.errors import DataError
from shared.messages.list_messages import ListMembers
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import subscribed, two_way
from tests.unit.lists.list_acts import people, sync
from tests.unit.operations.job_acts import FAILED, end, run

OUTSIDER = "bob@elsewhere.example"
LISTED = AllowList.of(["@example.com", "carol@elsewhere.example"], RULES.fingerprints)


def held(twin: ConnectorTwin, allowed: AllowList | None = LISTED) -> None:
    """Choose the mode: with an allow-list, or live."""
    twin.rules = replace(twin.rules, allow_list=allowed)
    twin.worker = twin.start_worker()


async def go_live(twin: ConnectorTwin) -> None:
    """As the console does: compare every record on both sides."""
    twin.clock.advance(timedelta(hours=1))
    held(twin, None)
    await twin.reconciliation.begin()
    await twin.quiet()


async def in_spotler(**values: Any) -> tuple[ConnectorTwin, RecordKey]:
    """An outsider who was in Spotler before the list was chosen."""
    twin = ConnectorTwin(two_way())
    bob = twin.crm.create(**person(emailaddress1=OUTSIDER, permissions={"Newsletter": True}, **values))
    await twin.sync(bob)
    await twin.poll()
    held(twin)
    return twin, bob


@pytest.mark.parametrize(
    ("address", "is_admitted"),
    [
        ("ann@example.com", True),
        (" Ann@EXAMPLE.com", True),
        ("carol@elsewhere.example", True),
        (OUTSIDER, False),
        ("ann@mail.example.com", False),
        ("ann@notexample.com", False),
        ("", False),
    ],
)
def test_an_address_is_admitted_by_itself_or_by_its_domain(address: str, *, is_admitted: bool) -> None:
    assert LISTED.admits(address) is is_admitted


@pytest.mark.parametrize("entries", [["example.com"], ["ann@"], ["@"], [], [" "], ["@example.com", "nonsense"]])
def test_an_entry_that_is_neither_an_address_nor_a_domain_is_refused(entries: list[str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the entries themselves are the text
        AllowList.of(entries, RULES.fingerprints)


async def test_only_people_on_the_list_are_written_and_the_others_end_with_a_reason() -> None:
    twin = ConnectorTwin(two_way())
    held(twin)
    ann, bob = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1=OUTSIDER))

    await twin.sync(ann, bob)

    assert [len(twin.platform.having(one)) for one in ("ann@example.com", OUTSIDER)] == [1, 0]
    assert twin.status_of(bob) == (SyncStatus.SUCCEEDED, "not-on-allow-list")
    await go_live(twin)
    assert twin.platform.having(OUTSIDER)


@pytest.mark.parametrize("change", [{"donotbulkemail": True}, {"donotemail": True}, {"firstname": "Robert"}])
async def test_a_change_of_somebody_outside_waits_until_the_connector_is_live(change: dict[str, Any]) -> None:
    twin, bob = await in_spotler()
    before = len(twin.platform.writes)
    twin.crm.edit(bob, **change)

    await twin.sync(bob)

    assert len(twin.platform.writes) == before
    assert twin.contact_of(OUTSIDER).options[NEWSLETTER] is True
    await go_live(twin)
    contacts = twin.platform.having(OUTSIDER)
    assert (
        (not contacts)
        if "donotemail" in change
        else (
            contacts[0].options[NEWSLETTER] is ("donotbulkemail" not in change)
            and contacts[0].values["firstName"] == change.get("firstname", "Ann")
        )
    )


async def test_an_opt_out_in_spotler_of_somebody_outside_reaches_dataverse_when_the_connector_is_live() -> None:
    twin, bob = await in_spotler()
    twin.platform.edit(twin.contact_of(OUTSIDER), options={NEWSLETTER: False})
    await twin.poll()
    assert subscribed(twin, bob)["Newsletter"] is True

    await go_live(twin)

    assert subscribed(twin, bob)["Newsletter"] is False
    assert twin.contact_of(OUTSIDER).options[NEWSLETTER] is False


async def test_somebody_outside_who_is_deleted_is_erased_when_the_connector_is_live() -> None:
    twin, bob = await in_spotler()
    twin.crm.delete(bob)
    await twin.sync(bob)
    assert twin.platform.having(OUTSIDER)

    await go_live(twin)

    assert not twin.platform.having(OUTSIDER)


async def test_a_deleted_person_on_the_list_is_erased() -> None:
    twin = ConnectorTwin()
    held(twin)
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.delete(ann)

    await twin.sync(ann)

    assert not twin.platform.having("ann@example.com")


async def test_a_record_that_comes_to_a_listed_address_does_not_take_an_outsiders_contact_along() -> None:
    twin, bob = await in_spotler()
    twin.crm.edit(bob, emailaddress1="bob@example.com")

    await twin.sync(bob)

    assert twin.contact_of(OUTSIDER).options[NEWSLETTER] is True
    assert twin.status_of(bob)[1] == "not-on-allow-list"
    await go_live(twin)
    assert twin.platform.having("bob@example.com")


@pytest.mark.parametrize("intent", [Intent.ANONYMIZE, Intent.PURGE])
async def test_a_job_does_not_end_a_contact_outside_the_list(intent: Intent) -> None:
    twin, bob = await in_spotler()

    outcome = (await twin.look(bob, intent=intent))[bob].outcome

    assert (outcome.result, outcome.reason) == ("failed", "not-on-allow-list")
    assert twin.contact_of(OUTSIDER).values["firstName"] == "Ann"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        (Operation.ADD_TAG, {"parameter_name": "Lead"}),
        (Operation.REMOVE_TAG, {"parameter_name": "Lead"}),
        (Operation.DEACTIVATE_CONTACT, {}),
    ],
)
async def test_jobs_change_nobody_outside_the_list(operation: Operation, parameters: dict[str, str]) -> None:
    twin, bob = await in_spotler()

    job = await run(twin, operation, bob, **parameters)

    assert end(twin, job)[:2] == (FAILED, "not-on-allow-list")
    assert twin.contact_of(OUTSIDER).scores == {}
    assert not twin.contact_of(OUTSIDER).is_inactive


async def test_the_guard_refuses_a_write_that_no_plan_should_make() -> None:
    twin, bob = await in_spotler()
    external_id = str(bob.id)
    port = AllowListPlatform(twin.platform, AllowListGuard(LISTED, twin.platform))
    before = len(twin.platform.writes)

    with pytest.raises(DataError):
        await port.upsert([ContactWrite(external_id, {"firstName": "Robert"})], purge=Purge.KEEP)
    with pytest.raises(DataError):
        await port.insert([ContactWrite("new", {"email": OUTSIDER})])
    with pytest.raises(DataError):
        await port.anonymize(external_id)

    assert len(twin.platform.writes) == before


async def test_lists_wait_until_the_connector_is_live() -> None:
    twin = ConnectorTwin()
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    held(twin)

    assert (await sync(twin, fans))[:2] == (FAILED, "not-on-allow-list")
    message = ListMembers(list=fans, members=tuple(key.id for key in twin.crm.people))
    await twin.worker.dispatch(Work.asked_by(message), lane=QueueName.LIVE)
    (waiting,) = twin.queue.waiting
    assert waiting.due - twin.clock.now() == timedelta(hours=1)
