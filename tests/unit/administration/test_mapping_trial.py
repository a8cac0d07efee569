"""A mapping that would remove data of a large share of all records is applied only if that is accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from shared.administration.preview import Preview
from shared.domain.mapping.findings import Code, Finding
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.planning.rules import Unmapped
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from tests.connector_twin import MAPPING, ConnectorTwin, person, rules
from tests.twins import TwinCrm

EMPTY_COLUMN = {"spotler": "city", **dict.fromkeys(PersonTable, "nickname")}


class Reading:
    """Reads people as they are, whatever the mapping."""

    def __init__(self, crm: TwinCrm) -> None:
        self._crm = crm

    async def read(self, keys: Collection[RecordKey]) -> Mapping[RecordKey, PersonRecord]:
        return await self._crm.read_people(list(keys))


def mapping_with(*rows: Mapping[str, Any], **changes: Any) -> FieldMapping:
    """The usual mapping with other rows for some properties."""
    other = read_mapping(
        {"version": 1, "rows": [{"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1")}, *rows]}
    ).rows[1:]
    names = {row.property_name for row in other}
    return replace(MAPPING, rows=(*(row for row in MAPPING.rows if row.property_name not in names), *other), **changes)


async def trial(mapping: FieldMapping, *, cities: int, unmapped: Unmapped = Unmapped.KEEP) -> list[Finding]:
    """The result of a trial with people of whom some have a city."""
    twin = ConnectorTwin(rules(unmapped=unmapped))
    people = [
        twin.crm.create(
            **person(emailaddress1=f"p{n}@example.com", nickname=None, address1_city="Gouda" if n < cities else None)
        )
        for n in range(20)
    ]
    await twin.sync(*people)
    preview = Preview(
        crm=twin.crm,
        reading=lambda _: Reading(twin.crm),
        platform=twin.platform,
        ledger=twin.ledger,
        rules=twin.rules,
        percent=20,
    )
    return await preview.findings(mapping)


async def test_a_field_that_is_emptied_for_a_large_share_is_warned_of() -> None:
    (finding,) = await trial(mapping_with(EMPTY_COLUMN), cities=12)

    assert finding.code is Code.EMPTIES_MANY
    assert finding.text == "city would be emptied in Spotler for 12 of 20 records in a sample"


async def test_a_field_that_few_have_and_a_mapping_that_changes_nothing_are_not() -> None:
    assert await trial(mapping_with(EMPTY_COLUMN), cities=9) == []
    assert await trial(MAPPING, cities=20) == []


async def test_a_row_that_is_taken_out_empties_a_field_only_where_unmapped_fields_are_emptied() -> None:
    fewer = replace(MAPPING, rows=tuple(row for row in MAPPING.rows if row.property_name != "city"))

    assert await trial(fewer, cities=20) == []
    (finding,) = await trial(fewer, cities=20, unmapped=Unmapped.CLEAR)
    assert finding.code is Code.EMPTIES_MANY


async def test_a_filter_that_takes_a_large_share_out_is_warned_of() -> None:
    document = {"version": 1, "rows": [{"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1")}]}
    filtered = read_mapping({**document, "outside": "anonymize", "filters": {"contact": 'address1_city = "Gouda"'}})
    strict = replace(MAPPING, filters=filtered.filters, outside=filtered.outside)

    (finding,) = await trial(strict, cities=5)

    assert finding.code is Code.ENDS_MANY
    assert finding.text == "The filter would take 15 of 20 records in a sample out of Spotler that are there now"
