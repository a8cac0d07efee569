"""Why a person is, or is not, in Spotler: the plan of the next synchronisation, with nothing written."""

from __future__ import annotations

import json
from typing import Any

from shared.domain.records.records import PersonTable, RecordKey
from tests.connector_twin import ConnectorTwin, person


async def explained(twin: ConnectorTwin, key: RecordKey) -> dict[str, Any]:
    """Explain, check that nothing was written, and return what JSON makes of it."""
    before = (dict(twin.store.documents), len(twin.platform.writes), twin.crm.calls["report"])
    answer = await twin.explain.record(key)
    assert before == (twin.store.documents, len(twin.platform.writes), twin.crm.calls["report"])
    return dict(json.loads(json.dumps(answer)))


def unmet(answer: dict[str, Any]) -> list[str]:
    return [one["why"] for one in answer["conditions"] if not one["met"]]


async def test_a_new_record_shows_what_would_be_created() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))

    answer = await explained(twin, ann)

    assert unmet(answer) == []
    assert answer["inSpotler"] is False
    assert answer["plan"]["action"] == "write"
    assert answer["plan"]["properties"]["firstName"] == "Ann"
    assert answer["plan"]["properties"]["permissions"] == [{"bit": 1, "enabled": True}]


async def test_a_record_in_agreement_shows_that_and_its_last_outcome() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)

    answer = await explained(twin, ann)

    assert answer["plan"] == {
        "action": "none",
        "result": "unchanged",
        "reason": "agreed",
        "text": "Spotler has the same data already.",
    }
    assert answer["lastOutcome"]["reason"] == "created"
    assert answer["spotlerContact"] == str(ann.id)


async def test_every_condition_that_is_not_met_is_named() -> None:  # CS-27
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(statecode=1, donotemail=True))
    assert unmet(await explained(twin, ann)) == ["The record is inactive.", "Do Not Email is set."]


async def test_a_deleted_record_shows_that_it_would_be_erased() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.delete(ann)
    assert (await explained(twin, ann))["plan"]["action"] == "anonymize"


async def test_a_shared_contact_shows_with_whom() -> None:
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann)

    before = await explained(twin, lead)
    assert (before["spotlerContact"], before["sharedWith"]) == (str(ann.id), [str(ann)])

    await twin.sync(lead)
    assert (await explained(twin, lead))["sharedWith"] == [str(ann)]


async def test_a_contact_that_grew_out_of_a_lead_shows_the_leads_place() -> None:  # CS-29
    twin = ConnectorTwin()
    lead = twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)

    answer = await explained(twin, contact)

    assert answer["spotlerContact"] == str(lead.id)
    assert answer["inSpotler"] is True
    assert answer["sharedWith"] == []
    assert answer["plan"]["changed"] == ["customerType"]


async def test_a_record_that_would_leave_a_shared_contact_is_explained() -> None:
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann, lead)
    twin.crm.edit(lead, emailaddress1="elsewhere@example.com")

    assert (await explained(twin, lead))["plan"]["reason"] == "still-used"


async def test_a_value_that_is_left_out_is_named_without_the_value() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(firstname="Ann", address1_postalcode="B-1000"))
    answer = await explained(twin, ann)
    assert answer["plan"]["properties"]["foreignPostalCode"] == "B-1000"
    assert answer["plan"]["leftOut"] == []
