"""What the tests of the check share: schema and steps of Dataverse, properties of Spotler, and the findings of rows."""

from __future__ import annotations

from typing import Any

from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.findings import Code, Finding
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import (
    ColumnDefinition,
    ColumnType,
    DateBehaviour,
    EventStep,
    Option,
    Relation,
    Required,
    Schema,
    TableDefinition,
)


def column(name: str, kind: ColumnType = ColumnType.STRING, **facts: Any) -> ColumnDefinition:
    return ColumnDefinition(name, kind, **facts)


def table(name: str, *columns: ColumnDefinition, references: tuple[Relation, ...] = ()) -> TableDefinition:
    return TableDefinition(name, f"{name}s", f"{name}id", "name", {one.name: one for one in columns}, references)


CONTACT = table(
    "contact",
    column("emailaddress1", max_length=100),
    column("firstname", max_length=50),
    column("lastname", max_length=50, required=Required.APPLICATION),
    column("telephone1", max_length=50),
    column("fullname", writable=False),
    column("birthdate", ColumnType.DATE_TIME, behaviour=DateBehaviour.DATE_ONLY, shows_time=False),
    column("createdon", ColumnType.DATE_TIME, behaviour=DateBehaviour.USER_LOCAL, writable=False),
    column("statecode", ColumnType.STATE),
    column("donotemail", ColumnType.BOOLEAN, options=(Option(0, label="Allow"), Option(1, label="Do Not Allow"))),
    column("donotbulkemail", ColumnType.BOOLEAN),
    column("gendercode", ColumnType.PICKLIST, options=(Option(1, {1033: "Male"}, "Male"), Option(2, {}, "Female"))),
    column("parentcustomerid", ColumnType.CUSTOMER),
    column("ownerid", ColumnType.OWNER),
    references=(
        Relation("parentcustomerid", "account", "parentcustomerid_account"),
        Relation("parentcustomerid", "contact", "parentcustomerid_contact"),
        Relation("ownerid", "systemuser", "owninguser"),
    ),
)
ACCOUNT = table("account", column("name"), column("telephone1"))
USER = table("systemuser", column("fullname"))
TASK = table(
    "task",
    column("subject"),
    column("createdon", ColumnType.DATE_TIME),
    references=(
        Relation("regardingobjectid", "contact", "regardingobjectid_contact"),
        Relation("dh_personid", "contact", "dh_personid"),
    ),
)
SCHEMA = Schema({one.name: one for one in (CONTACT, ACCOUNT, USER, TASK)})
CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("firstName", "First name", PropertyType.STRING),
        PropertyDefinition("lastName", "Last name", PropertyType.STRING),
        PropertyDefinition("phone", "Phone", PropertyType.STRING),
        PropertyDefinition("score", "Score", PropertyType.INT),
        PropertyDefinition("born", "Date", PropertyType.DATE),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("interests", "Interests", PropertyType.SET, (SetEntry(1, "Male"),)),
        PropertyDefinition("permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"),)),
    )
)
EVERY_STEP = (
    *(EventStep("contact", message) for message in ("Create", "Update", "Delete", "Merge")),
    *(EventStep("dh_spotlerpermission", message) for message in ("Create", "Update", "Delete")),
)


def found(*rows: dict[str, Any], **changes: Any) -> list[Finding]:
    """Check a mapping that has these rows between that of the address and, unless they have it, that of permissions."""
    options = changes.pop("options", {})
    if all(row["spotler"] != "permissions" for row in rows):
        rows = (*rows, {"spotler": "permissions", "contact": "@map(permissions)"})
    surroundings = {"schema": SCHEMA, "catalogue": CATALOGUE, "steps": EVERY_STEP} | changes
    address = {"spotler": "email", "contact": "emailaddress1"}
    mapping = read_mapping({"version": 1, "rows": [address, *rows], **options})
    return list(check(mapping, Surroundings(tables=frozenset({PersonTable.CONTACT}), **surroundings)))


def codes(*rows: dict[str, Any], **changes: Any) -> list[Code]:
    return [finding.code for finding in found(*rows, **changes)]
