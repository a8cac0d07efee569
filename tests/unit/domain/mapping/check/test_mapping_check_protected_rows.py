"""The findings about rows that must stay: permissions, type and birthday (MAP-33, DBF-07)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.findings import Code, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType
from shared.domain.records.records import PersonTable
from tests.unit.domain.mapping.check.checking import CATALOGUE, SCHEMA, codes


def test_map_33_type_and_birthday_are_protected_where_the_account_has_them() -> None:
    fields = (
        PropertyDefinition("Type", "Type", PropertyType.STRING),
        PropertyDefinition("birthday", "Birthday", PropertyType.BIRTHDATE),
    )
    catalogue = PropertyCatalogue((*CATALOGUE.definitions, *fields))
    assert codes(catalogue=catalogue) == [Code.PROTECTED_ROW, Code.PROTECTED_ROW]
    rows = [{"spotler": "Type", "contact": "$CustomerType"}, {"spotler": "birthday", "contact": "birthdate"}]
    assert codes(*rows, catalogue=catalogue) == []


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"spotler": "permissions", "contact": "@map(permissions)", "direction": "<-"},
        {"spotler": "permissions", "contact": "gendercode", "choices": {1: "Newsletter", 2: "Newsletter"}},
        {"spotler": "interests", "contact": "@map(permissions)"},
        {"spotler": "permissions", "lead": "@map(permissions)"},
    ],
)
def test_dbf_07_without_its_row_permissions_of_a_table_do_not_travel_and_the_check_warns(
    row: dict[str, Any] | None,
) -> None:
    address = {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"}
    mapping = read_mapping({"version": 1, "rows": [address, *([] if row is None else [row])]})
    findings = check(mapping, Surroundings(SCHEMA, CATALOGUE, frozenset({PersonTable.CONTACT})))
    (finding,) = [one for one in findings if one.severity is Severity.WARNING]
    assert (finding.code, finding.table) == (Code.PERMISSIONS_UNMAPPED, PersonTable.CONTACT)
    assert "restore its row, permissions with @map(permissions)" in finding.text


@pytest.mark.parametrize("home", ["permissions", "list"])
@pytest.mark.parametrize("direction", ["->", "<->"])
def test_with_its_row_or_in_an_account_without_permissions_nothing_is_said_of_them(home: str, direction: str) -> None:
    row = {"spotler": "permissions", "contact": f"@map({home})", "direction": direction}
    assert Code.PERMISSIONS_UNMAPPED not in codes(row)
    without = PropertyCatalogue(tuple(one for one in CATALOGUE.definitions if one.name != "permissions"))
    assert Code.PERMISSIONS_UNMAPPED not in codes({**row, "direction": "<-"}, catalogue=without)
