"""What Dataverse is told: a status row only when it says something new, a job result in any case."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.records.outcomes import LONGEST_REASON, FieldProblem, Outcome, Reason, Result
from shared.domain.records.records import (
    Intent,
    PersonRecord,
    PersonTable,
    RecordKey,
    Reference,
    StatusRow,
    SyncStatus,
    Why,
)
from shared.domain.recovery.retry import Done, GiveUp, Next, RetryAt
from shared.domain.values.values import clipped
from shared.engine.report import Reporter, info_id, is_success, result_code
from shared.engine.work_items import ItemResult, WorkItem
from shared.errors import TransientError
from shared.ports.dataverse import JobReport
from tests.contract.clocks import ManualClock
from tests.twins import TwinCrm

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
BEN = RecordKey(PersonTable.LEAD, UUID(int=2))
CLOCK = ManualClock()


def finished(
    outcome: Outcome,
    record: PersonRecord | None = None,
    *,
    following: Next = Done(),  # noqa: B008  # frozen and without state
    job: UUID | None = None,
    attempt: int = 1,
    deliveries: int = 1,
) -> ItemResult:
    reference = Reference(outcome.key, Why.SAVED, job=job, attempt=attempt, deliveries=deliveries)
    return ItemResult(WorkItem(outcome.key, Intent.SYNC, (reference,)), outcome, following, record, external_id="x")


def ann(status: SyncStatus | None = None, code: str = "", reason: str = "") -> PersonRecord:
    return PersonRecord(ANN, {}, status=StatusRow(UUID(int=7), status, code, reason) if status else None)


async def told(one: ItemResult) -> StatusRow | None:
    """Report, and return the status row if it was written."""
    crm = TwinCrm()
    crm.people[ANN] = one.record or ann()
    await Reporter(crm, CLOCK).report([one])
    return crm.people[ANN].status if crm.calls["status written"] else None


CREATED = Outcome(ANN, Result.WRITTEN, Reason.CREATED)
AGREED = Outcome(ANN, Result.UNCHANGED, Reason.AGREED)
REFUSED = Outcome(ANN, Result.FAILED, Reason.INVALID_EMAIL)


async def test_the_first_report_creates_the_status_row_with_an_id_of_its_own() -> None:  # STA-01
    row = await told(finished(CREATED, ann()))
    assert row == StatusRow(info_id(ANN), SyncStatus.SUCCEEDED, "created", CREATED.text)
    assert info_id(ANN) == info_id(ANN) != info_id(BEN)


async def test_a_later_report_changes_the_same_row() -> None:
    row = await told(finished(REFUSED, ann(SyncStatus.SUCCEEDED, "created", CREATED.text)))
    assert row == StatusRow(UUID(int=7), SyncStatus.FAILED, "invalid-email", REFUSED.text)


@pytest.mark.parametrize(
    ("outcome", "record"),
    [
        (AGREED, ann(SyncStatus.SUCCEEDED, "created", CREATED.text)),  # nothing happened
        (REFUSED, ann(SyncStatus.FAILED, "invalid-email", REFUSED.text)),  # the row says it already
        (Outcome(ANN, Result.WAITING, Reason.BUSY), ann()),  # a blip
        (Outcome(ANN, Result.SKIPPED, Reason.SYNC_DISABLED), ann(SyncStatus.DISABLED)),  # STA-05
        (Outcome(ANN, Result.SKIPPED, Reason.OPTED_OUT), ann(SyncStatus.OPT_OUT)),
        (Outcome(ANN, Result.ANONYMISED, Reason.DELETED), None),  # there is no record to write to
    ],
)
async def test_a_row_is_left_alone_when_there_is_nothing_to_say(outcome: Outcome, record: PersonRecord | None) -> None:
    assert await told(finished(outcome, record)) is None


async def test_a_reason_that_is_cut_to_its_column_is_nothing_new_the_next_time() -> None:
    problems = tuple(FieldProblem(f"profileField{number}", "city", "🎉 a date") for number in range(100))
    long = Outcome(ANN, Result.FAILED, Reason.INVALID_EMAIL, problems)
    assert len(long.text) > LONGEST_REASON
    row = StatusRow(UUID(int=7), SyncStatus.FAILED, "invalid-email", clipped(long.text, LONGEST_REASON))
    assert await told(finished(long, PersonRecord(ANN, {}, status=row))) is None


async def test_an_unchanged_record_without_a_row_gets_one() -> None:
    assert await told(finished(AGREED, ann())) is not None


async def test_an_unchanged_record_recovers_from_a_failure_that_was_reported() -> None:
    row = await told(finished(AGREED, ann(SyncStatus.FAILED, "gave-up")))
    assert row is not None
    assert row.status is SyncStatus.SUCCEEDED


@pytest.mark.parametrize(("attempt", "deliveries"), [(2, 1), (1, 2)])
async def test_an_unchanged_record_is_reported_when_an_earlier_report_may_be_lost(
    attempt: int, deliveries: int
) -> None:
    before = ann(SyncStatus.SUCCEEDED, "created", CREATED.text)
    row = await told(finished(AGREED, before, attempt=attempt, deliveries=deliveries))
    assert row == StatusRow(UUID(int=7), SyncStatus.SUCCEEDED, "agreed", AGREED.text)


async def test_of_several_looks_in_one_batch_the_last_is_reported() -> None:
    crm = TwinCrm()
    crm.people[ANN] = ann()
    await Reporter(crm, CLOCK).report([finished(REFUSED, ann()), finished(CREATED, ann())])
    status = crm.people[ANN].status
    assert status is not None
    assert status.reason_code == "created"
    assert crm.calls["status written"] == 1


async def test_a_report_without_changes_makes_no_request() -> None:
    crm = TwinCrm()
    await Reporter(crm, CLOCK).report([finished(AGREED, None)])
    assert crm.calls["report"] == 0


async def test_all_reports_of_a_batch_that_fails_are_named() -> None:
    crm = TwinCrm()
    crm.broken["report"] = TransientError("down")
    ben = finished(Outcome(BEN, Result.WRITTEN, Reason.CREATED), PersonRecord(BEN, {}))
    assert set(await Reporter(crm, CLOCK).report([finished(CREATED, ann()), ben])) == {ANN, BEN}


# ---------------------------------------------------------------------------------------------------------------- jobs


async def job_report(outcome: Outcome, following: Next) -> JobReport | None:
    crm = TwinCrm()
    job = crm.order(None, ANN)
    await Reporter(crm, CLOCK).report([finished(outcome, following=following, job=job)])
    return crm.job_reports.get(job)


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (CREATED, "Completed", "OK"),  # JOB-26
        (AGREED, "Completed", "OK"),
        (Outcome(ANN, Result.ANONYMISED, Reason.ON_REQUEST, http_status=200), "Completed", "410"),  # ANON-09
        (Outcome(ANN, Result.ANONYMISED, Reason.ON_REQUEST, http_status=410), "Completed", "410"),
        (Outcome(ANN, Result.ANONYMISED, Reason.ON_REQUEST, http_status=404), "Completed", "404"),  # ANON-10
        (Outcome(ANN, Result.FAILED, Reason.STILL_USED), "Failed", "still-used"),
        (Outcome(ANN, Result.SKIPPED, Reason.SYNC_DISABLED), "Failed", "sync-disabled"),
        (REFUSED, "Failed", "invalid-email"),
    ],
)
async def test_a_job_ends_with_a_result(outcome: Outcome, status: str, code: str) -> None:  # JOB-25
    report = await job_report(outcome, Done())
    assert report is not None
    assert (report.status, report.result_code, report.result_text) == (status, code, outcome.text)
    assert report.completed_on == CLOCK.now()
    assert (is_success(outcome), result_code(outcome)) == (status == "Completed", code)


async def test_a_job_goes_on_while_its_record_is_looked_at_again() -> None:
    waiting = Outcome(ANN, Result.WAITING, Reason.UNAVAILABLE)
    assert await job_report(waiting, RetryAt(CLOCK.now(), 2)) is None


async def test_a_job_whose_record_was_given_up_has_failed() -> None:
    report = await job_report(Outcome(ANN, Result.FAILED, Reason.GAVE_UP), GiveUp())
    assert report is not None
    assert (report.status, report.result_code) == ("Failed", "gave-up")
