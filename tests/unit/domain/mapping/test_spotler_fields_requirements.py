"""Spotler's database fields and the default mapping as their requirements tell it: DBF, MAP-04, MAP-28..MAP-30."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.adapters.workbook.files import Format, read_file, write_file
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import MapTo
from shared.domain.mapping.model import Direction, Mapping
from shared.domain.records.marketing_contact import (
    ContactWrite,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    Purge,
    SetEntry,
)
from shared.domain.records.records import Intent, PersonTable
from shared.domain.records.table_schema import Schema
from shared.domain.values.fields import as_properties, wished_fields
from tests.connector_twin import ConnectorTwin
from tests.connector_twin import person as connector_person
from tests.contract.clocks import ManualClock
from tests.person_records import person

EMAIL = PropertyDefinition("email", "E-mail", PropertyType.EMAIL)


def mapping_of(*rows: dict[str, Any]) -> Mapping:
    return read_mapping({"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}, *rows]})


def sent(mapping: Mapping, *definitions: PropertyDefinition, **values: Any) -> dict[str, Any]:
    """What an account with these fields is sent for a contact, besides the address."""
    record = person(mapping, values={"emailaddress1": "ann@example.com", **values})
    properties = as_properties(wished_fields(record, mapping, PropertyCatalogue((EMAIL, *definitions))).values)
    return {name: value for name, value in properties.items() if name != "email"}


def said(mapping: Mapping, *definitions: PropertyDefinition) -> list[str]:
    """What a check finds in an account with these fields."""
    catalogue = PropertyCatalogue((EMAIL, *definitions))
    return [str(one) for one in check(mapping, Surroundings(Schema({}), catalogue, frozenset()))]


# ------------------------------------------------------------------------------------------------------ default mapping


def test_map_28_and_c_10_the_default_rows_are_what_a_new_user_expects() -> None:
    rows = {row.property_name: row for row in load_mapping(DEFAULT_MAPPING).rows}

    names, address = {"firstName", "infix", "lastName"}, {"street", "address2", "postalCode", "city", "country"}
    others = {"email", "jobTitle", "birthday", "gender", "phoneNumber", "mobileNumber", "organisation"}
    assert names | address | others | {"customerType", "permissions"} == rows.keys()
    assert str(rows["organisation"].sources[PersonTable.LEAD]) == "companyname"
    assert all(isinstance(source, MapTo) for source in rows["permissions"].sources.values())
    assert {name for name, row in rows.items() if row.direction is not Direction.TO_PLATFORM} == {"permissions"}


@pytest.mark.parametrize(
    ("second", "third", "sent_as"),
    [("Hof", "3e etage", "Hof, 3e etage"), ("Hof", None, "Hof"), (None, "3e etage", "3e etage"), (None, None, "")],
)
@pytest.mark.parametrize("table", PersonTable)
def test_map_21_and_map_22_the_third_line_of_an_address_joins_the_second(
    table: PersonTable, second: str | None, third: str | None, sent_as: str
) -> None:
    default = load_mapping(DEFAULT_MAPPING)
    catalogue = PropertyCatalogue((EMAIL, PropertyDefinition("address2", "Address line 2", PropertyType.STRING)))
    values = {"emailaddress1": "a@b.nl", "address1_line2": second, "address1_line3": third}
    assert wished_fields(person(default, table, values), default, catalogue).values["address2"] == sent_as


def test_map_04_the_default_mapping_is_handed_over_as_a_workbook() -> None:
    default = load_mapping(DEFAULT_MAPPING)
    assert read_file(write_file(default, Format.WORKBOOK, "prod"), "prod") == default


def test_map_29_map_30_and_c_40_a_field_that_becomes_visible_is_filled_from_then_on() -> None:
    mapping = mapping_of({"spotler": "profileField7", "contact": "new_hobby"})
    profile_field = PropertyDefinition("profileField7", "Hobby", PropertyType.STRING)

    assert sent(mapping, new_hobby="Chess") == {}
    assert sent(mapping, profile_field, new_hobby="Chess") == {"profileField7": "Chess"}


# ----------------------------------------------------------------------------------------------------- Spotler's fields


def test_dbf_01_a_field_that_the_owner_adds_or_edits_is_filled_as_it_is_now() -> None:
    mapping = mapping_of({"spotler": "orders", "contact": "new_orders"})
    added = PropertyDefinition("orders", "Orders", PropertyType.STRING)
    edited = PropertyDefinition("orders", "Number of orders", PropertyType.INT)

    (missing,) = said(mapping)

    assert "create it in Spotler" in missing
    assert sent(mapping, new_orders=3) == {}
    assert sent(mapping, added, new_orders=3) == {"orders": "3"}
    assert sent(mapping, edited, new_orders=3) == {"orders": 3}


async def test_dbf_01_the_connector_itself_only_reads_which_fields_there_are() -> None:
    asked: list[tuple[str, str]] = []

    def spotler(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        is_bulk = request.url.path.endswith("/contact/list")
        return httpx.Response(200, json=[{"externalId": "1", "code": "PROPERTY_INVALID"}] if is_bulk else [])

    clock = ManualClock()
    async with httpx.AsyncClient(transport=httpx.MockTransport(spotler)) as http:
        platform = SpotlerPlatform(
            SpotlerClient("https://spotler.example", "k", "s", http=http, clock=clock), clock=clock
        )
        await platform.properties()
        clock.advance(timedelta(minutes=2))
        await platform.upsert([ContactWrite("1", {"new": "x"})], purge=Purge.KEEP)  # a field that is not there
        await platform.properties()

    about_fields = [(method, path) for method, path in asked if "propert" in path]
    assert about_fields == [("GET", "/contact/properties/list")] * 2


async def test_dbf_04_data_that_the_owner_deletes_in_spotler_stays_deleted_until_the_record_says_something_new() -> (
    None
):
    twin = ConnectorTwin()
    ann = twin.crm.create(**connector_person(address1_city="Delft"))
    await twin.sync(ann)
    contact = twin.contact_of("ann@example.com")
    del contact.values["firstName"], contact.values["city"]  # "Delete data" in Spotler

    twin.crm.edit(ann, address1_city="Utrecht")
    await twin.sync(ann)
    assert contact.values["city"] == "Utrecht"
    assert "firstName" not in contact.values

    await twin.look(ann, intent=Intent.PURGE)
    await twin.sync(ann)
    assert contact.values["firstName"] == "Ann", "a purge makes the next synchronisation send everything"


def test_dbf_02_and_map_27_a_field_that_is_hidden_is_named_by_the_check_and_left_alone() -> None:
    mapping = mapping_of({"spotler": "hidden", "contact": "lastname"})

    (finding,) = said(mapping)

    assert "unknown-property (row 2): Spotler has no property with the name hidden" in finding
    assert sent(mapping, lastname="Vries") == {}


def test_dbf_03_a_field_may_get_another_display_name() -> None:
    mapping = mapping_of({"spotler": "profileField7", "contact": "new_hobby"})
    before, after = (PropertyDefinition("profileField7", label, PropertyType.STRING) for label in ("Hobby", "Pastime"))

    assert sent(mapping, before, new_hobby="Chess") == sent(mapping, after, new_hobby="Chess") != {}
    assert said(mapping, after) == []


@pytest.mark.parametrize(
    ("kind", "value", "filled"),
    [
        (PropertyType.STRING, "Chess", "Chess"),
        (PropertyType.BIRTHDATE, "1988-04-27", "1988-04-27"),
        (PropertyType.DATE, "2024-12-31", "2024-12-31"),
        (PropertyType.DATE_TIME, "2024-07-01T12:30:00Z", "2024-07-01T14:30:00+02:00"),
        (PropertyType.INT, 3, 3),
        (PropertyType.MONEY, 12.5, "12.50"),
    ],
)
def test_dbf_05_every_type_of_field_can_be_filled(kind: PropertyType, value: Any, filled: Any) -> None:
    field = PropertyDefinition("new", "New", kind)
    assert sent(mapping_of({"spotler": "new", "contact": "new_a"}), field, new_a=value) == {"new": filled}


def test_dbf_05_a_list_has_options_that_are_selected_or_not() -> None:
    interests = PropertyDefinition(
        "interests", "Interests", PropertyType.SET, (SetEntry(1, "Golf"), SetEntry(2, "Chess"))
    )
    mapping = mapping_of({"spotler": "interests", "contact": "new_interests"})

    options = sent(mapping, interests, new_interests={"choices": {100: "Chess"}})["interests"]

    assert [(option.bit, option.enabled) for option in options] == [(1, False), (2, True)]


def test_dbf_09_the_check_says_so_when_the_permissions_field_is_hidden() -> None:
    (finding,) = said(mapping_of({"spotler": "permissions", "contact": "@map(permissions)"}))
    assert "no property with the name permissions: create it in Spotler, make it visible" in finding


def test_dbf_10_type_birthday_and_owner_can_be_filled_where_the_account_has_them() -> None:
    fields = [
        PropertyDefinition("Type", "Type", PropertyType.STRING),
        PropertyDefinition("Birthday", "Birthday", PropertyType.BIRTHDATE),
        PropertyDefinition("Owner", "Owner", PropertyType.STRING),
    ]
    owner = "ownerid(systemuser).fullname"
    sources = {"Type": "$CustomerType", "Birthday": "birthdate", "Owner": owner}
    mapping = mapping_of(*({"spotler": name, "contact": source} for name, source in sources.items()))

    assert said(mapping, *fields) == []
    values = {"birthdate": "1988-04-27", owner: "Jan"}
    assert sent(mapping, *fields, **values) == {"Type": "contact", "Birthday": "1988-04-27", "Owner": "Jan"}
