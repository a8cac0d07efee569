"""What the tests of two-way values share: rules both ways, a person on both sides, a count of writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules
from shared.domain.records.records import RecordKey
from tests.connector_twin import RULES, ConnectorTwin, person


def two_way(**rows: dict[str, Any]) -> Rules:
    """First name to Spotler; hobby from Spotler; city and permissions both ways. `rows` change a row by its name."""
    documents: dict[str, dict[str, Any]] = {
        "email": {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
        "firstName": {"spotler": "firstName", "contact": "firstname"},
        "city": {"spotler": "city", "contact": "address1_city", "direction": "<->"},
        "hobby": {"spotler": "hobby", "contact": "new_hobby", "direction": "<-"},
        "permissions": {
            "spotler": "permissions",
            "contact": "@map(permissions)",
            "lead": "@map(permissions)",
            "direction": "<->",
        },
    }
    for name, changes in rows.items():
        documents[name] = documents[name] | changes
    return replace(RULES, mapping=read_mapping({"version": 1, "rows": list(documents.values())}))


async def met(rules: Rules | None = None, **values: Any) -> tuple[ConnectorTwin, RecordKey]:
    """A connector, and a person whom both sides have."""
    twin = ConnectorTwin(rules or two_way())
    ann = twin.crm.create(
        **person(address1_city="Delft", new_hobby=None, permissions={"Newsletter": True, "Events": False}, **values)
    )
    await twin.sync(ann)
    return twin, ann


def value(twin: ConnectorTwin, key: RecordKey, column: str) -> Any:
    return twin.crm.people[key].values.get(column)


def subscribed(twin: ConnectorTwin, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in twin.crm.people[key].permissions}


async def ping_pong(twin: ConnectorTwin) -> int:
    """Count the writes of the next two polls."""
    before = (len(twin.platform.writes), len(twin.writebacks.written))
    await twin.poll()
    await twin.poll()
    return len(twin.platform.writes) + len(twin.writebacks.written) - sum(before)
