"""What became of letters that were put back: each one arrived, came back, or is on its way."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from shared.console.pages.problems.put_back import Progress, PutBackLog, followed, progress
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.messages.lane_messages import references_body
from shared.ports.queue import DeadLetter, QueueName
from tests.connector_twin import ConnectorTwin
from tests.unit.console.test_rendering import NOW

ANN, BEN, CAS = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2, 3))
SOON = NOW + timedelta(seconds=3)


def letter(*keys: RecordKey, reason: Reason = Reason.GAVE_UP, minutes: int = -5) -> DeadLetter:
    body = references_body([Reference(key, Why.SAVED) for key in keys]) if keys else b'{"kind":"walk"}'
    return DeadLetter("1", QueueName.LIVE, reason, "", body, "", NOW + timedelta(minutes=minutes))


def test_a_letter_arrives_with_the_last_of_its_records() -> None:
    put_back = followed(NOW, [letter(ANN, BEN), letter(CAS)])
    former = NOW - timedelta(hours=1)

    found = progress(put_back, {ANN: SOON, BEN: former, CAS: SOON}, [], [QueueName.LIVE])

    assert found == Progress(arrived=1, waiting=1, came_back={})


def test_a_letter_that_failed_again_came_back_with_its_new_reason() -> None:
    put_back = followed(NOW, [letter(ANN), letter(BEN)])
    failed = letter(ANN, reason=Reason.DEFECT, minutes=1)
    older = letter(BEN, reason=Reason.DEFECT, minutes=-1)

    found = progress(put_back, {ANN: SOON}, [failed, older], [QueueName.LIVE])

    assert found == Progress(arrived=0, waiting=1, came_back={Reason.DEFECT: 1})


def test_what_gets_no_new_outcome_has_arrived_when_its_queue_is_empty() -> None:
    put_back = followed(NOW, [letter(ANN), letter()])

    assert progress(put_back, {}, [], [QueueName.LIVE]) == Progress(0, 2, {})
    assert progress(put_back, {}, [], [QueueName.BULK]) == Progress(2, 0, {})


async def test_the_last_act_is_remembered_for_ten_minutes_by_its_ids_alone() -> None:
    twin = ConnectorTwin()
    log = PutBackLog(twin.store, twin.clock, "test")
    assert await log.last() is None
    await log.note(twin.clock.now(), [letter(ANN)])
    await log.note(twin.clock.now(), [letter(BEN)] * 400)

    last = await log.last()
    assert last is not None
    assert (last.count, len(last.letters), set(last.keys)) == (400, 300, {BEN})
    await log.tidy()
    assert await log.last() == last
    twin.clock.advance(timedelta(minutes=10))
    assert await log.last() is None
    await log.tidy()
    assert (await twin.store.scan("test-console-put-back")).documents == []
