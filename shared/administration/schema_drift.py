"""Detects daily whether columns, properties or options that the mapping uses have changed on either side."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.administration.mapping_validation import MappingValidator
from shared.domain.features.schema_drift import Known, Landscape, SchemaChange, Shift, changes, landscape
from shared.domain.mapping.check.check import check
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.records import PersonTable
from shared.domain.wording.stored import from_data, template_data
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.state import DocumentKey, Put, StateStore
from shared.telemetry.signals import DRIFT, record

log = logging.getLogger(__name__)

_SHOWN_FOR = timedelta(days=14)
_LANDSCAPE, _REPORT = "landscape", "report"


@dataclass(frozen=True, slots=True)
class ObservedChange:
    """A change, and when it was first seen."""

    change: SchemaChange
    on: datetime


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The result of the last check: changes of the last two weeks, and the findings about the mapping today."""

    at: datetime
    noticed: tuple[ObservedChange, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON: names and codes, no labels and no personal data."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "changes": [_change_json(one) for one in self.noticed],
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Compares both sides with their last state, for the live mapping."""

    mapping_validator: MappingValidator
    mapping: FieldMapping
    store: StateStore
    clock: Clock
    environment: str

    @property
    def _partition(self) -> str:
        return f"{self.environment}-drift"

    async def check(self) -> DriftReport:
        """Compare, log and store the changes; ConnectorError if one of the sides cannot be read."""
        around = await self.mapping_validator.surroundings(self.mapping)
        now = self.clock.now()
        fresh: list[SchemaChange] = []
        if (known := await self._read(_LANDSCAPE)) is not None:
            fresh = changes(_landscape(known), self.mapping, around.schema, around.catalogue)
        findings = [one for one in check(self.mapping, around) if one.severity is not Severity.NOTE]
        report = DriftReport(now, await self._noticed(fresh, now), tuple(findings))
        for change in fresh:
            log.warning("drift: %s", change)
        for finding in findings:
            log.warning("drift: %s", finding)
        # The report first: a crash in between reports a change twice, but does not lose it.
        await self._write(_REPORT, report_body(report))
        await self._write(_LANDSCAPE, _body(landscape(self.mapping, around.schema, around.catalogue)))
        record(DRIFT, len(fresh) + len(findings))
        return report

    async def last(self) -> DriftReport | None:
        """Return the last report; None if there was no check yet."""
        body = await self._read(_REPORT)
        return None if body is None else read_report(body)

    async def state(self) -> dict[str, Any] | None:
        """Return the last report as JSON; None before the first one."""
        report = await self.last()
        return report.as_json() if report else None

    async def _noticed(self, fresh: Sequence[SchemaChange], now: datetime) -> tuple[ObservedChange, ...]:
        last = await self.last()
        earlier = [one for one in last.noticed if now - one.on < _SHOWN_FOR] if last else []
        return (
            *(one for one in earlier if one.change not in fresh),
            *(ObservedChange(change, now) for change in fresh),
        )

    async def _read(self, row: str) -> Mapping[str, Any] | None:
        found = await read_one(self.store, DocumentKey(self._partition, row))
        return found.body if found else None

    async def _write(self, row: str, body: Mapping[str, Any]) -> None:
        await self.store.write([Put(DocumentKey(self._partition, row), body)])


def _body(found: Landscape) -> dict[str, Any]:
    return {
        "columns": [
            {"table": table, "name": name, **asdict(known)} for (table, name), known in sorted(found.columns.items())
        ],
        "properties": [{"name": name, **asdict(known)} for name, known in sorted(found.properties.items())],
    }


_KNOWN = Codec(Known)


def _landscape(body: Mapping[str, Any]) -> Landscape:
    return Landscape(
        columns={(one["table"], one["name"]): _KNOWN.read(one) for one in body["columns"]},
        properties={one["name"]: _KNOWN.read(one) for one in body["properties"]},
    )


def _change_json(observed: ObservedChange) -> dict[str, Any]:
    change, on = observed.change, observed.on.isoformat(timespec="seconds")
    return {"on": on, "what": change.what, "shift": change.shift, "hint": str(change.hint or "")}


def report_body(report: DriftReport) -> dict[str, Any]:
    """Return the stored report: its JSON, and the templates and values of its phrases."""
    return {
        "at": report.at.isoformat(timespec="seconds"),
        "changes": [
            _change_json(one) | (template_data(one.change.hint) if one.change.hint else {}) for one in report.noticed
        ],
        "findings": [asdict(finding) | template_data(finding.text) for finding in report.findings],
    }


def read_report(body: Mapping[str, Any]) -> DriftReport:
    """Read a stored report; an earlier version stored no templates, and its phrases stay English."""
    return DriftReport(
        at=datetime.fromisoformat(body["at"]),
        noticed=tuple(ObservedChange(_change(one), datetime.fromisoformat(one["on"])) for one in body["changes"]),
        findings=tuple(_finding(one) for one in body["findings"]),
    )


def _change(body: Mapping[str, Any]) -> SchemaChange:
    hint = body.get("hint", "")
    return SchemaChange(body["what"], Shift(body["shift"]), from_data(hint, body) if hint else None)


def _finding(body: Mapping[str, Any]) -> Finding:
    table = PersonTable(body["table"]) if body["table"] else None
    return Finding(Severity(body["severity"]), Code(body["code"]), from_data(body["text"], body), body["row"], table)
