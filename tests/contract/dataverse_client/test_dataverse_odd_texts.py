"""Texts that only some ways lead to: half an emoji, blanks at the end, characters that XML cannot hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.crm import DataverseCrm
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Retrieve
from shared.composition.connections import SystemClock
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import DataError
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation

ANN, BOB = UUID(int=1), UUID(int=2)
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("contact", {"contactid": str(ANN), "lastname": "A", "emailaddress1": "ann@example.nl"}),
    ("contact", {"contactid": str(BOB), "lastname": "B", "emailaddress1": "Ann@example.nl  "}),
]
HALF = "Hoofd \ud83d"


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation(ROWS) as opened:
        yield opened


@pytest.mark.parametrize("half", [HALF, "\ude00 laat", "a \ud83d\ud83d b"], ids=ascii)
async def test_a_text_that_was_cut_in_an_emoji_is_read_with_a_mark_in_its_place(
    organisation: DataverseOrganisation, half: str
) -> None:
    await organisation.client.update("contacts", ANN, {"jobtitle": half})
    row = await organisation.client.retrieve("contacts", ANN, select=("jobtitle", "lastname"))
    (rows,) = await organisation.client.retrieve_many(
        [Retrieve("contacts", "contactid", [ANN, BOB], select=("contactid", "jobtitle"))]
    )

    assert row["jobtitle"] == half.encode("utf-8", "replace").decode()
    assert row["lastname"] == "A"
    assert {one["jobtitle"] for one in rows} == {row["jobtitle"], None}


async def test_a_whole_emoji_is_read_as_it_is(organisation: DataverseOrganisation) -> None:
    await organisation.client.update("contacts", ANN, {"jobtitle": "\U0001f600 \\ud83d"})
    row = await organisation.client.retrieve("contacts", ANN, select=("jobtitle",))
    assert row["jobtitle"] == "\U0001f600 \\ud83d"


@pytest.mark.parametrize("wanted", ["ann@example.nl", "ann@example.nl ", "ANN@example.nl"])
async def test_blanks_at_the_end_of_a_text_do_not_count_when_it_is_compared(
    organisation: DataverseOrganisation, wanted: str
) -> None:
    condition = odata.compare("emailaddress1", ODataComparison.EQUAL, wanted)
    found = await organisation.rows("contacts", "contactid", filter=condition)
    assert {row["contactid"] for row in found} == {str(ANN), str(BOB)}


async def test_both_records_of_an_address_are_its_users(organisation: DataverseOrganisation) -> None:
    schema = SchemaCache(organisation.client, clock=SystemClock())
    crm = DataverseCrm(organisation.client, load_mapping(DEFAULT_MAPPING), [PersonTable.CONTACT], schema)
    users = await crm.people_using(["ann@example.nl"])
    keys = {RecordKey(PersonTable.CONTACT, ANN), RecordKey(PersonTable.CONTACT, BOB)}
    assert {key for found in users.values() for key in found} == keys


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe"], ids=ascii)
async def test_characters_that_xml_cannot_hold_are_refused(organisation: DataverseOrganisation, character: str) -> None:
    with pytest.raises(DataError, match="0x80040278"):
        await organisation.client.update("contacts", ANN, {"jobtitle": f"a{character}b"})
