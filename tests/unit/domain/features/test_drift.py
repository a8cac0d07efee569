"""Drift: changes on either side of what the mapping names."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.features.schema_drift import Landscape, SchemaChange, Shift, changes, landscape
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, Relation, Schema, TableDefinition

CATALOGUE = PropertyCatalogue((PropertyDefinition("email", "E-mail", PropertyType.EMAIL),))
SOURCES = ("parentcustomerid(account).name", "@child(task).first(createdon).subject", "@odata:tasks?$select=subject")


def mapping(source: str) -> Mapping:
    rows = [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "note", "contact": source}]
    return read_mapping({"version": 1, "rows": rows})


def table(name: str, *columns: ColumnDefinition, references: tuple[Relation, ...] = ()) -> TableDefinition:
    return TableDefinition(name, f"{name}s", f"{name}id", "name", {one.name: one for one in columns}, references)


def text(name: str, identifier: str = "1", label: str = "") -> ColumnDefinition:
    return ColumnDefinition(name, ColumnType.STRING, id=identifier, label=label)


CONTACT = table(
    "contact",
    text("emailaddress1"),
    text("parentcustomerid"),
    text("nickname", label="Nickname"),
    references=(Relation("parentcustomerid", "account", "parentcustomerid_account"),),
)
ACCOUNT = table("account", text("name"))
TASK = table("task", text("subject"), text("createdon"), references=(Relation("regardingobjectid", "contact", "x"),))


def schema(*tables: TableDefinition) -> Schema:
    return Schema({one.name: one for one in tables})


def seen(source: str) -> Landscape:
    return landscape(mapping(source), schema(CONTACT, ACCOUNT, TASK), CATALOGUE)


def test_columns_of_related_rows_children_and_queries_are_watched_too() -> None:
    assert {place for source in SOURCES for place in seen(source).columns} == {
        ("contact", "emailaddress1"),
        ("account", "name"),
        ("task", "subject"),
    }


def test_a_related_column_and_a_child_s_column_that_are_gone_are_noticed() -> None:
    without = schema(CONTACT, table("account"), table("task", text("createdon"), references=TASK.references))
    found = [changes(seen(source), mapping(source), without, CATALOGUE) for source in SOURCES[:2]]
    assert found == [[SchemaChange("account.name", Shift.DELETED)], [SchemaChange("task.subject", Shift.DELETED)]]


def test_a_column_that_was_deleted_and_made_again_has_lost_its_values() -> None:
    again = replace(CONTACT, columns={**CONTACT.columns, "nickname": text("nickname", "2", "Nickname")})
    found = changes(seen("nickname"), mapping("nickname"), schema(again), CATALOGUE)
    assert found == [SchemaChange("contact.nickname", Shift.REPLACED)]


def test_a_new_column_with_the_same_label_is_offered_for_one_that_is_gone() -> None:
    columns = {"emailaddress1": text("emailaddress1"), "dh_nickname": text("dh_nickname", "3", "Nickname")}
    found = changes(seen("nickname"), mapping("nickname"), schema(replace(CONTACT, columns=columns)), CATALOGUE)
    assert found == [SchemaChange("contact.nickname", Shift.DELETED, "perhaps it is now dh_nickname")]


def test_a_column_that_no_row_of_the_mapping_uses_reports_no_change() -> None:
    gone = schema(table("contact", text("emailaddress1"), text("firstname")))
    assert changes(seen("nickname"), mapping("firstname"), gone, CATALOGUE) == []
