"""An organisation of the sandbox whose person records are written to, and what a test of that says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import Mapping
from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue, SetEntry
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.ports.writeback import Writeback, WritebackResult
from tests.contract.clocks import ManualClock
from tests.contract.custom_tables import PERIODIEK
from tests.contract.dataverse_organisation import open_organisation

ANN, BEN, CLEO, GONE = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (11, 12, 13, 19))
LEO = RecordKey(PersonTable.LEAD, UUID(int=21))
ACME, ACME_OLD, TWIN_A, TWIN_B = (UUID(int=number) for number in (31, 32, 33, 34))
OLGA = UUID(int=41)
WEEKLY, MONTHLY, DYNAMIC = (UUID(int=number) for number in (51, 52, 53))
NEWS = UUID(int=61)
GUIDE = UUID(int=71)

CHOICE = {"options": {"1": "Male", "2": "Female"}, "translations": {"1043": {"1": "Man", "2": "Vrouw"}}}
COLUMNS: dict[str, dict[str, Any]] = {
    "contact.new_amount": {"type": "Decimal"},
    "contact.new_ratio": {"type": "Double"},
    "contact.new_big": {"type": "BigInt"},
    "contact.new_sex": {"type": "Picklist", **CHOICE},
    "contact.new_topics": {"type": "MultiSelectPicklist", **CHOICE},
    "contact.new_moment": {"type": "DateTime"},
    "contact.new_wall": {"type": "DateTime", "behavior": "TimeZoneIndependent"},
    "contact.new_localday": {"type": "DateTime", "dateonly": True, "behavior": "UserLocal"},
    "contact.new_guide": {"type": "Lookup", "targets": {"contact": "new_Guide"}},
    "contact.new_badge": {"type": "String", "max": 20, "required": "SystemRequired", "default": "none"},
    "contact.lastname": {"type": "String", "max": 50, "required": "ApplicationRequired"},
}
JOB = {"type": "String", "max": 500}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("systemuser", {"systemuserid": str(OLGA), "fullname": "Olga Owner", "isdisabled": False}),
    ("account", {"accountid": str(ACME), "name": "Acme B.V."}),
    ("account", {"accountid": str(ACME_OLD), "name": "Acme B.V.", "statecode": 1}),
    ("account", {"accountid": str(TWIN_A), "name": "Twin"}),
    ("account", {"accountid": str(TWIN_B), "name": "twin"}),
    ("contact", {"contactid": str(ANN.id), "lastname": "Proef", "emailaddress1": "ann@example.com"}),
    ("contact", {"contactid": str(BEN.id), "lastname": "Proef", "emailaddress1": "ben@example.com"}),
    ("contact", {"contactid": str(CLEO.id), "lastname": "Proef", "emailaddress1": "cleo@example.com"}),
    ("contact", {"contactid": str(GUIDE), "firstname": "Gid", "lastname": "O'Brien, jr", "emailaddress1": "g@x.nl"}),
    ("lead", {"leadid": str(LEO.id), "lastname": "Proef", "emailaddress1": "leo@example.com"}),
    ("list", {"listid": str(WEEKLY), "listname": "Weekly", "createdfromcode": 2, "type": False}),
    ("list", {"listid": str(MONTHLY), "listname": "Monthly", "createdfromcode": 2, "type": False}),
    ("list", {"listid": str(DYNAMIC), "listname": "Dynamic", "createdfromcode": 2, "type": True}),
    (
        "dh_spotlerpermission",
        {
            "dh_spotlerpermissionid": str(NEWS),
            "dh_name": "News",
            "dh_subscribed": True,
            "dh_customerid": ("contact", str(ANN.id)),
        },
    ),
]

MAPPING = read_mapping(
    {
        "version": 1,
        "timeZone": "Europe/Amsterdam",
        "periodiek": {
            "table": "new_periodiek",
            "name": "new_name",
            "subscribed": "new_subscribed",
            "contact": "new_contactid",
        },
        "rows": [
            {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
            {"spotler": "permissions", "contact": "@map(permissions)", "lead": "@map(permissions)", "direction": "<->"},
            {"spotler": "lists", "contact": "@map(list)", "direction": "<->"},
            {"spotler": "magazines", "contact": "@map(periodiek)", "direction": "<->"},
        ],
    }
)


@dataclass
class Organisation:
    """A running sandbox, a client of it, and what it was asked."""

    client: DataverseClient
    schema: SchemaCache
    sent: list[str]

    async def write(
        self, *writebacks: Writeback, mapping: Mapping = MAPPING, **options: Any
    ) -> Sequence[WritebackResult]:
        return await DataverseWritebacks(self.client, self.schema, mapping, **options).write_back(writebacks)

    async def field(self, source: str, value: PropertyValue, **options: Any) -> WritebackResult:
        """Bring one value of Ann's home."""
        (result,) = await self.write(Writeback(ANN, "", (field(source, value, **options),)))
        return result

    async def person(self, key: RecordKey = ANN) -> PersonRecord:
        return (await PersonReader(self.client, self.schema, MAPPING, frozenset(PersonTable)).read([key]))[key]

    async def stored(self, column: str, key: RecordKey = ANN) -> Any:
        return (await self.client.retrieve(f"{key.table}s", key.id, select=[column]))[column]


def field(
    source: str, value: PropertyValue, kind: PropertyType = PropertyType.STRING, table: str = "contact", **row: Any
) -> FieldReturn:
    document = {"spotler": "wanted", table: source, "direction": "<-", **row}
    email = {"spotler": "email", table: "emailaddress1"}
    entries = (SetEntry(1, "Man"), SetEntry(2, "Female"), SetEntry(4, "Rabbit"))
    definition = PropertyDefinition("wanted", "Wanted", kind, entries if kind is PropertyType.SET else ())
    return FieldReturn(read_mapping({"version": 1, "rows": [email, document]}).rows[1], definition, value)


def option(
    name: str, row: UUID | None = None, option_source: OptionSource = OptionSource.PERMISSIONS, *, subscribed: bool
) -> SubscriptionReturn:
    return SubscriptionReturn(option_source, name, subscribed, row)


@asynccontextmanager
async def organisation_with(**settings: Any) -> AsyncIterator[Organisation]:
    columns = COLUMNS | settings.pop("columns", {})
    tables = {"new_periodiek": PERIODIEK}
    async with open_organisation(ROWS, tag="own", changed_columns=columns, more_tables=tables, **settings) as opened:
        yield Organisation(opened.client, SchemaCache(opened.client, clock=ManualClock()), opened.sent)
