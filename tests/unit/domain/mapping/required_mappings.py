"""What the tests of the mapping's requirements share: a catalogue, mappings, and what they send."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Plan
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import BaseState, PlanInput, SharingRecords
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PersonRecord, PersonTable
from shared.domain.values.fields import as_properties, wished_fields
from tests.person_records import person

CONTACT, LEAD, ACCOUNT = PersonTable.CONTACT, PersonTable.LEAD, PersonTable.ACCOUNT

CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("lastName", "Last name", PropertyType.STRING),
        PropertyDefinition("phoneNumber", "Phone", PropertyType.STRING),
        PropertyDefinition("profileField1", "Hobby", PropertyType.STRING),
        PropertyDefinition("firstorder", "First order", PropertyType.DATE),
        PropertyDefinition(
            "permissions", "Permissions", PropertyType.SET, (SetEntry(1, "News"), SetEntry(2, "Events"))
        ),
    )
)

EMAIL_ROW = {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1", "account": "emailaddress1"}


def mapping_of(*rows: dict[str, Any], **parameters: Any) -> Mapping:
    return read_mapping({"version": 1, "rows": [EMAIL_ROW, *rows], **parameters})


def to_platform(mapping: Mapping, table: PersonTable = CONTACT, **values: Any) -> dict[str, Any]:
    """The sent properties of a record with these values, without its address."""
    record = person(mapping, table, {"emailaddress1": "ann@example.com", **values})
    return without_email(wished(record, mapping))


def wished(record: PersonRecord, mapping: Mapping) -> dict[str, Any]:
    return as_properties(wished_fields(record, mapping, CATALOGUE).values)


def without_email(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if name != "email"}


def value_of(expression: str, values: dict[str, Any], table: PersonTable = CONTACT) -> Any:
    """The value of a text property for an expression."""
    mapping = mapping_of({"spotler": "lastName", table.value: expression})
    return wished(person(mapping, table, {"emailaddress1": "ann@example.com", **values}), mapping)["lastName"]


def refusal(*rows: dict[str, Any], **parameters: Any) -> str:
    with pytest.raises(MappingError) as caught:
        mapping_of(*rows, **parameters)
    return str(caught.value)


def planned(
    record: PersonRecord,
    mapping: Mapping,
    *,
    is_live: bool = False,
    sharing_records: SharingRecords = SharingRecords(),  # noqa: B008  # a frozen value
    unmapped: Unmapped = Unmapped.KEEP,
) -> Plan:
    rules = Rules(mapping, Fingerprinter(b"a key for nothing but tests"), unmapped=unmapped)
    binding = Binding(str(record.key.id), is_live=is_live)
    base_state = BaseState.NOTHING if is_live else BaseState.BASE
    return plan(
        PlanInput(record.key, record, binding, base_state=base_state, sharing_records=sharing_records), rules, CATALOGUE
    )
