"""Generates the table of operations in `docs/operations.md`."""

from typing import Any

from shared.domain.records.jobs import JobResult, Repetition
from shared.operations.model.operation import JobOperation
from shared.operations.running.operation_table import OPERATIONS

_REPETITION = {Repetition.SAFE: "repeated until done", Repetition.HARMFUL: "at most once"}


def operations_table() -> str:
    """Return one row per operation, in the order of the option values."""
    rows = ["| value | operation | parameters | when in doubt | result codes of its own |", "|---|---|---|---|---|"]
    rows += [_row(OPERATIONS[operation]) for operation in sorted(OPERATIONS)]
    return "\n".join(rows)


def _row(operation: JobOperation[Any]) -> str:
    fields = operation.parameters.model_fields.values()
    parameters = "; ".join(field.description or "" for field in fields) or "none"
    failures = list(operation.failures)
    if operation.repetition is Repetition.HARMFUL:
        failures.append(JobResult.OUTCOME_UNKNOWN)
    codes = ", ".join(f"`{code}`" for code in (*operation.successes, *failures))
    number, name, doubt = operation.operation.value, operation.operation.label, _REPETITION[operation.repetition]
    return f"| {number} | {name} | {parameters} | {doubt} | {codes} |"
