"""How records and jobs ended, as metrics and in the trace of their change."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.records.jobs import JobRow, Operation
from shared.domain.records.outcomes import Outcome, Result
from shared.domain.records.records import ACTS, Intent, Reference
from shared.ports.dataverse import JobReport
from shared.ports.queue import QueueName
from shared.telemetry.activity import count_latency, count_outcome
from shared.telemetry.signals import JOB_LATENCY, JOBS, LATENCY, OUTCOMES, record
from shared.telemetry.traces import change_ended

_OPERATIONS = {
    Intent.SYNC: Operation.SYNC_CONTACT,
    Intent.PURGE: Operation.PURGE_CONTACT,
    Intent.ANONYMIZE: Operation.ANONYMIZE_CONTACT,
}

_ARRIVED = frozenset({Result.WRITTEN, Result.ANONYMISED})


def record_ended(outcome: Outcome, references: tuple[Reference, ...], lane: QueueName, now: datetime) -> None:
    """Count the outcome of a record. On the bulk lane, an unchanged record has no span."""
    table = outcome.key.table
    record(OUTCOMES, lane=lane, table=table, result=outcome.result, reason=outcome.reason)
    count_outcome(outcome.result, outcome.reason)
    if outcome.result in _ARRIVED:
        for reference in references:
            if reference.why in ACTS and reference.first_seen is not None:
                seconds = max(0.0, (now - reference.first_seen).total_seconds())
                record(LATENCY, seconds, table=table, result=outcome.result)
                count_latency(seconds)
    if lane is QueueName.BULK and outcome.result is Result.UNCHANGED:
        return
    for reference in {one.correlation: one for one in references}.values():
        change_ended(
            f"record {outcome.result}",
            reference.correlation,
            reference.first_seen,
            failed=outcome.result is Result.FAILED,
            record=str(outcome.key),
            table=table,
            result=outcome.result,
            reason=outcome.reason,
            attempt=reference.attempt,
            lane=lane,
        )


def job_ended(job: JobRow, report: JobReport, correlation: str, now: datetime) -> None:
    """Count the end of a Spotler Job that an operation has processed."""
    operation = job.operation.label if job.operation is not None else "unknown"
    _job_ended(operation, report, correlation, _moment(job.created_on), now)


def person_job_ended(intent: Intent, report: JobReport, references: Sequence[Reference], now: datetime) -> None:
    """Count the end of a Spotler Job that the engine has processed: one with an intent for a record."""
    reference = next((one for one in references if one.job == report.id), None)
    if reference is not None:
        _job_ended(_OPERATIONS[intent].label, report, reference.correlation, reference.first_seen, now)


def _job_ended(operation: str, report: JobReport, correlation: str, began: datetime | None, now: datetime) -> None:
    code = report.result_code or ""
    record(JOBS, operation=operation, status=report.status, code=code)
    if began is not None:
        record(JOB_LATENCY, max(0.0, (now - began).total_seconds()), operation=operation)
    change_ended(
        f"job {report.status}",
        correlation,
        None,
        failed=False,  # a job with wrong parameters is no failure of the connector
        job=str(report.id),
        operation=operation,
        status=report.status,
        code=code,
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
