"""`docs/operations.md` says of every operation what the code says today."""

from __future__ import annotations

from pathlib import Path

from shared.domain.records.jobs import Operation
from shared.operations.model.documentation import operations_table
from shared.operations.running.operation_table import OPERATIONS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def test_the_document_has_the_operations_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = text.index("<!-- operations:"), text.index("<!-- /operations -->")

    assert text[begin:end].partition("-->\n")[2].strip() == operations_table(), "run: python -m shared operations"


def test_every_operation_of_the_specification_is_there_with_every_parameter_described() -> None:
    assert set(OPERATIONS) == set(Operation)
    for operation in OPERATIONS.values():
        assert all(field.description for field in operation.parameters.model_fields.values()), operation.operation.label
