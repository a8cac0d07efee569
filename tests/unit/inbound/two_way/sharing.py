"""What tests of records with one e-mail address share: two records of one contact, and what each side shows."""

from __future__ import annotations

from typing import Any

from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonTable, RecordKey
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import two_way, value

LEAD = PersonTable.LEAD
BOTH = {"lead": "firstname", "direction": "<->"}
HOME = {"lead": "new_hobby"}
POST_CODE = {
    "spotler": "postalCode",
    "contact": "address1_postalcode",
    "lead": "address1_postalcode",
    "direction": "<->",
}
ADDRESS = "ann@example.com"
TEXT = "Shares its e-mail address with {0}. What is changed in Spotler comes home to {0}; here, only permissions do."


def named(**rows: dict[str, Any]) -> Rules:
    """First name both ways and hobby from Spotler, on contacts and leads."""
    return two_way(
        **{"firstName": BOTH, "hobby": HOME, "city": {"lead": "address1_city", "direction": "->"}, **rows},
    )


async def couple(rules: Rules | None = None) -> tuple[ConnectorTwin, RecordKey, RecordKey]:
    """Ann, who was synchronised first, and Ben with the same address."""
    twin = ConnectorTwin(rules or named())
    ann = twin.crm.create(**person(address1_city="Delft", new_hobby=None, permissions={"Newsletter": True}))
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben", address1_city="Breda", new_hobby=None))
    await twin.sync(ben)
    await twin.poll()
    return twin, ann, ben


def spotler(twin: ConnectorTwin, name: str) -> Any:
    return twin.contact_of(ADDRESS).values.get(name, "")


def names(twin: ConnectorTwin, *keys: RecordKey) -> list[Any]:
    return [value(twin, key, "firstname") for key in keys]


def text_of(twin: ConnectorTwin, key: RecordKey) -> str:
    status = twin.crm.people[key].status
    assert status is not None
    return status.reason
