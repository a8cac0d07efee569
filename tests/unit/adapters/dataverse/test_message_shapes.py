"""Every shape in which Dataverse names rows, and values that must not keep a message from being read."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.events.events import DataverseEvent
from shared.adapters.dataverse.events.execution_context import (
    EventRefusal,
    NotAnExecutionContext,
    read_event,
    without_values,
)
from shared.domain.records.records import Lookup
from tests.unit.adapters.dataverse.test_execution_context import ANN, BOB, LIST, ORGANISATION

CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
ZERO = "00000000-0000-0000-0000-000000000000"
IDS = [("Ids", [str(BOB.id)])]
ROW = Lookup("dh_spotlerpermission", UUID("9e400000-0000-4000-8000-000000000001"))


def reference(row: Lookup) -> dict[str, Any]:
    return {"__type": f"EntityReference:{CONTRACTS}", "Id": str(row.id), "LogicalName": row.table}


def entity(row: Lookup, *, id: str | None = None, **attributes: Any) -> dict[str, Any]:  # noqa: A002  # as on the wire
    columns = [{"key": name, "value": value} for name, value in attributes.items()]
    return {
        "__type": f"Entity:{CONTRACTS}",
        "LogicalName": row.table,
        "Id": id or str(row.id),
        "Attributes": columns,
    }


def body_of(message: str, table: str, row: str | None, *, outputs: Any = (), **inputs: Any) -> bytes:
    """A message as DataContractJsonSerializer writes it, with escapes for all that is not ASCII."""
    document = {
        "MessageName": message,
        "PrimaryEntityName": table,
        "PrimaryEntityId": row or ZERO,
        "OrganizationId": str(ORGANISATION),
        "InputParameters": [{"key": name, "value": value} for name, value in inputs.items()],
        "OutputParameters": [{"key": name, "value": value} for name, value in outputs] if outputs is not None else None,
        "PreEntityImages": None,
        "PostEntityImages": [],
        "SharedVariables": None,
        "ParentContext": None,
    }
    return json.dumps(document).encode()


def event_of(message: str, table: str, row: str | None, *, outputs: Any = (), **inputs: Any) -> DataverseEvent:
    return read_event(body_of(message, table, row, outputs=outputs, **inputs), "application/json", {})


def people_and_lists(event: DataverseEvent) -> set[Lookup]:
    return {row for row in event.references if row.table in {"contact", "lead", "account", "list", ROW.table}}


@pytest.mark.parametrize(
    ("event", "references"),
    [
        pytest.param(
            event_of("Associate", "none", None, Target=reference(ANN), RelatedEntities=[reference(LIST)]),
            {ANN, LIST},
            id="the person is the target, the list is related",
        ),
        pytest.param(
            event_of("Disassociate", "none", None, Target=reference(LIST), RelatedEntities=[reference(ANN)] * 2),
            {ANN, LIST},
            id="the same person twice",
        ),
        pytest.param(
            event_of("Associate", "none", None, Target=[reference(ANN), reference(BOB)], RelatedEntities=None),
            {ANN, BOB},
            id="a collection as target",
        ),
        pytest.param(
            event_of(
                "Associate",
                "none",
                None,
                Target=reference(ANN),
                RelatedEntities={
                    "__type": f"EntityReferenceCollection:{CONTRACTS}",
                    "EntityReferences": [reference(LIST)],
                },
            ),
            {ANN, LIST},
            id="a collection spelt out",
        ),
        pytest.param(
            event_of("SetState", "contact", None, EntityMoniker=reference(ANN), State={"Value": 1}),
            {ANN},
            id="SetState names its row in EntityMoniker alone",
        ),
        pytest.param(
            event_of("CreateMultiple", "contact", None, Targets=[entity(ANN, id=ZERO)], outputs=IDS),
            {BOB},
            id="CreateMultiple answers with ids",
        ),
        pytest.param(
            event_of("Create", "contact", None, Target=entity(ANN, id=ZERO), outputs=[("id", str(ANN.id))]),
            {ANN},
            id="Create answers with an id",
        ),
        pytest.param(
            event_of("UpdateMultiple", "contact", None, Targets=[entity(ANN), entity(BOB)]),
            {ANN, BOB},
            id="UpdateMultiple",
        ),
        pytest.param(
            event_of("UpsertMultiple", "contact", None, Targets=[entity(ANN), entity(BOB)], outputs=None),
            {ANN, BOB},
            id="UpsertMultiple without outputs",
        ),
        pytest.param(
            event_of("DeleteMultiple", "contact", None, Targets=[reference(ANN), reference(BOB)]),
            {ANN, BOB},
            id="DeleteMultiple",
        ),
        pytest.param(
            event_of("CreateMultiple", ROW.table, None, Targets=[entity(ROW, dh_customerid=reference(ANN))]),
            {ROW, ANN},
            id="owners of several permission rows",
        ),
        pytest.param(
            event_of("BulkDelete", "none", None, QuerySet=[{"EntityName": "contact"}], JobName="old"),
            set(),
            id="BulkDelete names nobody: a Delete of each row follows",
        ),
    ],
)
def test_every_shape_of_a_message_names_its_rows(event: DataverseEvent, references: set[Lookup]) -> None:
    assert people_and_lists(event) == references


def test_the_columns_of_several_targets_count_as_changed() -> None:
    event = event_of("UpdateMultiple", "list", None, Targets=[entity(LIST, listname="x"), entity(LIST, statecode=1)])
    assert event.changed == {"listname", "statecode"}


HALF = "Hoofd \ud83d"  # a text that was cut in the middle of an emoji: .NET's serializer escapes the half that is left


@pytest.mark.parametrize(
    "value",
    [
        HALF,
        "\ude00 laat",
        "\x00",
        "\ufeff",
        float("nan"),
        float("inf"),
        10**40,
        "/Date(99999999999999999)/",
        None,
        [],
        {},
    ],
    ids=ascii,
)
def test_no_value_of_a_column_keeps_a_message_from_being_read(value: object) -> None:
    event = event_of("Update", "contact", str(ANN.id), Target=entity(ANN, jobtitle=value, address1_city="Gouda"))

    assert event.references == (ANN,)
    assert event.changed == {"jobtitle", "address1_city"}


def test_a_name_with_half_an_emoji_is_nobodys_and_no_error() -> None:
    event = event_of(
        "Update", "contact", str(ANN.id), Target=entity(ANN, **{HALF: 1}), Note=reference(Lookup(HALF, BOB.id))
    )

    assert people_and_lists(event) == {ANN}
    assert event.changed == frozenset()


def end_of(body: bytes) -> EventRefusal | UUID | None:
    try:
        return read_event(body, "application/json", {}).id
    except NotAnExecutionContext as refusal:
        return refusal.reason


@pytest.mark.parametrize(
    ("depth", "ends"),
    [
        (100, {ANN.id}),
        (400, {ANN.id, EventRefusal.OTHER_JSON}),
        (100_000, {EventRefusal.NOT_JSON, EventRefusal.OTHER_JSON}),
    ],
)
def test_a_message_is_read_or_refused_however_deep_it_is_nested(depth: int, ends: set[object]) -> None:
    nested = b"[" * depth + b"]" * depth
    body = json.dumps(
        {
            "MessageName": "Update",
            "PrimaryEntityName": "contact",
            "PrimaryEntityId": str(ANN.id),
            "OrganizationId": str(ORGANISATION),
            "InputParameters": [{"key": "Target", "value": "HERE"}],
        }
    ).encode()
    assert end_of(body.replace(b'"HERE"', nested)) in ends


@pytest.mark.parametrize(
    ("message", "inputs", "outputs"),
    [
        ("Associate", {"Target": reference(ANN), "RelatedEntities": [reference(LIST)]}, ()),
        ("CreateMultiple", {"Targets": [entity(ANN, id=ZERO)]}, [("Ids", [str(BOB.id)])]),
        ("UpdateMultiple", {"Targets": [entity(ANN, jobtitle=HALF), entity(BOB)]}, ()),
    ],
)
def test_a_dead_letter_names_the_rows_of_its_message(message: str, inputs: dict[str, Any], outputs: Any) -> None:
    body = body_of(message, "contact", None, outputs=outputs, **inputs)
    event, kept = read_event(body, "", {}), read_event(without_values(body), "", {})

    assert (kept.message, kept.rows, kept.changed) == (event.message, event.rows, event.changed)
    assert set(kept.references) == set(event.references)
    assert b"Hoofd" not in without_values(body)
