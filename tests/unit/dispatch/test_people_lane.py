"""References of a lane end done, scheduled again, or as dead letters with a reason; none is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, PersonTable, Reference, Why
from shared.errors import ConfigurationError, ConflictError, ThrottledError, TransientError
from shared.messages.lane_messages import (
    LaneMessageError,
    ReferenceBatch,
    Walk,
    read_lane_message,
    references_body,
    write_lane_message,
)
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person
from tests.twins import bodies


def scheduled(twin: ConnectorTwin) -> list[tuple[timedelta, Reference]]:
    """What waits in the queue, and in how long it is due."""
    found: list[tuple[timedelta, Reference]] = []
    for one in twin.queue.waiting:
        message = read_lane_message(one.message.body)
        assert isinstance(message, ReferenceBatch)
        found += [(one.due - twin.clock.now(), reference) for reference in message.unfold()]
    return found


async def test_a_pause_that_spotler_asks_for_is_kept_and_does_not_count() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["insert"] = ThrottledError("slow down", retry_after=timedelta(seconds=37))

    await twin.look(ann)

    ((pause, reference),) = scheduled(twin)
    assert timedelta(seconds=37) <= pause <= timedelta(seconds=38)
    assert reference.attempt == 1
    assert twin.status_of(ann) == ("Processing", "throttled")


async def test_a_configuration_error_waits_for_the_administrator_without_counting() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.broken["read_people"] = ConfigurationError("no access")

    await twin.look(ann)

    ((pause, reference),) = scheduled(twin)
    assert pause >= timedelta(minutes=5)
    assert reference.attempt == 1


async def test_a_failure_counts_and_keeps_when_and_why_it_began() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["insert"] = TransientError("down")
    began = twin.clock.now()

    await twin.look(ann, why=Why.PERMISSION)
    ((_, first),) = scheduled(twin)
    assert (first.attempt, first.first_seen, first.why, first.correlation) == (2, began, Why.PERMISSION, "c-1")

    twin.clock.advance(timedelta(seconds=10))
    await twin.receive(twin.queue.due())
    ((_, second),) = scheduled(twin)
    assert (second.attempt, second.first_seen) == (3, began)


async def test_a_later_look_stays_in_its_lane() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["insert"] = TransientError("down")

    await twin.look(ann, lane=QueueName.BULK)

    assert [one.lane for one in twin.queue.waiting] == [QueueName.BULK]


async def test_after_the_last_attempt_a_message_is_dead_lettered_without_personal_data_and_can_be_replayed() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["insert"] = TransientError("down", detail="ann@example.com was not taken")
    await twin.sync(ann)

    (letter,) = twin.queue.dead
    assert letter.reason == "gave-up"
    assert twin.status_of(ann) == ("Failed", "gave-up")
    everything = f"{letter} {bodies(twin.store.documents)}"
    assert str(ann.id) in everything
    assert "Ann" not in everything
    assert "ann@" not in everything

    twin.platform.broken.clear()
    await twin.queue.replay([letter.id])
    await twin.quiet()
    assert twin.status_of(ann) == ("Succeeded", "created")
    assert twin.queue.dead == []


async def test_a_report_that_fails_is_repeated_without_writing_again() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.broken["report"] = TransientError("down")
    await twin.look(ann)
    assert twin.crm.people[ann].status is None
    twin.crm.broken.clear()

    await twin.quiet()

    assert twin.status_of(ann)[0] == "Succeeded"
    assert len(twin.platform.writes) == 1


async def test_a_report_that_never_gets_through_is_dead_lettered_as_given_up() -> None:
    """A dead letter says what went wrong, and not that all went well."""
    twin = ConnectorTwin()
    twin.crm.broken["report"] = TransientError("down")
    await twin.sync(twin.crm.create(**person()))

    (letter,) = twin.queue.dead

    assert letter.reason == "gave-up"
    assert "report" in letter.description
    assert "down" in letter.description


async def test_reports_wait_as_long_as_it_takes_an_administrator_to_mend_the_rights() -> None:
    """Without the right to write Spotler Info no report gets through: that is no reason for dead letters."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.broken["report"] = ConfigurationError("the role of the connector may not write Spotler Info")
    await twin.look(ann)
    for _ in range(50):
        twin.clock.advance(timedelta(minutes=6))
        await twin.receive(twin.queue.due())
    twin.crm.broken.clear()
    await twin.quiet()

    assert twin.queue.dead == []
    assert twin.status_of(ann)[0] == "Succeeded"


async def test_a_report_about_a_record_that_was_deleted_meanwhile_is_no_failure() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.before_write = lambda: twin.crm.people.pop(ann, None) and None

    await twin.look(ann)

    assert twin.queue.waiting == []


class _Poison(dict[str, Any]):
    """Columns of a record on which the connector breaks."""

    def get(self, *_: Any) -> Any:
        raise ZeroDivisionError("a defect of ours")


@pytest.mark.parametrize("position", [0, 3, 6])
async def test_a_defect_in_one_record_leaves_the_other_records_unaffected(position: int) -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(7)]
    broken = keys[position]
    twin.crm.poisoned[broken] = PersonRecord(broken, _Poison())

    finished = await twin.look(*keys)
    await twin.quiet()

    assert finished[broken].outcome.reason == "defect"
    assert [letter.reason for letter in twin.queue.dead] == ["defect"]
    assert str(broken.id).encode() in twin.queue.dead[0].body
    assert len(twin.platform.contacts) == 6
    assert twin.claims() == []


async def test_a_job_is_told_when_its_person_breaks_the_connector() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.poisoned[ann] = PersonRecord(ann, _Poison())
    job = twin.crm.order(Operation.SYNC_CONTACT, ann)

    await twin.run_jobs(job)
    await twin.quiet()

    assert twin.crm.jobs[job].status == "Failed"


async def test_the_users_of_a_shared_contact_are_looked_at_when_one_of_them_changes_its_mind() -> None:
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann, lead)
    twin.crm.edit(ann, donotbulkemail=True)

    await twin.look(ann, lane=QueueName.BULK)

    ((_, reference),) = scheduled(twin)
    assert (reference.key, reference.why) == (lead, Why.PERMISSION)
    assert [one.lane for one in twin.queue.waiting] == [QueueName.BULK]


async def test_no_references_cost_nothing() -> None:
    twin = ConnectorTwin()
    assert await twin.people.handle([], lane=QueueName.LIVE) == ()
    assert twin.faults.moment == 0


# ------------------------------------------------------------------------------------------------------------ messages


async def test_many_references_travel_in_few_messages() -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(250)]

    await twin.lanes.send_references(QueueName.BULK, [Reference(key, Why.RESYNC, "c") for key in keys])

    assert len(twin.queue.waiting) == 3
    assert len({one.message.message_id for one in twin.queue.waiting}) == 3
    assert {reference.key for _, reference in scheduled(twin)} == set(keys)


def test_a_message_is_read_as_it_was_written() -> None:
    walk = Walk(table=PersonTable.LEAD, why=Why.RESYNC, after="page-2", attempt=3)
    assert read_lane_message(write_lane_message(walk)) == walk


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b'{"kind": "letters"}', b'{"kind": "jobs", "jobs": ["ann@example.com"]}', b"\xff\xfe"],
)
def test_a_body_that_we_did_not_write_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(LaneMessageError) as refused:
        read_lane_message(body)
    assert "ann@" not in str(refused.value)


def test_a_reference_carries_everything_along() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    reference = Reference(ann, Why.JOB, "c-9", attempt=4, first_seen=twin.clock.now(), job=ann.id)
    message = read_lane_message(references_body([reference]))
    assert isinstance(message, ReferenceBatch)
    assert message.unfold() == [reference]


async def test_a_record_that_cannot_settle_ends_as_a_dead_letter_with_a_status() -> None:
    """A plug-in that changes the record after every read would be processed for ever."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.writebacks.broken["write_back"] = ConflictError("the row was changed in between")
    await twin.sync(ann)
    assert twin.queue.dead == [], "nothing was written back yet"
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})

    await twin.poll()
    await twin.quiet(deliveries=20_000)

    (letter,) = twin.queue.dead
    assert letter.reason == "never-settled"
    assert str(ann.id) in letter.description
    assert twin.status_of(ann) == ("Failed", "never-settled")
    twin.writebacks.broken.clear()
    await twin.queue.replay([letter.id])
    await twin.quiet()
    assert twin.status_of(ann)[0] == "Succeeded"


async def test_a_contact_that_somebody_holds_for_ever_holds_its_record_up_for_hours_only() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.lanes.send_references(QueueName.LIVE, [Reference(ann, Why.SAVED)])
    began = twin.clock.now()
    for _ in range(20_000):
        if not twin.queue.waiting:
            break
        due = min(one.due for one in twin.queue.waiting)
        twin.clock.advance(max(due - twin.clock.now(), timedelta()))
        await twin.ledger.claim([str(ann.id)])
        await twin.receive(twin.queue.due())

    assert [letter.reason for letter in twin.queue.dead] == ["never-settled"]
    assert timedelta(hours=3) < twin.clock.now() - began < timedelta(hours=8)
    assert twin.status_of(ann) == ("Failed", "never-settled")


async def test_a_record_that_is_refused_for_days_by_itself_ends_as_a_dead_letter() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.broken["insert"] = ConfigurationError("not allowed")
    began = twin.clock.now()

    await twin.sync(ann)

    assert [letter.reason for letter in twin.queue.dead] == ["gave-up"]
    assert twin.clock.now() - began > timedelta(days=3), "administrators have weekends"
    assert twin.status_of(ann) == ("Failed", "gave-up")


async def test_a_lost_report_is_made_up_for_although_the_record_has_to_wait_for_another_worker() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.ledger.claim([str(ann.id)])

    delivered_again = Reference(ann, Why.SAVED, "c-1", deliveries=2)
    (finished,) = await twin.people.handle([delivered_again], lane=QueueName.LIVE)
    assert finished.outcome.reason is Reason.BUSY
    await twin.quiet()

    assert twin.status_of(ann) == ("Succeeded", "agreed")
