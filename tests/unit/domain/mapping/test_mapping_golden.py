"""Whole records through whole mappings, as files that a consultant can read: see `golden/`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import Mapping
from shared.domain.mapping.reverse_conversions import NeedsMatch, Stored, returned
from shared.domain.records.marketing_contact import (
    ContactWrite,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    Purge,
    SetEntry,
    SetOption,
)
from shared.domain.records.records import PersonRecord, PersonTable
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import Misfit
from shared.installation.yaml_files import read_yaml
from tests.contract.clocks import ManualClock
from tests.person_records import person

GOLDEN = Path(__file__).parent / "golden"


def stories(part: str) -> list[Any]:
    return [pytest.param(document, id=name) for name, document in documents().items() if part in document]


@cache
def documents() -> dict[str, Any]:
    return {path.stem: read_yaml(path) for path in sorted(GOLDEN.glob("*.yaml"))}


@pytest.mark.parametrize("story", stories("sent"))
def test_a_record_goes_to_spotler_as_the_file_says(story: dict[str, Any]) -> None:
    mapping, catalogue = read_mapping(story["mapping"]), catalogue_of(story["spotler"])

    fields = wished_fields(record_of(story, mapping), mapping, catalogue)

    assert readable(fields, catalogue) == story["sent"]
    assert [str(problem) for problem in (*fields.fatal, *fields.omitted, *fields.cut)] == story.get("said", [])


@pytest.mark.parametrize("story", stories("payload"))
async def test_the_payload_of_spotler_is_what_the_file_says(story: dict[str, Any]) -> None:
    mapping, catalogue = read_mapping(story["mapping"]), catalogue_of(story["spotler"])
    fields = wished_fields(record_of(story, mapping), mapping, catalogue)
    bodies: list[Any] = []

    def spotler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json=[{"externalId": "7", "code": "OK"}])

    async with httpx.AsyncClient(transport=httpx.MockTransport(spotler)) as http:
        client = SpotlerClient("https://spotler.example", "key", "secret", http=http, clock=ManualClock())
        await client.upsert_many([ContactWrite("7", as_properties(fields.values))], purge=Purge.KEEP)

    assert bodies == [story["payload"]]


@pytest.mark.parametrize("story", stories("returned"))
def test_a_record_comes_back_from_its_own_payload_as_it_went_or_as_the_file_says(story: dict[str, Any]) -> None:
    mapping, catalogue = read_mapping(story["mapping"]), catalogue_of(story["spotler"])
    sent = as_properties(wished_fields(record_of(story, mapping), mapping, catalogue).values)

    lost = story["returned"]["but for"]
    for row in mapping.rows:
        column, definition = row.sources[PersonTable.CONTACT], catalogue.named(row.property_name)
        assert isinstance(column, Column)
        assert definition is not None
        back = returned(
            sent[row.property_name],
            definition,
            column_of(column.name, story["columns"][column.name]),
            zone=mapping.zone,
            choices=row.choices,
        )
        assert back == Stored(lost.get(column.name, story["record"][column.name])), column.name


@pytest.mark.parametrize("story", stories("stored"))
def test_a_contact_comes_back_to_dataverse_as_the_file_says(story: dict[str, Any]) -> None:
    mapping, catalogue = read_mapping(story["mapping"]), catalogue_of(story["spotler"])
    stored: dict[str, Any] = {}
    for row in mapping.rows:
        column, definition = row.sources[PersonTable.CONTACT], catalogue.named(row.property_name)
        if not row.direction.reaches_dataverse or definition is None:
            continue
        assert isinstance(column, Column)
        result = returned(
            received(story["received"][row.property_name], definition),
            definition,
            column_of(column.name, story["columns"][column.name]),
            zone=mapping.zone,
            choices=row.choices,
        )
        match result:
            case Stored(value):
                stored[column.name] = value
            case NeedsMatch(name):
                stored[column.name] = f"the row named {name}"
            case Misfit(expected):
                stored[column.name] = f"expected {expected}"

    assert stored == story["stored"]


def record_of(story: dict[str, Any], mapping: Mapping) -> PersonRecord:
    return person(
        mapping,
        PersonTable(story["table"]),
        story["record"],
        labels=story.get("labels", {}),
        permissions=story.get("permissions", {}),
    )


def catalogue_of(described: dict[str, Any]) -> PropertyCatalogue:
    definitions = []
    for name, kind in described.items():
        if isinstance(kind, dict):
            entries = tuple(SetEntry(bit, label) for bit, label in kind.items())
            definitions.append(PropertyDefinition(name, name.title(), PropertyType.SET, entries))
        else:
            definitions.append(PropertyDefinition(name, name.title(), PropertyType(kind)))
    return PropertyCatalogue(tuple(definitions))


def readable(fields: Any, catalogue: PropertyCatalogue) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in as_properties(fields.values).items():
        definition = catalogue.named(name)
        assert definition is not None
        if isinstance(value, tuple):
            labels = {option.bit: definition.entry_with_bit(option.bit) for option in value}
            shown[name] = {labels[option.bit].label: option.enabled for option in value}
        else:
            shown[name] = value
    return shown


def received(value: Any, definition: PropertyDefinition) -> Any:
    if not isinstance(value, dict):
        return value
    return tuple(SetOption(entry.bit, value[entry.label]) for entry in definition.entries if entry.label in value)


def column_of(name: str, described: dict[str, Any]) -> ColumnDefinition:
    options = tuple(Option(value, label=label) for value, label in described.get("options", {}).items())
    return ColumnDefinition(
        name,
        ColumnType(described["type"]),
        max_length=described.get("max_length"),
        behaviour=DateBehaviour(described["behaviour"]) if "behaviour" in described else None,
        shows_time=described.get("shows_time", True),
        options=options,
    )
