"""Generates what the form of a Spotler Job shows for each operation (UI-06), so that both agree.

`infra/dataverse/webresources/dh_spotlerjob.js` holds the result between two marks.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.domain.records.jobs import JobRow, JobStatus
from shared.operations.model.operation import JobOperation
from shared.operations.running.operation_table import OPERATIONS

COLUMNS: Mapping[str, str] = {
    "automation": "dh_automationid",
    "automation_fields": "dh_automationfields",
    "automation_contact_id": "dh_automationcontactid",
    "marketing_list": "dh_listid",
    "parameter_name": "dh_parametername",
    "parameter_value": "dh_parametervalue",
}
"""The column of each parameter but the person, which has two: Customer and Lead."""

_PERSON = "person"
_GENERIC = ("Parameter Name", "Parameter Value")


def form_table() -> str:
    """Return a JavaScript constant: per option value its name, whether it needs a person, and its columns."""
    lines = [f"  {int(number)}: {_as_json(OPERATIONS[number])}," for number in sorted(OPERATIONS)]
    return "\n".join(["const OPERATIONS = {", *lines, "};"])


def _as_json(operation: JobOperation[Any]) -> str:
    fields = operation.parameters.model_fields
    needed = _needed(operation)
    person = ("required" if _PERSON in needed else "optional") if _PERSON in fields else "none"
    columns = {
        COLUMNS[name]: {"required": name in needed, "label": _meaning(field.description or "")}
        for name, field in fields.items()
        if name != _PERSON
    }
    return json.dumps({"name": operation.operation.label, "person": person, "columns": columns}, ensure_ascii=False)


def _needed(operation: JobOperation[Any]) -> frozenset[str]:
    """Return the columns that the operation needs: those that are missing in an empty job."""
    try:
        operation.parameters.model_validate(JobRow(UUID(int=0), JobStatus.QUEUED, operation.operation, None, ""))
    except ValidationError as problem:
        return frozenset(str(error["loc"][0]) for error in problem.errors() if error["loc"])
    return frozenset()


def _meaning(description: str) -> str:
    """Return the meaning of Parameter Name or Parameter Value; empty for columns whose name is enough."""
    column, _, meaning = description.partition(": ")
    return meaning[:1].upper() + meaning[1:] if column in _GENERIC else ""
