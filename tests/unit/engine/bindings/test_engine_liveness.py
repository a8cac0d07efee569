"""A batch that does not fit into its claims is done in smaller parts: slow services slow the connector, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.dispatch.work import Work
from shared.domain.records.jobs import Operation
from shared.domain.records.marketing_contact import ContactWrite, MarketingContact, WriteResult
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, Reference, Why
from shared.engine.bindings.claim_deadline import BatchSizer, TimeBudget, begin_part, spending
from shared.errors import TransientError
from shared.messages.lane_messages import Jobs, ReferenceBatch, Walk, read_lane_message
from shared.messages.list_messages import ListLook
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.contract.clocks import ManualClock

PEOPLE = 200
BULK = 100


class RunningClock(ManualClock):
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def slow_twin(*, call: timedelta, claim: timedelta = timedelta(seconds=3)) -> tuple[ConnectorTwin, list[RecordKey]]:
    """A Spotler that answers one call after the other, each in `call`, and many people of whom it has not heard."""
    twin = ConnectorTwin(claim_time=claim)
    twin.platform.before_write = lambda: twin.clock.advance(call)
    return twin, [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(PEOPLE)]


@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_a_batch_that_outlives_its_claims_comes_through_and_nobody_is_given_up(seconds: float) -> None:
    twin, keys = slow_twin(call=timedelta(seconds=seconds))

    await twin.sync(*keys)

    assert {one.email for one in twin.platform.contacts} == {f"{number}@example.com" for number in range(PEOPLE)}
    assert {twin.status_of(key)[1] for key in keys} <= {"created", "updated", "agreed"}
    assert twin.queue.dead == []
    assert twin.claims() == []
    assert twin.platform.calls["insert"] <= 5 * PEOPLE / BULK


async def test_items_that_do_not_fit_into_a_batch_come_back_at_once_and_count_as_no_attempt() -> None:
    twin, keys = slow_twin(call=timedelta(seconds=1))

    looks = [await twin.look(*keys) for _ in range(4)]

    assert {len(ended) for ended in looks} == {PEOPLE}
    later = [one for ended in looks for one in ended.values() if one.outcome.result is Result.WAITING]
    assert {one.outcome.reason for one in later} == {Reason.BUSY}
    assert {getattr(one.next, "attempt", None) for one in later} == {1}
    done = [sum(one.outcome.result is not Result.WAITING for one in ended.values()) for ended in looks]
    assert done[-1] >= BULK, "two halvings suffice"


async def test_one_record_that_outlives_its_claim_is_found_in_spotler_by_the_next_look() -> None:
    twin = ConnectorTwin(claim_time=timedelta(seconds=3))
    key = twin.crm.create(**person())
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(seconds=4))

    await twin.sync(key)

    assert twin.status_of(key)[1] == Reason.AGREED
    assert twin.platform.calls["insert"] == 1
    assert twin.queue.dead == []


async def test_a_batch_that_was_cut_into_parts_grows_again_when_services_are_quick_again() -> None:
    twin, keys = slow_twin(call=timedelta(seconds=1))
    await twin.sync(*keys)
    twin.platform.before_write = lambda: None
    calls = 0
    for round_number in range(5):
        for key in keys:
            twin.crm.edit(key, firstname=f"Ann {round_number}")
        before = twin.platform.calls["upsert"]
        await twin.sync(*keys)
        calls = twin.platform.calls["upsert"] - before

    assert calls == PEOPLE / BULK


async def test_no_call_goes_on_when_the_claims_have_run_out_whatever_it_waits_for() -> None:
    """A call waits for its turn, for the end of a pause, and for its repetition: in all longer than a claim is good."""
    twin = ConnectorTwin(claim_time=timedelta(seconds=0.5))
    twin.clock = RunningClock()
    twin.worker = twin.start_worker()
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(3)]
    ended: list[str] = []

    async def insert(contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("ended")
            raise
        raise AssertionError(f"{len(contacts)} contacts were written long after others had claimed them")

    twin.platform.insert = insert  # type: ignore[method-assign]
    began = datetime.now(UTC)
    finished = await twin.look(*keys)

    assert ended == ["ended"]
    assert datetime.now(UTC) - began < timedelta(seconds=3)
    assert {one.outcome.result for one in finished.values()} == {Result.WAITING}
    documents = [one.body for key, one in twin.store.documents.items() if key.partition == "test-contact"]
    assert all(body.get("doubt") or body.get("claim") for body in documents), "Spotler may have it all the same"


async def test_a_spotler_that_hangs_while_contacts_are_read_ends_the_round_within_its_claims() -> None:
    """Each contact in doubt is read by itself: many time-outs one after another would outlive claims and functions."""
    twin = ConnectorTwin(claim_time=timedelta(seconds=2))
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(3)]
    await twin.sync(*keys)
    twin.clock = RunningClock()
    twin.worker = twin.start_worker()

    async def contact(external_id: str) -> MarketingContact | None:
        await asyncio.sleep(60)
        raise AssertionError(f"{external_id} was waited for long after others had claimed it")

    twin.platform.contact = contact  # type: ignore[method-assign]
    began = datetime.now(UTC)
    finished = await twin.look(*keys, why=Why.PLATFORM)

    assert datetime.now(UTC) - began < timedelta(seconds=20)
    assert {one.outcome.reason for one in finished.values()} == {Reason.UNAVAILABLE}
    assert twin.claims() == []


async def test_while_spotler_is_down_contacts_in_doubt_are_not_asked_for_one_by_one() -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(PEOPLE)]
    await twin.sync(*keys)
    await twin.poll()
    twin.platform.broken = {"contact": TransientError("down")}
    asked = twin.platform.calls["contact"]

    finished = await twin.look(*keys, why=Why.PLATFORM)

    assert {one.outcome.reason for one in finished.values()} == {Reason.UNAVAILABLE}
    assert twin.platform.calls["contact"] - asked <= 4


# ------------------------------------------------------------------------------------- within the locks of the messages


def short_of_time(*, call: float, work_time: float, people: int = PEOPLE) -> tuple[ConnectorTwin, list[RecordKey]]:
    """Claims that suffice, locks that do not: each call of Spotler takes `call` seconds, parts begin in `work_time`."""
    twin = ConnectorTwin(claim_time=timedelta(seconds=60), work_time=timedelta(seconds=work_time))
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(seconds=call))
    return twin, [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(people)]


def put_back(twin: ConnectorTwin) -> list[Reference]:
    """The references that wait in the queue for later."""
    later = [one for one in twin.queue.waiting if one.due > twin.clock.now()]
    messages = [read_lane_message(one.message.body) for one in later]
    return [reference for one in messages if isinstance(one, ReferenceBatch) for reference in one.unfold()]


async def test_items_beyond_the_time_of_a_call_are_sent_again_and_count_as_no_attempt() -> None:
    twin, keys = short_of_time(call=0, work_time=20, people=700)
    await twin.sync(*keys)
    for key in keys:
        twin.crm.edit(key, firstname="Bea")
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(seconds=8))
    began = twin.clock.now()

    await twin.worker.dispatch(Work(people=[Reference(key, Why.SAVED, "c-1") for key in keys]), lane=QueueName.LIVE)

    assert twin.clock.now() - began <= timedelta(seconds=20) + twin.claim_time
    done = [one for one in twin.platform.contacts if one.values["firstName"] == "Bea"]
    waiting = put_back(twin)
    assert done
    assert waiting
    assert len(waiting) + len(done) == len(keys)
    assert {one.attempt for one in waiting} == {1}
    assert twin.queue.dead == []


@pytest.mark.parametrize("work_time", [0.0, 2.0])
async def test_batches_shrink_until_they_end_within_their_locks_and_everybody_comes_through(work_time: float) -> None:
    twin, keys = short_of_time(call=3, work_time=work_time)

    await twin.sync(*keys)
    for key in keys:
        twin.crm.edit(key, emailaddress1=f"new-{key.id}@example.com")  # in a shared contact this takes several passes
    await twin.sync(*keys)

    assert {one.email for one in twin.platform.contacts} == {f"new-{key.id}@example.com" for key in keys}
    assert twin.queue.dead == []
    assert twin.claims() == []


def test_parts_do_not_stay_small_where_a_round_takes_its_time_whatever_its_size() -> None:
    batch_sizer = BatchSizer(timedelta(seconds=2))
    for _ in range(12):
        batch_sizer.learn(records=batch_sizer.records, took=timedelta(seconds=3), ran_out=True)
    assert batch_sizer.records == 1
    for _ in range(12):
        batch_sizer.learn(records=batch_sizer.records, took=timedelta(seconds=1.5), ran_out=False)
    assert batch_sizer.records == 16


async def test_one_record_goes_through_all_its_rounds_however_late_it_is() -> None:
    twin = ConnectorTwin(claim_time=timedelta(seconds=60), work_time=timedelta())
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(seconds=5))
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.create(**person())  # an unbound record with the same address: the erasure awaits it, in further passes
    twin.crm.delete(ann)

    await twin.sync(ann)

    assert len(twin.platform.contacts) == 1
    assert twin.queue.dead == []
    assert twin.claims() == []


async def test_jobs_walks_and_lists_that_came_with_people_are_put_back_when_time_is_over() -> None:
    twin, keys = short_of_time(call=10, work_time=8, people=3)
    jobs = [twin.crm.order(Operation.SYNC_CONTACT, key) for key in keys]
    work = Work(
        people=[Reference(key, Why.SAVED, "c-1") for key in keys],
        jobs=[Jobs(jobs=jobs, correlation="c-2", attempt=3)],
        walks=[Walk(table=PersonTable.CONTACT, why=Why.RESYNC)],
        lists=[ListLook(list=uuid4())],
    )

    await twin.worker.dispatch(work, lane=QueueName.LIVE)

    waiting = [read_lane_message(one.message.body) for one in twin.queue.waiting]
    assert [one for one in waiting if not isinstance(one, ReferenceBatch)] == [*work.jobs, *work.walks, *work.lists]
    assert all(one.due > twin.clock.now() for one in twin.queue.waiting)
    await twin.quiet()
    assert {twin.crm.jobs[job].status for job in jobs} == {"Completed"}


async def test_a_call_without_people_does_at_least_one_of_its_messages() -> None:
    twin, keys = short_of_time(call=10, work_time=0, people=2)
    jobs = [twin.crm.order(Operation.SYNC_CONTACT, key) for key in keys]

    await twin.worker.dispatch(Work(jobs=[Jobs(jobs=jobs)], lists=[ListLook(list=uuid4())]), lane=QueueName.LIVE)

    assert {twin.crm.jobs[job].status for job in jobs} != {"Queued"}
    kinds = {read_lane_message(one.message.body).kind for one in twin.queue.waiting}
    assert kinds - {"references"} == {"list"}
    await twin.quiet()
    assert {twin.crm.jobs[job].status for job in jobs} == {"Completed"}


@pytest.mark.parametrize("position", [0, 5, 9])
async def test_a_record_that_breaks_the_connector_is_found_although_time_is_over(position: int) -> None:
    twin, keys = short_of_time(call=1, work_time=0, people=10)
    twin.crm.poisoned[keys[position]] = PersonRecord(keys[position], Poison())

    await twin.sync(*keys)

    assert [letter.reason for letter in twin.queue.dead] == ["defect"]
    assert len(twin.platform.contacts) == 9


async def test_a_batch_that_loses_its_locks_again_and_again_does_not_multiply_what_it_has_put_back() -> None:
    twin = ConnectorTwin(claim_time=timedelta(minutes=1))
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(3)]
    await twin.ledger.claim(str(key.id) for key in keys)  # by a worker that has been killed
    await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED, "c-1") for key in keys])

    sizes: list[int] = []
    for _ in range(8):
        twin.clock.advance(timedelta(seconds=5))
        received = twin.queue.due()
        await twin.receive(received)
        sizes.append(len(put_back(twin)))
        twin.queue.waiting = [*received, *twin.queue.waiting]  # their locks had ended: they come again
    await twin.quiet()

    assert set(sizes) == {len(keys)}
    assert len(twin.platform.contacts) == len(keys)


class Poison(dict[str, Any]):
    """Columns of a record on which the connector breaks."""

    def get(self, *_: Any) -> Any:
        raise ZeroDivisionError("a defect of ours")


def test_the_first_part_always_begins_and_others_only_in_time() -> None:
    clock = ManualClock()
    budget = TimeBudget(clock, clock.now() + timedelta(seconds=10))
    assert budget.begin_part()
    clock.advance(timedelta(seconds=9))
    assert budget.begin_part()
    clock.advance(timedelta(seconds=1))
    assert not budget.begin_part()
    budget.start_over()
    assert budget.begin_part()
    assert not budget.begin_part()


def test_where_no_message_is_locked_there_is_no_budget() -> None:
    clock = ManualClock()
    assert begin_part()
    with spending(TimeBudget(clock, clock.now())):
        assert begin_part()
        assert not begin_part()
    assert begin_part()
