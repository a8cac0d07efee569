"""Finds the automation or campaign of a job: by its row, or by a trigger code typed by hand (C-37)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.features.automation_fields import AutomationFieldsError, read_hints
from shared.domain.features.automations import AutomationKind, AutomationRow, FieldType
from shared.operations.model.operation import Failed, invalid
from shared.operations.model.parameters import Anyone, AutomationCode, AutomationId, Parameters
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted


class AutomationParameters(Parameters):
    """A person, and an automation by its row of `dh_spotlerautomation` or by its trigger code."""

    person: Anyone
    automation: AutomationId
    parameter_name: AutomationCode


@dataclass(frozen=True, slots=True)
class AutomationTarget:
    """An automation or campaign. `platform_id` is empty for a code without a row, `fields` if none are known.

    An unpublished automation can be stopped, but not started.
    """

    kind: AutomationKind
    code: str
    name: str
    platform_id: str
    fields: Mapping[str, FieldType]
    is_published: bool

    def __str__(self) -> str:
        return f"{self.kind} {quoted([self.name])}"


async def automation_targets(
    choices: Sequence[AutomationParameters], services: JobServices
) -> list[AutomationTarget | Failed]:
    """Look up the automations of jobs, in order; only typed codes need the whole table."""
    ids = {choice.automation for choice in choices if choice.automation is not None}
    rows = await services.automation_rows.read_automations(list(ids)) if ids else {}
    needs_codes = any(choice.automation is None for choice in choices)
    everything = await services.automation_rows.all_automations() if needs_codes else ()
    coded = {_same(row.code): row for row in sorted(everything, key=lambda row: row.is_active)}
    return [_target(choice, rows, coded) for choice in choices]


def _target(
    choice: AutomationParameters, rows: Mapping[UUID, AutomationRow], coded: Mapping[str, AutomationRow]
) -> AutomationTarget | Failed:
    if choice.automation is None:
        row = coded.get(_same(choice.parameter_name))
        return _typed(choice.parameter_name) if row is None else _of(row)
    row = rows.get(choice.automation)
    return invalid("The Automation does not exist any more: choose another one.") if row is None else _of(row)


def _of(row: AutomationRow) -> AutomationTarget:
    try:
        fields = read_hints(row.fields)
    except AutomationFieldsError:  # somebody edited the row: its fields are unknown
        fields = {}
    return AutomationTarget(row.kind, row.code, row.name, row.platform_id, fields, row.is_active)


def _typed(code: str) -> AutomationTarget:
    """Return the target of a code without a row: codes of automations are UUIDs, codes of campaigns are not."""
    kind = AutomationKind.CAMPAIGN if _uuid(code) is None else AutomationKind.AUTOMATION
    return AutomationTarget(kind, code, code, "", {}, is_published=True)


def _same(code: str) -> str:
    """Normalise a code: the case of a UUID does not matter."""
    identifier = _uuid(code)
    return code if identifier is None else str(identifier)


def _uuid(code: str) -> UUID | None:
    try:
        return UUID(code)
    except ValueError:
        return None
