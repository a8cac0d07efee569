"""How fast the pure core is."""

from __future__ import annotations

import time
from uuid import UUID

from shared.app import DEFAULT_MAPPING, load_mapping
from shared.core.fingerprints import Fingerprinter
from shared.core.marketing import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.core.plan import Binding, Rules, Situation, Write, plan
from shared.core.records import PermissionRow, PersonRecord, PersonTable, RecordKey

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
    names = [row.spotler for row in mapping.rows if row.spotler != "permissions"]
    definitions = [PropertyDefinition(name, name, _TYPES.get(name, PropertyType.STRING)) for name in names]
    permissions = PropertyDefinition("permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"),))
    catalogue = PropertyCatalogue((*definitions, permissions))
    rules = Rules(mapping, Fingerprinter(b"sixteen bytes and more"))
    new = [_situation(number) for number in range(_RECORDS)]
    begin = time.perf_counter()
    plans = [plan(situation, rules, catalogue) for situation in new]
    _tell("new contacts", time.perf_counter() - begin)
    known = [
        Situation(situation.key, situation.record, planned.binding)
        for situation, planned in zip(new, plans, strict=True)
        if isinstance(planned, Write)
    ]
    begin = time.perf_counter()
    again = [plan(situation, rules, catalogue) for situation in known]
    _tell("unchanged contacts", time.perf_counter() - begin)
    assert len(known) == _RECORDS, "every contact is new at first"
    assert not any(isinstance(planned, Write) for planned in again), "nothing is written twice"


def _situation(number: int) -> Situation:
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
    return Situation(key, record, Binding(str(key.id)))


def _tell(what: str, seconds: float) -> None:
    print(f"plan     {what}: {_RECORDS / seconds:,.0f} a second")
