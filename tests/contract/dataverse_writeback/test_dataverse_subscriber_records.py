"""New subscribers in Dataverse (NEW-01..NEW-09, IF-04), against the sandbox's Web API over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.writeback.subscriber_records import DataverseSubscriberRecords
from shared.domain.features.subscriber_import import NewField
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import Column, OptionSource
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConfigurationError, DataError
from shared.ports.new_subscribers import Created, NewEntry, NewRecord
from tests.contract.clocks import ManualClock
from tests.contract.custom_tables import membership_entries, text
from tests.contract.dataverse_organisation import open_organisation

ANN, BEN, TWIN, GONE = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (11, 12, 13, 14))
NEW, NEW_LEAD = RecordKey(PersonTable.CONTACT, UUID(int=101)), RecordKey(PersonTable.LEAD, UUID(int=102))
ENTRY, ACME = UUID(int=201), UUID(int=31)

ENTRIES = membership_entries(
    name="new_name",
    new_name=text(),
    new_channel={"type": "Picklist", "options": {"1": "Website", "2": "Phone"}},
    new_companyid={"type": "Lookup", "targets": {"account": "new_CompanyId"}},
)
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"accountid": str(ACME), "name": "Acme"}),
    *(
        ("contact", {"contactid": str(key.id), "lastname": name, "emailaddress1": email, **more})
        for key, name, email, more in (
            (ANN, "Proef", "ann@example.com", {"birthdate": "1980-02-03", "numberofchildren": 2}),
            (BEN, "O'Neil", "same@example.com", {}),
            (TWIN, "Twin", "Same@example.com", {}),
            (GONE, "Gone", "gone@example.com", {"statecode": 1}),
        )
    ),
]
MAPPING = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
            {"spotler": "permissions", "contact": "@map(permissions)", "lead": "@map(permissions)", "direction": "<->"},
        ],
    }
)


def value(column: str, content: PropertyValue, kind: PropertyType = PropertyType.STRING) -> NewField:
    return NewField(Column(column), MAPPING.rows[0], PropertyDefinition(column, column, kind), content)


def contact(*fields: NewField, key: RecordKey = NEW, **options: bool) -> NewRecord:
    email = value("emailaddress1", "new@example.com")
    subscriptions = tuple(SubscriptionReturn(OptionSource.PERMISSIONS, name, on, None) for name, on in options.items())
    return NewRecord(key, "emailaddress1", (email, *fields), subscriptions)


@dataclass
class Organisation:
    """A running sandbox, a client of it, and what it was asked."""

    client: DataverseClient
    schema: SchemaCache
    sent: list[str]

    def new_subscribers(self, **options: Any) -> DataverseSubscriberRecords:
        return DataverseSubscriberRecords(self.client, self.schema, MAPPING, **options)

    async def find(self, *wanted: tuple[NewField, ...]) -> list[list[RecordKey]]:
        found = await self.new_subscribers().matching(PersonTable.CONTACT, wanted)
        return [sorted(keys) for keys in found]

    async def create(self, *records: NewRecord | NewEntry, **options: Any) -> list[Created]:
        return list(await self.new_subscribers(**options).create(records))

    async def permissions(self, key: RecordKey) -> dict[str, bool]:
        reader = PersonReader(self.client, self.schema, MAPPING, frozenset(PersonTable))
        return {row.name: row.subscribed for row in (await reader.read([key]))[key].permissions}


@asynccontextmanager
async def organisation_with(
    rows: Sequence[tuple[str, dict[str, Any]]] = ROWS, **settings: Any
) -> AsyncIterator[Organisation]:
    tables = {"new_membershipentry": ENTRIES}
    async with open_organisation(rows, tag="own", more_tables=tables, **settings) as opened:
        yield Organisation(opened.client, SchemaCache(opened.client, clock=ManualClock()), opened.sent)


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with organisation_with() as opened:
        yield opened


# ----------------------------------------------------------------------------------------------------------------- find


async def test_new_04_contacts_are_found_by_their_address_in_one_request(organisation: Organisation) -> None:
    await organisation.find()
    organisation.sent.clear()
    addresses = ("ANN@example.com", "same@example.com", "gone@example.com", "nobody@example.com")
    found = await organisation.find(*((value("emailaddress1", address),) for address in addresses))
    assert found == [[ANN], [BEN, TWIN], [], []]
    assert organisation.sent == ["POST $batch"]


async def test_new_05_contacts_are_found_by_other_columns(organisation: Organisation) -> None:
    same = value("emailaddress1", "same@example.com")
    born = value("birthdate", "1980-02-03", PropertyType.BIRTHDATE)
    await organisation.find((same, value("lastname", "x")))
    organisation.sent.clear()
    found = await organisation.find(
        (same, value("lastname", "O'NEIL")),
        (born, value("numberofchildren", 2, PropertyType.INT)),
        (born, value("numberofchildren", "many")),
        (),
    )
    assert found == [[BEN], [ANN], [], []]
    assert organisation.sent == ["POST $batch"]


@pytest.mark.parametrize("column", ["parentcustomerid", "new_nosuch"])
async def test_new_05_a_column_that_cannot_be_compared_is_a_configuration_error(
    organisation: Organisation, column: str
) -> None:
    with pytest.raises(ConfigurationError, match=column):
        await organisation.find((value(column, "Acme"), value("lastname", "x")))


async def test_dup_03_two_domains_that_look_alike_are_two_addresses() -> None:
    rows = [
        ("contact", {"contactid": str(key.id), "lastname": "x", "emailaddress1": email})
        for key, email in ((ANN, "info@straße.de"), (BEN, "info@strasse.de"))
    ]
    async with organisation_with(rows) as opened:
        found = await opened.find(
            (value("emailaddress1", "INFO@straße.de"),), (value("emailaddress1", "info@strasse.de"),)
        )
    assert found == [[ANN], [BEN]]


# --------------------------------------------------------------------------------------------------------------- create


async def test_new_01_a_contact_and_a_lead_are_created_with_their_permissions_in_one_batch(
    organisation: Organisation,
) -> None:
    """NEW-09: the permissions that Spotler has, also those that are off."""
    await organisation.create(contact(key=RecordKey(PersonTable.LEAD, UUID(int=999))))  # learns the schema
    await organisation.create(contact(key=RecordKey(PersonTable.CONTACT, UUID(int=998))))
    organisation.sent.clear()
    created = await organisation.create(
        contact(value("lastname", "Nieuw"), News=True, Offers=False),
        contact(value("lastname", "Nieuw"), key=NEW_LEAD, News=True),
    )
    assert created == [Created(), Created()]
    assert organisation.sent == ["POST $batch"]
    row = await organisation.client.retrieve("contacts", NEW.id, select=["lastname", "emailaddress1"])
    assert (row["lastname"], row["emailaddress1"]) == ("Nieuw", "new@example.com")
    assert await organisation.permissions(NEW) == {"News": True, "Offers": False}
    assert await organisation.permissions(NEW_LEAD) == {"News": True}


async def test_new_03_a_repetition_creates_nothing_twice_and_changes_nothing(organisation: Organisation) -> None:
    record = contact(value("lastname", "Nieuw"), News=True)
    await organisation.create(record)
    await organisation.client.update("contacts", NEW.id, {"lastname": "Changed"})
    pages = organisation.client.query("dh_spotlerpermissions", select=["dh_name"])
    (permission,) = [UUID(row["dh_spotlerpermissionid"]) async for page in pages for row in page]
    await organisation.client.update("dh_spotlerpermissions", permission, {"dh_subscribed": False})
    assert await organisation.create(record) == [Created(existed=True)]
    assert (await organisation.client.retrieve("contacts", NEW.id, select=["lastname"]))["lastname"] == "Changed"
    assert await organisation.permissions(NEW) == {"News": False}


async def test_new_03_an_attempt_that_died_half_way_is_completed(organisation: Organisation) -> None:
    await organisation.create(contact())
    assert await organisation.create(contact(News=True)) == [Created(existed=True)]
    assert await organisation.permissions(NEW) == {"News": True}


async def test_a_value_that_does_not_fit_is_left_out_and_the_row_is_created(organisation: Organisation) -> None:
    (created,) = await organisation.create(contact(value("jobtitle", "x" * 200), value("parentcustomerid", "Nobody")))
    assert created.error is None
    assert sorted(problem.source for problem in created.problems) == ["jobtitle", "parentcustomerid"]


@pytest.mark.parametrize(
    ("name", "beginning"), [("L" * 60, "L" * 50), ("👨‍👩‍👧‍👦" * 5, "👨‍👩‍👧‍👦" * 4), ("Jansen", "Jansen")]
)
async def test_cs_24_a_last_name_that_is_too_long_is_cut_between_characters_and_that_is_told(
    organisation: Organisation, name: str, beginning: str
) -> None:
    (created,) = await organisation.create(contact(value("lastname", name)))
    assert created.error is None
    row = await organisation.client.retrieve("contacts", NEW.id, select=["lastname"])
    assert row["lastname"] == beginning
    told = [] if name == beginning else ["Spotler's lastname: cut to 50 characters for lastname"]
    assert [str(problem) for problem in created.problems] == told


async def test_without_its_address_a_record_is_not_created(organisation: Organisation) -> None:
    record = NewRecord(NEW, "emailaddress1", (value("emailaddress1", "x" * 200), value("lastname", "y")))
    first, second = await organisation.create(record, contact(key=NEW_LEAD))
    assert isinstance(first.error, DataError)
    assert first.error.summary == "A new record needs emailaddress1, and the value does not fit"
    assert second == Created()
    assert await organisation.find((value("lastname", "y"), value("lastname", "y"))) == [[]]


async def test_a_row_that_dataverse_refuses_hinders_no_other() -> None:
    columns = {"contact.new_badge": {"type": "String", "max": 20, "required": "SystemRequired"}}
    async with organisation_with(changed_columns=columns) as opened:
        first, second = await opened.create(contact(News=True), contact(key=NEW_LEAD))
        assert await opened.find((value("emailaddress1", "new@example.com"),)) == [[]]
    assert isinstance(first.error, DataError)
    assert "new_badge" in first.error.detail
    assert second == Created()


async def test_new_03_duplicate_detection_applies_to_contacts_and_never_to_leads() -> None:
    rules = {"contact": [["emailaddress1"]], "lead": [["emailaddress1"]]}
    async with organisation_with(duplicate_rules=rules) as opened:
        records = [
            contact(key=RecordKey(table, UUID(int=number)))
            for number, table in enumerate(
                (PersonTable.CONTACT, PersonTable.CONTACT, PersonTable.LEAD, PersonTable.LEAD), 500
            )
        ]
        created = await opened.create(*records, detects_duplicates=True)
    assert [one.error is None for one in created] == [True, False, True, True]
    assert isinstance(created[1].error, DataError)
    assert "duplicate detection" in created[1].error.summary


async def test_an_alternate_key_that_is_taken_is_no_earlier_attempt() -> None:
    async with organisation_with(alternate_keys={"contact": [["emailaddress1"]]}) as opened:
        await opened.create(contact())
        (created,) = await opened.create(contact(key=RecordKey(PersonTable.CONTACT, UUID(int=777))))
    assert isinstance(created.error, DataError)
    assert created.error.summary == "Another row has the same alternate key: emailaddress1"
    assert not created.existed


# --------------------------------------------------------------------------------------------------- membership entries


async def test_if_04_a_membership_entry_is_created_and_then_updated(organisation: Organisation) -> None:
    for name in ("Ann", "Anna"):
        entry = NewEntry(
            "new_membershipentry",
            ENTRY,
            (value("new_name", name), value("new_channel", "website"), value("new_companyid", "acme")),
        )
        assert await organisation.create(entry) == [Created()]
    rows = [
        row
        async for page in organisation.client.query(
            "new_membershipentries", select=["new_name", "new_channel", "_new_companyid_value"]
        )
        for row in page
    ]
    assert [(row["new_name"], row["new_channel"], row["_new_companyid_value"]) for row in rows] == [
        ("Anna", 1, str(ACME))
    ]


async def test_an_entity_table_that_does_not_exist_is_the_administrators_business(organisation: Organisation) -> None:
    (created,) = await organisation.create(NewEntry("new_nosuch", ENTRY, (value("new_name", "x"),)))
    assert isinstance(created.error, ConfigurationError)
