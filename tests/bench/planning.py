"""How fast the pure core is."""

from __future__ import annotations

import time
from uuid import UUID

from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Write
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey
from shared.domain.values.fields import wished_fields
from tests.person_records import names_read

_RECORDS = 5_000
_TYPES = {
    "email": PropertyType.EMAIL,
    "gender": PropertyType.GENDER,
    "birthday": PropertyType.BIRTHDATE,
    "postalCode": PropertyType.POSTCODE,
    "mobileNumber": PropertyType.MOBILE_NUMBER,
}


async def plan_speed() -> None:
    """Plan contacts that are new, then the same ones unchanged."""
    mapping = load_mapping(DEFAULT_MAPPING)
    names = [row.property_name for row in mapping.rows if row.property_name != "permissions"]
    definitions = [PropertyDefinition(name, name, _TYPES.get(name, PropertyType.STRING)) for name in names]
    permissions = PropertyDefinition("permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"),))
    catalogue = PropertyCatalogue((*definitions, permissions))
    rules = Rules(mapping, Fingerprinter(b"sixteen bytes and more"))
    new = [_plan_input(number) for number in range(_RECORDS)]
    begin = time.perf_counter()
    plans = [plan(plan_input, rules, catalogue) for plan_input in new]
    _tell("new contacts", time.perf_counter() - begin)
    known = [
        PlanInput(plan_input.key, plan_input.record, planned.binding)
        for plan_input, planned in zip(new, plans, strict=True)
        if isinstance(planned, Write)
    ]
    begin = time.perf_counter()
    again = [plan(plan_input, rules, catalogue) for plan_input in known]
    _tell("unchanged contacts", time.perf_counter() - begin)
    assert len(known) == _RECORDS, "every contact is new at first"
    assert not any(isinstance(planned, Write) for planned in again), "nothing is written twice"


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


def _plan_input(number: int) -> PlanInput:
    key = RecordKey(PersonTable.CONTACT, UUID(int=number + 1))
    values = {
        "statecode": 0,
        "donotemail": False,
        "donotbulkemail": False,
        "emailaddress1": f"person{number}@example.com",
        "firstname": "Noor",
        "lastname": "Vries",
        "gendercode": 2,
        "birthdate": "1988-04-27",
        "mobilephone": "06-18596225",
        "address1_postalcode": "3511AB",
        "address1_city": "Utrecht",
    }
    record = PersonRecord(key, values, permissions=(PermissionRow("Newsletter", subscribed=True),))
    return PlanInput(key, record, Binding(str(key.id)))


def _tell(what: str, seconds: float) -> None:
    print(f"plan     {what}: {_RECORDS / seconds:,.0f} a second")
