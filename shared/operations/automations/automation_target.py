"""Which automation or campaign a job means: the row that it points to, or a trigger code typed by hand (C-37)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.domain.features.automation_fields import AutomationFieldsError, read_hints
from shared.domain.features.automations import AutomationKind, AutomationRow, FieldType
from shared.operations.model.operation import Failed, invalid
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted


class JourneyParameters(Protocol):
    """How a job names a journey."""

    @property
    def automation(self) -> UUID | None:
        """The row of `dh_spotlerautomation`."""
        ...

    @property
    def parameter_name(self) -> str:
        """The trigger code."""
        ...


@dataclass(frozen=True, slots=True)
class AutomationTarget:
    """An automation or campaign. `platform_id` is empty for a code that no row has, `fields` where none are known.

    One that is not published (any more) can be stopped, not started.
    """

    kind: AutomationKind
    code: str
    name: str
    platform_id: str
    fields: Mapping[str, FieldType]
    is_published: bool

    def __str__(self) -> str:
        return f"{self.kind} {quoted([self.name])}"


async def journeys(wishes: Sequence[JourneyParameters], services: JobServices) -> list[AutomationTarget | Failed]:
    """Look up the journeys of jobs, in order; only typed codes need the whole table."""
    ids = {wish.automation for wish in wishes if wish.automation is not None}
    rows = await services.automation_rows.read_automations(list(ids)) if ids else {}
    needs_codes = any(wish.automation is None for wish in wishes)
    everything = await services.automation_rows.all_automations() if needs_codes else ()
    coded = {_same(row.code): row for row in sorted(everything, key=lambda row: row.is_active)}
    return [_journey(wish, rows, coded) for wish in wishes]


def _journey(
    wish: JourneyParameters, rows: Mapping[UUID, AutomationRow], coded: Mapping[str, AutomationRow]
) -> AutomationTarget | Failed:
    if wish.automation is None:
        row = coded.get(_same(wish.parameter_name))
        return _typed(wish.parameter_name) if row is None else _of(row)
    row = rows.get(wish.automation)
    return invalid("The Automation does not exist any more: choose another one.") if row is None else _of(row)


def _of(row: AutomationRow) -> AutomationTarget:
    try:
        fields = read_hints(row.fields)
    except AutomationFieldsError:  # somebody edited the row: then only Spotler knows its fields
        fields = {}
    return AutomationTarget(row.kind, row.code, row.name, row.platform_id, fields, row.is_active)


def _typed(code: str) -> AutomationTarget:
    """Take a code that Dataverse does not know (yet): codes of automations are UUIDs, those of campaigns are not."""
    kind = AutomationKind.CAMPAIGN if _uuid(code) is None else AutomationKind.AUTOMATION
    return AutomationTarget(kind, code, code, "", {}, is_published=True)


def _same(code: str) -> str:
    """Write one code in one way: in UUIDs, upper and lower case do not count."""
    identifier = _uuid(code)
    return code if identifier is None else str(identifier)


def _uuid(code: str) -> UUID | None:
    try:
        return UUID(code)
    except ValueError:
        return None
