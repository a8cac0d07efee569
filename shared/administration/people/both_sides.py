"""Both sides of a person, field by field: what each has, and what happens next. Nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.administration.explain import Explain
from shared.domain.mapping.model import MappingRow
from shared.domain.merging.merge import MergeDecision
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import PersonRecord, RecordKey
from shared.domain.values.fields import Scalar, option_name, present_values, wished_fields
from shared.domain.values.values import EMPTY, text_of

_ACTION_WRITE = "write"
_NAMES = (("firstname", "middlename", "lastname"), ("name",), ("companyname",))


class Agreement(StrEnum):
    """What happens to a field, those that need a person first."""

    STOPS = "stops"
    """Its value stops the record."""
    TO_DECIDE = "to-decide"
    LEFT_ALONE = "left-alone"
    """It went to and fro too often."""
    MISFIT = "misfit"
    """Its value does not fit; the rest of the record goes on."""
    WOULD_BE_SENT = "would-be-sent"
    COMES_HOME = "comes-home"
    DYNAMICS_WON = "dynamics-won"
    SPOTLER_WON = "spotler-won"
    STAYS_APART = "stays-apart"
    """The sides differ, and the row lets nothing travel."""
    NOT_SENT = "not-sent"
    """The record is not in Spotler, and nothing of it is sent."""
    EQUAL = "equal"


_DECIDED: Mapping[MergeDecision, Agreement] = {
    MergeDecision.ASKED: Agreement.TO_DECIDE,
    MergeDecision.FROZEN: Agreement.LEFT_ALONE,
    MergeDecision.DATAVERSE_WON: Agreement.DYNAMICS_WON,
    MergeDecision.PLATFORM_WON: Agreement.SPOTLER_WON,
}


@dataclass(frozen=True, slots=True)
class FieldSides:
    """One field: values in Spotler's form, None where a side has none; `problem` is why its value is not sent."""

    name: str
    label: str
    source: str
    direction: str
    agreement: Agreement
    dynamics: Scalar | None = field(default=None, repr=False)
    spotler: Scalar | None = field(default=None, repr=False)
    problem: FieldProblem | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation of a record as JSON, its name (empty where there is none), and its fields."""

    report: Mapping[str, Any]
    name: str = field(repr=False)
    fields: tuple[FieldSides, ...] = field(repr=False)


async def explained(explain: Explain, key: RecordKey) -> Explained:
    """Read both sides of a record, and plan. Raises ConnectorErrors."""
    report = await explain.record(key)
    record = (await explain.crm.read_people([key])).get(key)
    if record is None:
        return Explained(report, "", ())
    contact = await explain.platform.contact(str(report["spotlerContact"])) if report["inSpotler"] else None
    catalogue = await explain.platform.properties()
    return Explained(report, name_of(record), sides_of(record, contact, explain, catalogue, report))


def name_of(record: PersonRecord) -> str:
    """Return the name of a record, as far as the mapping reads it."""
    for columns in _NAMES:
        if found := " ".join(str(record.values[one]) for one in columns if record.values.get(one)):
            return found
    return ""


def sides_of(
    record: PersonRecord,
    contact: MarketingContact | None,
    explain: Explain,
    catalogue: PropertyCatalogue,
    report: Mapping[str, Any],
) -> tuple[FieldSides, ...]:
    """Compare the fields of all rows of the record's table."""
    mapping = explain.rules.mapping
    here = present_values(record, mapping, catalogue)
    there = _flat(contact)
    wished = wished_fields(record, mapping, catalogue)
    fatal = {one.property_name: one for one in wished.fatal}
    misfit = {one.property_name: one for one in wished.omitted}
    found: list[FieldSides] = []
    for row in mapping.for_table(record.key.table):
        definition = catalogue.named(row.property_name)
        if definition is None:
            continue
        options = {option_name(row.property_name, one.bit): one.label for one in definition.entries}
        for name, label in (options or {row.property_name: definition.label}).items():
            dynamics, spotler = here.get(name), there.get(name)
            problem = fatal.get(row.property_name) or misfit.get(row.property_name)
            agreement = _agreement(name, dynamics, spotler, report, is_sent=contact is not None)
            if row.property_name in fatal:
                agreement = Agreement.STOPS
            elif row.property_name in misfit and not options:
                agreement = Agreement.MISFIT
            if problem and problem.expected and dynamics is None and not options:
                dynamics = text_of(*row.evaluate(record))  # as it is there: it has no form of Spotler's
            source = str(row.sources[record.key.table])
            found.append(FieldSides(name, label, source, _arrow(row), agreement, dynamics, spotler, problem))
    order = list(Agreement)
    return tuple(sorted(found, key=lambda one: order.index(one.agreement)))


def _agreement(
    name: str, dynamics: Scalar | None, spotler: Scalar | None, report: Mapping[str, Any], *, is_sent: bool
) -> Agreement:
    decision, plan = report["merged"].get(name, ""), report["plan"]
    home = plan.get("comesHome", {})
    if _same(dynamics, spotler) and decision not in {MergeDecision.DATAVERSE_WON, MergeDecision.PLATFORM_WON}:
        return Agreement.EQUAL
    if decision in _DECIDED:
        return _DECIDED[MergeDecision(decision)]
    if name in home.get("fields", ()) or (":" in name and home.get("permissions")):
        return Agreement.COMES_HOME
    is_written = plan["action"] == _ACTION_WRITE
    if is_written and (not is_sent or name in plan["changed"] or name.partition(":")[0] in plan["properties"]):
        return Agreement.WOULD_BE_SENT
    return Agreement.STAYS_APART if is_sent else Agreement.NOT_SENT


def _same(dynamics: Scalar | None, spotler: Scalar | None) -> bool:
    return dynamics == spotler or (dynamics or EMPTY) == (spotler or EMPTY) or str(dynamics) == str(spotler)


def _flat(contact: MarketingContact | None) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name, value in (contact.properties if contact is not None else {}).items():
        match value:
            case tuple():
                found |= {option_name(name, option.bit): option.enabled for option in value}
            case str() | int():
                found[name] = value
            case float():
                found[name] = str(value)
    return found


def _arrow(row: MappingRow) -> str:
    return {"->": "→", "<-": "←", "<->": "↔"}[row.direction]
