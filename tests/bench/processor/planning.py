"""How fast the pure core is."""

from __future__ import annotations

import time
from uuid import UUID

from shared.composition.process import collect_rarely
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Plan, Write
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import PlanInput
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.fields import wished_fields
from tests.bench.figures.figure import Figure, Measured, yardstick
from tests.bench.processor.made_up import RULES, catalogue, key_of, made_up
from tests.person_records import names_read

_RECORDS = 5_000


async def plan_speed() -> Measured:
    """Plan contacts that are new, the same ones changed, and the same ones unchanged, as a process does it."""
    collect_rarely()
    unit, account = yardstick(), catalogue()
    bindings = {key: Binding(str(key.id)) for key in map(key_of, range(_RECORDS))}
    figures: list[Figure] = []
    for what, city in (("new", "Utrecht"), ("changed", "Gouda"), ("unchanged", "Gouda")):
        inputs = [PlanInput(key, made_up(key, city=city), binding) for key, binding in bindings.items()]
        begin = time.process_time()
        plans = [plan(plan_input, RULES, account) for plan_input in inputs]
        speed = _RECORDS / (time.process_time() - begin)
        print(f"plan     {what} contacts: {speed:,.0f} a second")
        figures.append(Figure(f"plan: {what}", speed / unit))
        written = sum(isinstance(planned, Write) for planned in plans)
        assert written == (0 if what == "unchanged" else _RECORDS), "every contact is written, and nothing twice"
        bindings = {one.key: _agreed(planned) for one, planned in zip(inputs, plans, strict=True)}
    return Measured(figures)


def _agreed(planned: Plan) -> Binding:
    """Return the binding after the contact was made: what an insertion agrees on, if that was planned."""
    return (
        planned.if_absent.binding
        if isinstance(planned, Write) and planned.meets and planned.if_absent
        else planned.binding
    )


async def mapping_speed() -> None:
    """Map a contact by a mapping of 60 rows of every kind, and see how it grows with rows and with records."""
    for rows, records in ((15, 4_000), (30, 4_000), (60, 4_000), (120, 4_000), (60, 1_000), (60, 16_000)):
        mapping = _mapping_of(rows)
        definitions = [
            PropertyDefinition(row.property_name, row.property_name, PropertyType.STRING) for row in mapping.rows
        ]
        catalogue = PropertyCatalogue((PropertyDefinition("email", "email", PropertyType.EMAIL), *definitions[1:]))
        people = [_wide_record(mapping, number) for number in range(records)]
        begin = time.perf_counter()
        mapped = [wished_fields(record, mapping, catalogue) for record in people]
        seconds = time.perf_counter() - begin
        assert all(len(fields.values) == rows for fields in mapped), "every row fills its property"
        print(f"mapping  {rows} rows, {records:,} records: {records / seconds:,.0f} records a second")


_EXPRESSIONS = (
    "column{0}",
    "lookup{0}(account).name",
    "column{0};column{0}b;",
    '@concat(column{0}, ", ", column{0}b)',
    "@child(child{0}).first(createdon DESC).name",
    "$CustomerType",
)


def _mapping_of(rows: int) -> Mapping:
    expressions = (_EXPRESSIONS[number % len(_EXPRESSIONS)].format(number) for number in range(1, rows))
    others = [{"spotler": f"p{number}", "contact": text} for number, text in enumerate(expressions, start=1)]
    email = {"spotler": "email", "contact": "emailaddress1"}
    filters = {"contact": 'statecode = 0 and column6 in ("a", "b")'}
    return read_mapping({"version": 1, "filters": filters, "rows": [email, *others]})


def _wide_record(mapping: Mapping, number: int) -> PersonRecord:
    values = dict.fromkeys(names_read(mapping, PersonTable.CONTACT), "Utrecht")
    address = {"emailaddress1": f"person{number}@example.com"}
    return PersonRecord(RecordKey(PersonTable.CONTACT, UUID(int=number + 1)), {**values, **address})
