"""Who is a new subscriber, and what a new row gets (S2D-09, NEW-06..NEW-08, MAP-10, MAP-25, IF-05)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.domain.features.subscriber_import import ImportTarget, new_row, row_id
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.records.marketing_contact import MarketingContact
from shared.engine.refusals.returns import record_id_of
from tests.import_setup import CATALOGUE, MAPPING, new_subscriber

# ----------------------------------------------------------------------------------------------------------- who is new


@pytest.mark.parametrize(
    ("external_id", "is_new"),
    [("", True), ("   ", True), ("afas-1234", True), (str(UUID(int=5)), False), (str(UUID(int=5)).upper(), False)],
)
def test_s2d_09_new_08_a_contact_without_a_guid_as_external_id_is_new(external_id: str, is_new: bool) -> None:  # noqa: FBT001
    assert (record_id_of(new_subscriber(1, external_id=external_id)) is None) is is_new


# ------------------------------------------------------------------------------------------------------ what a row gets


def columns(contact: MarketingContact, target: ImportTarget) -> dict[str, Any]:
    return {one.column.name: one.value for one in new_row(contact, target, MAPPING, CATALOGUE).fields}


def test_new_07_a_new_row_gets_the_columns_that_reach_dataverse_and_its_address() -> None:
    contact = new_subscriber(1, firstName="Ann", lastName="Proef", phoneNumber="0101234567")
    wanted = {"emailaddress1": "new1@example.com", "firstname": "Ann", "lastname": "Proef"}
    assert columns(contact, ImportTarget.LEAD) == wanted
    assert columns(contact, ImportTarget.CONTACT) == wanted | {"new_source": "Website"}


def test_new_06_map_25_a_fixed_value_marks_the_origin_of_the_subscriber() -> None:
    assert columns(new_subscriber(1), ImportTarget.CONTACT)["new_source"] == "Website"


@pytest.mark.parametrize("empty", [{}, {"lastName": ""}, {"lastName": "  "}])
def test_cs_24_without_a_last_name_the_address_offers_one(empty: dict[str, str]) -> None:
    contact = new_subscriber(1, "ann.proef@example.com", firstName="Ann", **empty)
    assert columns(contact, ImportTarget.CONTACT)["lastname"] == "ann.proef"


def test_a_value_that_is_not_dutch_is_taken_from_the_property_that_has_it() -> None:
    """VAL-07, for values from Spotler."""
    assert columns(new_subscriber(1, foreignPostalCode="SW1A"), ImportTarget.CONTACT)["address1_postalcode"] == "SW1A"
    both = new_subscriber(1, postalCode="1234 AB", foreignPostalCode="SW1A")
    assert columns(both, ImportTarget.CONTACT)["address1_postalcode"] == "1234 AB"


def test_map_10_if_05_a_membership_entry_gets_the_entity_columns() -> None:
    contact = new_subscriber(1, firstName="Ann", lastName="Proef")
    assert columns(contact, ImportTarget.MEMBERSHIP_ENTRY) == {"new_name": "Ann", "new_channel": "Website"}


def test_the_example_of_the_how_to_is_a_mapping_whose_entries_get_the_address() -> None:
    page = (Path(__file__).parents[4] / "docs" / "howto" / "two-way.md").read_text(encoding="utf-8")
    mapping = from_yaml("version: 1\n" + page.partition("```yaml\n")[2].partition("```")[0])
    row = new_row(new_subscriber(1, firstName="Ann"), ImportTarget.MEMBERSHIP_ENTRY, mapping, CATALOGUE)
    assert {one.column.name: one.value for one in row.fields} == {
        "new_email": "new1@example.com",
        "new_firstname": "Ann",
        "new_source": "Website",
    }


def test_the_id_of_a_row_follows_from_the_contact() -> None:
    ids = {row_id(target, identity) for target in ImportTarget for identity in ("a", "b")}
    assert len(ids) == 2 * len(ImportTarget)
    assert row_id(ImportTarget.LEAD, "a") == row_id(ImportTarget.LEAD, "a")


def test_values_appear_in_no_representation() -> None:
    row = new_row(new_subscriber(1, firstName="Geheim"), ImportTarget.CONTACT, MAPPING, CATALOGUE)
    assert "Geheim" not in repr(row)
    assert "new1@" not in repr(row)
