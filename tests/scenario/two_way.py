"""Both directions: an organisation and an account with columns of every kind, and what people do on Spotler's side."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shared.adapters.dataverse.records.tables import PEOPLE, PERMISSIONS
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.formats.yaml_format import as_document, from_yaml, to_yaml
from shared.local.commands.connector import ROOT
from tests.contract.custom_tables import PERIODIEK, membership_entries, text
from tests.scenario.world import Person, World, open_world

_OPTIONS = {"1": "Tuin", "2": "Reizen", "3": "Sport"}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "new_nickname": {"type": "String", "max": 40},
    "new_story": {"type": "Memo", "max": 2000},
    "new_visits": {"type": "Integer"},
    "new_ratio": {"type": "Decimal"},
    "new_weight": {"type": "Double"},
    "new_spent": {"type": "Money"},
    "new_vip": {"type": "Boolean", "options": {"0": "Nee", "1": "Ja"}},
    "new_colour": {"type": "Picklist", "options": {"1": "Rood", "2": "Groen"}},
    "new_topics": {"type": "MultiSelectPicklist", "options": _OPTIONS},
    "new_since": {"type": "DateTime", "dateonly": True},
    "new_localday": {"type": "DateTime", "dateonly": True, "behavior": "UserLocal"},
    "new_moment": {"type": "DateTime"},
    "new_wall": {"type": "DateTime", "behavior": "TimeZoneIndependent"},
    "new_guide": {"type": "Lookup", "targets": {"contact": "new_Guide"}},
    "lastname": {"type": "String", "max": 50, "required": "ApplicationRequired"},
}
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "story": {},
    "ratio": {"type": "money"},
    "weight": {"type": "money"},
    "spent": {"type": "money"},
    "vip": {},
    "colour": {},
    "topics": {"type": "set", "options": {1: "Tuin", 2: "Reizen", 4: "Sport"}},
    "since": {"type": "date"},
    "localDay": {"type": "date"},
    "moment": {"type": "dateTime"},
    "wall": {"type": "dateTime"},
    "guide": {},
    "magazines": {"type": "set", "options": {1: "Voorjaar", 2: "Najaar"}},
}
ENTRY = membership_entries(name="new_email", new_town=text(), new_source=text())

BOTH, HOME = "<->", "<-"
ROWS: Sequence[Mapping[str, Any]] = (
    {"spotler": "profileField1", "contact": "new_nickname", "direction": BOTH},
    {"spotler": "story", "contact": "new_story", "direction": BOTH},
    {"spotler": "freeField1", "contact": "new_visits", "direction": BOTH},
    {"spotler": "ratio", "contact": "new_ratio", "direction": BOTH},
    {"spotler": "weight", "contact": "new_weight", "direction": BOTH},
    {"spotler": "spent", "contact": "new_spent", "direction": BOTH},
    {"spotler": "vip", "contact": "new_vip", "direction": BOTH},
    {"spotler": "colour", "contact": "new_colour", "direction": BOTH},
    {"spotler": "topics", "contact": "new_topics", "direction": BOTH},
    {"spotler": "since", "contact": "new_since", "direction": BOTH},
    {"spotler": "localDay", "contact": "new_localday", "direction": BOTH},
    {"spotler": "moment", "contact": "new_moment", "direction": BOTH},
    {"spotler": "wall", "contact": "new_wall", "direction": BOTH},
    {"spotler": "guide", "contact": "new_guide", "direction": BOTH},
)
"""One row for each kind of column, beside the default ones."""

TABLES = (*(names.entity_set for names in PEOPLE.values()), "dh_spotlerinfos", PERMISSIONS, "tasks")
"""Everything of Dataverse that the connector writes to while it synchronises."""


def mapping_text(*rows: Mapping[str, Any], **options: Any) -> str:
    """Return the default mapping with `rows` added, or in the place of those for the same property."""
    document = as_document(from_yaml((ROOT / "shared/domain/mapping/default.yaml").read_text(encoding="utf-8")))
    replaced = {row["spotler"] for row in rows}
    kept = [row for row in document["rows"] if row["spotler"] not in replaced]
    return to_yaml(read_mapping({**document, **options, "rows": [*kept, *rows]}))


@asynccontextmanager
async def open_both_ways(
    folder: Path,
    *options: str,
    rows: Sequence[Mapping[str, Any]] = ROWS,
    mapping: Mapping[str, Any] | None = None,
    duplicate_rules: Mapping[str, Any] | None = None,
    **settings: str,
) -> AsyncIterator[World]:
    """Open a world with those columns and properties, and start its connector with a mapping that has `rows`."""
    own = {
        "columns": {f"contact.{name}": facts for name, facts in COLUMNS.items()},
        "tables": {"new_periodiek": PERIODIEK, "new_membershipentry": ENTRY},
        "duplicate_rules": duplicate_rules or {},
        "properties": PROPERTIES,
    }
    (customised := folder / "customised.json").write_text(json.dumps(own), encoding="utf-8")
    (text := folder / "mapping.yaml").write_text(mapping_text(*rows, **(mapping or {})), encoding="utf-8")
    settings = {"MAPPING_FILE": str(text), **settings}
    async with open_world(folder, "--customised", str(customised), *options, **settings) as opened:
        await opened.connector.start()
        yield opened


async def edit(world: World, person: Person | str, **properties: Any) -> None:
    """Change a contact in Spotler, as a colleague, a profile form or an automation does."""
    email = person if isinstance(person, str) else person.email
    await world.spotler.post(f"contact/edit?email={email}", {"properties": properties})


async def switch(world: World, person: Person, **bits: bool) -> None:
    """Switch permissions in Spotler: `newsletter`, `productinfo`, `servicenotifications`, `offers`."""
    numbers = {"newsletter": 1, "productinfo": 2, "servicenotifications": 4, "offers": 8}
    await edit(world, person, permissions=[{"bit": numbers[name], "enabled": on} for name, on in bits.items()])


async def poll(world: World) -> dict[str, Any]:
    """Poll at once, and wait for everything that follows from it; returns what the poll says."""
    answer = await world.connector.call("POST", "/api/poll", {})
    assert answer.status_code == 200, answer.text
    await world.settled()
    polled: dict[str, Any] = answer.json()
    return polled


async def nothing_more(world: World, polls: int = 2) -> None:
    """No ping-pong (C-44): what both sides agree on, the next polls leave as it is, to the last version number."""
    await world.settled()
    before = await versions(world)
    for _ in range(polls):
        await poll(world)
    after = await versions(world)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()


async def versions(world: World) -> dict[str, str]:
    """Return the version of every row in Dataverse and every contact in Spotler."""
    found = {contact["encryptedId"]: str(contact["lastChanged"]) for contact in await world.spotler.contacts()}
    for table in TABLES:
        rows = (await world.dynamics.read(f"{table}?$select=createdon"))["value"]
        found |= {f"{table} {_identifier(row)}": row["@odata.etag"] for row in rows}
    return found


def _identifier(row: Mapping[str, Any]) -> str:
    (column,) = (name for name in row if name.endswith("id") and "@" not in name)
    return str(row[column])


async def stored(world: World, person: Person, column: str) -> Any:
    """Read a column of a record."""
    return (await world.dynamics.read(f"{person.path}?$select={column}"))[column]


async def permission_rows(world: World, person: Person) -> dict[str, bool]:
    """Read the subgrid of permissions."""
    lookup = {"contact": "dh_CustomerId", "account": "dh_CustomerId", "lead": "dh_LeadId"}[person.table]
    query = f"$select=dh_name,dh_subscribed&$filter=_{lookup.lower()}_value eq {person.id}"
    rows = (await world.dynamics.read(f"{PERMISSIONS}?{query}"))["value"]
    return {row["dh_name"]: row["dh_subscribed"] for row in rows}


async def explained(world: World, person: Person) -> dict[str, Any]:
    """Ask why a record is (not) in Spotler."""
    answer: dict[str, Any] = (await world.connector.call("GET", f"/api/explain/{person.table}/{person.id}")).json()
    return answer
