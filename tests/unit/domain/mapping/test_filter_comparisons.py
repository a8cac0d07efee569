"""Every type of column, compared with values as people write them, and what the check refuses instead (MAP-12, VAL-04).

A value that the check accepts is equal to something that the column can hold; what it refuses never could be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.dataverse.records.columns import ColumnReader
from shared.adapters.dataverse.web_api.operations import Annotation
from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.evaluate import compile_filter
from shared.domain.mapping.language.filters import Empty, Not, parse_filter
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.records.table_schema import (
    ColumnDefinition,
    ColumnType,
    DateBehaviour,
    Option,
    Relation,
    Schema,
    TableDefinition,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DUTCH, ENGLISH = 1043, 1033
ID = "6d81597f-1111-4222-8333-abcdefabcdef"


def options(*labels: tuple[int, str, str]) -> tuple[Option, ...]:
    return tuple(Option(value, {DUTCH: dutch, ENGLISH: english}, english) for value, dutch, english in labels)


def date(name: str, behaviour: DateBehaviour, *, shows_time: bool) -> ColumnDefinition:
    return ColumnDefinition(name, ColumnType.DATE_TIME, behaviour=behaviour, shows_time=shows_time)


COLUMNS = {
    column.name: column
    for column in (
        ColumnDefinition("emailaddress1", ColumnType.STRING),
        ColumnDefinition("vip", ColumnType.BOOLEAN, options=options((0, "Nee", "No"), (1, "Ja", "Yes"))),
        ColumnDefinition("mail", ColumnType.BOOLEAN, options=options((0, "Toestaan", "Allow"), (1, "Nooit", "Never"))),
        ColumnDefinition("nopost", ColumnType.BOOLEAN, options=options((0, "Ja", "Yes"), (1, "Nee", "No"))),
        ColumnDefinition("kind", ColumnType.PICKLIST, options=options((1, "Klant", "Customer"), (2, "Lid", "Member"))),
        ColumnDefinition("year", ColumnType.PICKLIST, options=options((100, "2024", "2024"), (101, "101", "101"))),
        ColumnDefinition("swapped", ColumnType.PICKLIST, options=options((1, "2", "2"), (2, "1", "1"))),
        ColumnDefinition("interests", ColumnType.MULTI_SELECT, options=options((7, "Golf", "Golf"), (8, "Kaas", ""))),
        ColumnDefinition("statecode", ColumnType.STATE, options=options((0, "Actief", "Active"), (1, "Uit", "Off"))),
        ColumnDefinition("statuscode", ColumnType.STATUS, options=options((1, "Actief", "Active"), (2, "Uit", "Off"))),
        ColumnDefinition("children", ColumnType.INTEGER),
        ColumnDefinition("version", ColumnType.BIG_INT),
        ColumnDefinition("factor", ColumnType.DECIMAL),
        ColumnDefinition("weight", ColumnType.DOUBLE),
        ColumnDefinition("budget", ColumnType.MONEY),
        date("birthday", DateBehaviour.DATE_ONLY, shows_time=False),
        date("since", DateBehaviour.USER_LOCAL, shows_time=False),
        date("seen", DateBehaviour.USER_LOCAL, shows_time=True),
        date("opens", DateBehaviour.TIME_ZONE_INDEPENDENT, shows_time=True),
        ColumnDefinition("city", ColumnType.STRING, max_length=12),
        ColumnDefinition("notes", ColumnType.MEMO),
        ColumnDefinition("owner", ColumnType.OWNER),
        ColumnDefinition("company", ColumnType.CUSTOMER),
        ColumnDefinition("source", ColumnType.LOOKUP),
        ColumnDefinition("key", ColumnType.UNIQUEIDENTIFIER),
        ColumnDefinition("logicalname", ColumnType.ENTITY_NAME),
        ColumnDefinition("photo", ColumnType.UNKNOWN),
    )
}  # fmt: skip
CONTACT = TableDefinition(
    "contact", "contacts", "contactid", "fullname", COLUMNS, (Relation("company", "account", "company_account"),)
)
ACCOUNT = TableDefinition("account", "accounts", "accountid", "name", COLUMNS)
SCHEMA = Schema({"contact": CONTACT, "account": ACCOUNT})
CATALOGUE = PropertyCatalogue(
    (PropertyDefinition("email", "E-mail", PropertyType.EMAIL), PropertyDefinition("p", "P", PropertyType.STRING))
)


def record(name: str, raw: Any, label: str | None = None, *, language: int | None = DUTCH) -> PersonRecord:
    """A record as read from Dataverse's answer, labels in the language of the mapping."""
    reader = ColumnReader(COLUMNS[name], language)
    row = {reader.selected: raw}
    if label is not None:
        row[f"{reader.selected}@{Annotation.LABEL}"] = label
    values: dict[str, Any] = {}
    labels: dict[str, str] = {}
    reader.take(parse_filter(f"empty({name})").field, row, values, labels)  # type: ignore[union-attr, arg-type]
    return PersonRecord(RecordKey(PersonTable.CONTACT, UUID(int=1)), values, labels)


def findings(
    *, filters: str = "", rows: tuple[dict[str, Any], ...] = (), language: int | None = DUTCH
) -> list[Finding]:
    document: dict[str, Any] = {
        "version": 1,
        "language": language,
        "rows": [{"spotler": "email", "contact": "emailaddress1"}, *rows],
        "filters": {"contact": filters} if filters else {},
    }
    found = check(read_mapping(document), Surroundings(SCHEMA, CATALOGUE, frozenset({PersonTable.CONTACT})))
    return [one for one in found if one.severity is not Severity.NOTE]


EQUAL = [
    # column, as written, as stored, label in the answer, something else that is stored
    *(
        ("vip", text, True, "Ja", False)
        for text in ("1", "true", "TRUE", '"1"', '"true"', '"ja"', '"JA"', '"yes"', "1.0")
    ),
    *(("vip", text, False, "Nee", True) for text in ("0", "false", '"0"', '"False"', '"nee"', '"No"', "0.0")),
    *(("mail", text, True, "Nooit", False) for text in ("1", "true", '"nooit"', '"Nooit "', '"ja"')),
    *(("mail", text, False, "Toestaan", True) for text in ("0", "false", '"toestaan"', '"nee"')),
    *(("nopost", text, True, "Nee", False) for text in ("1", "true")),
    *(("kind", text, 1, "Klant", 2) for text in ("1", "1.0", '"1"', '"klant"', '"KLANT"', '" Klant"')),
    *(("year", text, 100, "2024", 101) for text in ("100", "2024", '"2024"')),
    ("year", "101", 101, "101", 100),
    *(("interests", text, "7,8", "Golf; Kaas", "7") for text in ("8", '"8"', '"kaas"')),
    *(("statecode", text, 0, "Actief", 1) for text in ("0", '"0"', '"actief"')),
    *(("statuscode", text, 2, "Uit", 1) for text in ("2", '"uit"')),
    *(("children", text, 2, None, 3) for text in ("2", "2.0", '"2"')),
    ("children", "-1", -1, None, 1),
    *(
        ("version", text, 9007199254740993, None, 9007199254740992)
        for text in ("9007199254740993", '"9007199254740993"')
    ),
    *(("factor", text, 12.5, None, 12.4) for text in ("12.5", "12.50", '"12.5"', '"12.50"', '"12,5"')),
    *(("weight", text, 0.1, None, 0.2) for text in ("0.1", "0.10", '"0.1"')),
    ("weight", "100000000000.1234567890", 100000000000.1234567890, None, 1.0),
    *(("budget", text, 1000.0, None, 1000.01) for text in ("1000", "1000.00", '"1000,00"', '"1000"')),
    ("birthday", '"2025-01-01"', "2025-01-01", None, "2025-01-02"),
    ("since", '"2025-01-01"', "2024-12-31T23:00:00Z", None, "2025-01-01T23:00:00Z"),
    *(
        ("seen", text, "2025-06-30T22:15:30Z", None, "2025-06-30T21:15:30Z")
        for text in ('"2025-07-01"', '"2025-07-01T00:15"', '"2025-07-01T00:15:30"', '"2025-06-30T22:15:30Z"',
                     '"2025-06-30T22:15Z"', '"2025-07-01T02:15+04:00"')
    ),
    *(
        ("opens", text, "2025-07-01T00:15:00Z", None, "2025-06-30T23:15:00Z")
        for text in ('"2025-07-01"', '"2025-07-01T00:15"')
    ),
    *(("city", text, " Ede", None, "Edem") for text in ('"Ede"', '"EDE"', '"ede "')),
    ("city", '"Curaçao"', "Curac\u0327ao", None, "Curacao"),
    ("city", "007", "007", None, "7"),
    ("city", "7", "7", None, "007"),
    ("city", "1.0", "1.0", None, "1.1"),
    ("city", "true", "true", None, "false"),
    ("notes", '"Ede"', "ede\n", None, "ede x"),
    *(
        ("owner", text, ID, "Jan", "00000000-0000-0000-0000-000000000001")
        for text in ('"jan"', f'"{ID.upper()}"', f'"{{{ID}}}"')
    ),
    ("company", '"3M"', ID, "3M", None),
    ("source", "12", ID, "12", None),
    *(
        ("key", text, ID, None, "00000000-0000-0000-0000-000000000001")
        for text in (f'"{ID}"', f'"{ID.upper()}"', f'"{{{ID}}}"')
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "written", "stored", "label", "other"), EQUAL)
def test_a_value_is_equal_as_people_write_it(
    name: str, written: str, stored: Any, label: str | None, other: Any
) -> None:
    same, differs, blank = record(name, stored, label), record(name, other), record(name, None)
    expected = {
        f"{name} = {written}": (True, False, False),
        f"{name} <> {written}": (False, True, True),
        f"{name} in ({written})": (True, False, False),
        f"{name} not in ({written})": (False, True, True),
        f"not {name} = {written}": (False, True, True),
        f"empty({name})": (False, other is None, True),
        f"{name} = null": (False, other is None, True),
        f"{name} <> null": (True, other is not None, False),
    }

    for text, results in expected.items():
        passes = compile_filter(parse_filter(text), AMSTERDAM)
        assert (passes(same), passes(differs), passes(blank)) == results, text
        assert findings(filters=text) == []


@pytest.mark.parametrize(("name", "written", "stored", "label", "other"), EQUAL)
def test_map_12_the_filter_of_a_row_compares_likewise(
    name: str, written: str, stored: Any, label: str | None, other: Any
) -> None:
    row = {"spotler": "p", "contact": name, "filter": written.strip('"'), "invalid": "omit"}
    document = {"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}, row]}
    mapping = read_mapping(document)

    passes = mapping.passes(PersonTable.CONTACT)
    assert passes is not None
    assert passes(record(name, stored, label))
    assert not passes(record(name, other))
    assert not passes(record(name, None))
    assert Code.COMPARISON not in [one.code for one in findings(rows=(row,))]


REFUSED = [
    # column, as written, part of the cure
    *(("vip", text, "write true or false") for text in ("2", "-1", '"maybe"', '"x"', '"2025-01-01"')),
    ("mail", '"Never"', "Toestaan or Nooit"),
    ("nopost", '"Ja"', "write true or false"),
    ("nopost", '"no"', "write true or false"),
    *(("kind", text, "Klant") for text in ("3", "1.5", '"Both"', "true", "false", '"ja"')),
    ("kind", '"Customer"', "labels are read in language 1043"),
    ("swapped", "1", "value of one option and the label of another"),
    ("swapped", '"2"', "value of one option and the label of another"),
    ("interests", '"Golf; Kaas"', "Golf"),
    ("interests", "9", "Golf"),
    ("statecode", "true", "Actief"),
    ("statuscode", '"Active"', "labels are read in language 1043"),
    *(("children", text, "write a whole number") for text in ("1.5", '"two"', "true", '"1.5"', '"2025-01-01"')),
    *(("factor", text, "write a number") for text in ('"1.000,50"', "true", '"much"')),
    *(("budget", text, "write a number") for text in ('"€ 10"', "false")),
    *(
        ("birthday", text, "write a date such as")
        for text in ("2025", '"01-01-2025"', '"1 januari 2025"', "true", '"2025-1-1"', '"2025-02-30"', '"20250101"')
    ),
    ("birthday", '"2025-01-01T00:00"', "write a date such as"),
    ("since", '"2025-01-01T00:00:00Z"', "write a date such as"),
    *(
        ("seen", text, "write a date such as")
        for text in ('"01/07/2025"', "0", '"2025-07-01 00:15"', '"2025-07-01T25:00"', '"today"')
    ),
    ("opens", '"2025-07-01T00:15:00Z"', "without a time zone"),
    ("city", '"Ede Wageningen"', "12 characters"),
    *(("owner", text, "name of a row") for text in ("true", "false")),
    *(("key", text, "6d81597f-") for text in ('"x"', "1", "true", '"6d81597f"')),
    *((name, '""', f"write empty({name})") for name in ("vip", "kind", "children", "birthday", "city", "owner")),
    ("city", '"  "', "write empty(city)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "written", "cure"), REFUSED)
def test_a_comparison_that_no_value_meets_is_an_error_with_its_place_and_its_cure(
    name: str, written: str, cure: str
) -> None:
    for text in (f"{name} = {written}", f"{name} <> {written}", f"not (empty(city) or {name} in ({written}))"):
        (finding,) = findings(filters=text)
        assert (finding.severity, finding.code) == (Severity.ERROR, Code.COMPARISON)
        assert finding.table is PersonTable.CONTACT
        assert finding.text.startswith(f"The filter of contact compares {name} with a value that it never has: ")
        assert cure in finding.text


def test_the_check_says_which_value_of_a_list_is_meant_without_repeating_it() -> None:
    (finding,) = findings(filters='children in (1, "Jansen", 3)')
    assert "compares children with a value that it never has (no. 2 of its list): " in finding.text
    assert "Jansen" not in finding.text


@pytest.mark.parametrize(
    ("name", "written", "cure"), [one for one in REFUSED if one[1].strip('" ') and one[0] != "owner"]
)
def test_the_check_refuses_the_filter_of_a_row_likewise(name: str, written: str, cure: str) -> None:
    text = written.strip('"')
    row = {"spotler": "p", "contact": name, "filter": text}
    found = [one for one in findings(rows=(row,)) if one.text.startswith("The filter compares")]
    assert [(one.severity, one.row) for one in found] == [(Severity.ERROR, 2)]
    assert cure in found[0].text


@pytest.mark.parametrize(
    ("source", "only", "cure"),
    [
        ("$CustomerType", "lead", "it is always contact"),
        ("$value:A", "B", "it is always A"),
        ("children;budget", "many", "write a"),
        ("company(account).vip", "maybe", "write true or false"),
    ],
)
def test_the_filter_of_a_row_must_be_something_that_its_expression_can_be(source: str, only: str, cure: str) -> None:
    (finding,) = [one for one in findings(rows=({"spotler": "p", "contact": source, "filter": only},)) if one.row == 2]
    assert (finding.severity, finding.code) == (Severity.ERROR, Code.COMPARISON)
    assert cure in finding.text


@pytest.mark.parametrize(
    ("source", "only"),
    [("$CustomerType", "Contact"), ("$value:A", "a"), ("children;city", "many"), ('@concat(city, "x")', "y")],
)
def test_the_filter_of_a_row_may_be_anything_that_its_expression_can_be(source: str, only: str) -> None:
    assert findings(rows=({"spotler": "p", "contact": source, "filter": only},)) == []


def test_a_related_column_is_compared_by_its_own_type() -> None:
    (finding,) = findings(filters="company(account).kind = true")
    assert finding.text.startswith("The filter of contact compares company(account).kind with a value")
    assert findings(filters='company(account).kind = "lid"') == []


def test_labels_are_those_of_the_connectors_user_where_the_mapping_names_no_language() -> None:
    assert findings(filters='kind = "Customer"', language=None) == []
    (finding,) = findings(filters='kind = "Klant"', language=None)
    assert "write Customer" in finding.text
    assert compile_filter(parse_filter('kind = "Customer"'))(record("kind", 1, "Customer", language=None))


@pytest.mark.parametrize("text", ['city = "Ams%"', 'city in ("Ede", "*dam")', 'notes <> "%x%"'])
def test_a_pattern_is_compared_letter_by_letter_and_the_check_warns_of_it(text: str) -> None:
    (finding,) = findings(filters=text)
    assert (finding.severity, finding.code) == (Severity.WARNING, Code.COMPARISON)
    assert "% and * stand for themselves" in finding.text


@pytest.mark.parametrize("name", ["photo", "logicalname"])
@pytest.mark.parametrize("text", ["empty({})", '{} = "x"', "{} <> 1", "{} in (true)"])
def test_a_column_that_is_not_read_cannot_be_in_a_filter(name: str, text: str) -> None:
    (finding,) = findings(filters=text.format(name))
    assert (finding.severity, finding.code) == (Severity.ERROR, Code.COMPARISON)
    assert f"looks at {name}: " in finding.text
    assert "use another column" in finding.text


def test_null_is_another_word_for_empty() -> None:
    assert parse_filter("city = null") == parse_filter("empty(city)")
    assert parse_filter("city <> NULL") == parse_filter("not empty(city)")
    assert isinstance(parse_filter("city = null"), Empty)
    assert isinstance(parse_filter("city <> null"), Not)


def test_every_type_of_column_is_in_the_tables() -> None:
    tried = {COLUMNS[name].type for name in _names()}
    assert tried == set(ColumnType) - {ColumnType.UNKNOWN, ColumnType.ENTITY_NAME}


def _names() -> Iterator[str]:
    yield from (one[0] for one in EQUAL)
    yield from (one[0] for one in REFUSED)


def test_the_choices_of_a_row_may_be_true_and_false_for_two_options() -> None:
    row = {"spotler": "p", "contact": "vip", "choices": {"true": "VIP", "0": "-"}}
    assert findings(rows=(row,)) == []
