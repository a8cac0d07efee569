"""A worker that fails or dies at any moment: both sides agree in the end, and nobody loses a contact that is needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.errors import ConnectorError, ThrottledError, TransientError
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.examples import sample
from tests.twins import CrashError

MOMENTS = range(60)
"""More than a look has, at any of which a call may fail: before and after its effect."""

Change = Callable[[ConnectorTwin, RecordKey, RecordKey], set[str]]
"""What users do to two records that share a contact; returns the addresses that Spotler must know in the end."""


def delete_one(twin: ConnectorTwin, ann: RecordKey, _lead: RecordKey) -> set[str]:
    twin.crm.delete(ann)
    return {"ann@example.com"}


def delete_both(twin: ConnectorTwin, ann: RecordKey, lead: RecordKey) -> set[str]:
    twin.crm.delete(ann)
    twin.crm.delete(lead)
    return set()


def edit(twin: ConnectorTwin, ann: RecordKey, lead: RecordKey) -> set[str]:
    twin.crm.edit(ann, firstname="Same")
    twin.crm.edit(lead, firstname="Same")
    return {"ann@example.com"}


def split(twin: ConnectorTwin, ann: RecordKey, _lead: RecordKey) -> set[str]:
    twin.crm.edit(ann, emailaddress1="elsewhere@example.com")
    return {"ann@example.com", "elsewhere@example.com"}


def move_together(twin: ConnectorTwin, ann: RecordKey, lead: RecordKey) -> set[str]:
    twin.crm.edit(ann, emailaddress1="elsewhere@example.com")
    twin.crm.edit(lead, emailaddress1="elsewhere@example.com")
    return {"elsewhere@example.com"}


def refuse_mail(twin: ConnectorTwin, _ann: RecordKey, lead: RecordKey) -> set[str]:
    twin.crm.edit(lead, donotemail=True)
    return {"ann@example.com"}


def qualify(twin: ConnectorTwin, _ann: RecordKey, lead: RecordKey) -> set[str]:
    twin.crm.qualify(lead, emailaddress1="elsewhere@example.com")
    return {"ann@example.com", "elsewhere@example.com"}


CHANGES = (delete_one, delete_both, edit, split, move_together, refuse_mail, qualify)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("failure", "every"),
    [
        (CrashError, 3),
        (lambda: TransientError("down"), 5),
        (lambda: ThrottledError("busy", retry_after=timedelta(seconds=30)), 7),  # a failure like others, with a pause
    ],
    ids=["crash", "transient", "throttled"],
)
async def test_a_failure_at_any_moment_heals(change: Change, failure: Callable[[], BaseException], every: int) -> None:
    begun = ConnectorTwin(claim_time=timedelta(seconds=50))  # over when the message of a dead worker comes again
    ann = begun.crm.create(**person())
    lead = begun.crm.create(PersonTable.LEAD, **person(firstname="Annie"))
    await begun.sync(ann, lead)
    for moment in sample(MOMENTS, every=every, first=CHANGES.index(change)):
        twin = begun.copy()
        addresses = change(twin, ann, lead)
        keys = sorted({ann, lead, *twin.crm.people})
        await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED) for key in keys])
        twin.faults.plan(moment, failure())

        await twin.quiet()

        assert {contact.email for contact in twin.platform.contacts} == addresses, f"moment {moment}"
        for key, record in twin.crm.people.items():
            if record.values["statecode"] == 0 and not record.values.get("donotemail"):
                contact = twin.contact_of(record.values["emailaddress1"])
                assert str(key) in twin.users()[contact.external_id], f"moment {moment}"
        names = {str(record.values["firstname"]) for record in twin.crm.people.values()}
        assert {contact.values["firstName"] for contact in twin.platform.contacts} <= names, f"moment {moment}"
        if not twin.faults.planned:
            continue
        assert moment > 10, "the failure must have happened"
        return


Prepared = tuple[ConnectorTwin, RecordKey, RecordKey]


async def two_people() -> Prepared:
    """Ann, whom nobody has looked at yet, and Ben in Spotler."""
    twin = ConnectorTwin()
    ann, ben = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="ben@example.com", firstname="Ben"))
    await twin.sync(ben)
    twin.crm.edit(ann, emailaddress1="ben@example.com")
    return twin, ann, ben


async def dead_when(reached: Callable[[Prepared], Awaitable[bool]]) -> Prepared:
    """Let a worker that looks at Ann die at the first moment when something is so."""
    for moment in MOMENTS:
        prepared = await two_people()
        twin, ann, _ = prepared
        twin.faults.plan(moment, CrashError())
        with contextlib.suppress(CrashError):
            await twin.look(ann)
        twin.faults.planned.clear()
        twin.clock.advance(timedelta(minutes=3))
        if await reached(prepared):
            return prepared
    raise AssertionError("it was never so")


async def has_written(prepared: Prepared) -> bool:
    twin, _, _ = prepared
    return twin.contact_of("ben@example.com").values["firstName"] == "Ann"


async def is_bound_but_not_listed(prepared: Prepared) -> bool:
    twin, ann, ben = prepared
    (entry,) = (await twin.ledger.entries([ann])).values()
    return entry.binding.uses(str(ben.id)) and str(ann) not in twin.users()[str(ben.id)]


async def test_a_record_whose_worker_died_while_joining_leaves_the_contact_to_its_users() -> None:
    twin, ann, _ = await dead_when(has_written)
    twin.crm.edit(ann, emailaddress1="elsewhere@example.com")

    await twin.sync(ann)

    assert twin.contact_of("ben@example.com").values["firstName"] == "Ben"
    assert twin.contact_of("elsewhere@example.com").values["firstName"] == "Ann"


async def test_a_contact_is_kept_for_a_user_that_a_dead_worker_did_not_get_to_list() -> None:
    twin, _, ben = await dead_when(is_bound_but_not_listed)
    twin.crm.delete(ben)

    await twin.sync(ben)

    assert twin.platform.erased == []
    assert twin.contact_of("ben@example.com").values["firstName"] == "Ann"


@pytest.mark.parametrize("in_one_process", [True, False])
async def test_two_workers_at_once_write_a_contact_one_after_the_other(*, in_one_process: bool) -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(**person(firstname=f"Ann {number}")) for number in range(4)]
    twin.faults.interleaves = True
    first = twin.start_worker()
    second = first if in_one_process else twin.start_worker()
    for key in keys * 2:
        await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED)])
    due = twin.queue.due()

    await asyncio.gather(twin.receive(due[::2], first), twin.receive(due[1::2], second))
    await twin.quiet()

    (contact,) = twin.platform.contacts
    assert set(twin.users()[contact.external_id]) == {str(key) for key in keys}
    assert twin.claims() == []


async def test_a_service_that_is_down_leaves_no_claim_behind() -> None:
    for call in ("read_people", "upsert"):
        twin = ConnectorTwin()
        ann = twin.crm.create(**person())
        service = twin.crm if call == "read_people" else twin.platform
        service.broken[call] = TransientError("down")

        await twin.look(ann)

        assert twin.claims() == []
        service.broken.clear()
        await twin.quiet()
        assert twin.status_of(ann) == ("Succeeded", "created")


async def test_a_state_store_that_is_down_brings_the_whole_batch_back() -> None:
    twin = ConnectorTwin()
    ann, ben = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="ben@example.com"))
    twin.store.broken["read"] = TransientError("down")

    finished = await twin.look(ann, ben)

    assert {one.outcome.result for one in finished.values()} == {"waiting"}
    assert twin.platform.calls["upsert"] == 0


async def test_a_queue_that_is_down_is_told_to_the_host_so_that_nothing_is_lost() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["upsert"] = TransientError("down")
    twin.queue.broken["send"] = TransientError("down")

    with pytest.raises(ConnectorError):
        await twin.look(ann)


@pytest.mark.parametrize("failure", [CrashError, lambda: TransientError("down")], ids=["crash", "transient"])
async def test_a_deleted_and_re_entered_person_inherits_nothing_after_a_failure_at_any_moment(
    failure: Callable[[], BaseException],
) -> None:
    begun = ConnectorTwin(claim_time=timedelta(seconds=50))
    old = begun.crm.create(**person(permissions={"Newsletter": True}))
    await begun.sync(old)
    for moment in sample(MOMENTS, every=3, first=failure is CrashError):
        twin = begun.copy()
        twin.clock.advance(timedelta(seconds=1))
        twin.crm.delete(old)
        new = twin.crm.create(**person())
        await twin.lanes.send_references(QueueName.LIVE, [Reference(new, Why.SAVED)])
        twin.faults.plan(moment, failure())

        await twin.quiet()

        contact = twin.contact_of("ann@example.com")
        assert not contact.options.get("permissions:1"), f"moment {moment}"
        assert twin.users()[contact.external_id] == {str(new): "ok"}, f"moment {moment}"
        if not twin.faults.planned:
            continue
        assert moment > 10, "the failure must have happened"
        return
