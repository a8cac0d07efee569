"""What the connector understands of the messages that Dataverse posts, and what it says about the others."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.events.contract_values import Entity, decode
from shared.adapters.dataverse.events.events import DataverseEvent, Message
from shared.adapters.dataverse.events.execution_context import (
    EventRefusal,
    NotAnExecutionContext,
    RemoteExecutionContext,
    check_organisation,
    read_event,
)
from shared.domain.records.records import Lookup
from shared.ports.organisations import Origin

SAMPLES = Path(__file__).parents[3] / "samples" / "remote_execution_context"
CONTENT_TYPES = {".json": "application/json", ".xml": "application/xml", ".bin": "application/msbin1"}
CLAIMS = "http://schemas.microsoft.com/xrm/2011/Claims/"

ORGANISATION = UUID("5b1e6c0a-7d0f-4c55-9a53-0c1d2e3f4a5b")
ANN = Lookup("contact", UUID("c0417ac7-0000-4000-8000-000000000001"))
BOB = Lookup("contact", UUID("c0417ac7-0000-4000-8000-000000000002"))
LEAD = Lookup("lead", UUID("1ead0000-0000-4000-8000-000000000001"))
LIST = Lookup("list", UUID("11570000-0000-4000-8000-000000000001"))


def captures() -> list[Path]:
    """Bodies that people captured from their own organisation."""
    folder = os.environ.get("EXECUTION_CONTEXT_SAMPLES")
    return [path for path in sorted(Path(folder).iterdir()) if path.suffix in CONTENT_TYPES] if folder else []


def read(path: Path, **properties: str) -> DataverseEvent:
    return read_event(path.read_bytes(), CONTENT_TYPES[path.suffix], properties)


def sample(name: str, **properties: str) -> DataverseEvent:
    return read(SAMPLES / f"{name}.json", **properties)


def accepted() -> list[Path]:
    return [*sorted(SAMPLES.glob("*.json")), *(path for path in captures() if path.suffix == ".json")]


@pytest.mark.parametrize("path", accepted(), ids=lambda path: path.stem)
def test_every_message_of_dataverse_is_read(path: Path) -> None:
    document = json.loads(path.read_bytes())
    event = read(path)
    assert event.message == document["MessageName"]
    assert event.table == document["PrimaryEntityName"]
    assert event.origin.organisation == UUID(document["OrganizationId"])
    assert str(event.correlation_id) == document["CorrelationId"]


def refused() -> list[tuple[Path, EventRefusal]]:
    """Our samples say the reason in their name; of a capture only the format is known."""
    ours = [
        (path, next(reason for reason in EventRefusal if path.stem.startswith(reason)))
        for path in sorted((SAMPLES / "refused").iterdir())
    ]
    formats = {".xml": EventRefusal.XML, ".bin": EventRefusal.BINARY}
    return [*ours, *((path, formats[path.suffix]) for path in captures() if path.suffix in formats)]


@pytest.mark.parametrize(("path", "reason"), refused(), ids=lambda value: value.stem if isinstance(value, Path) else "")
def test_anything_else_is_refused_for_its_reason_and_with_a_cure(path: Path, reason: EventRefusal) -> None:
    with pytest.raises(NotAnExecutionContext) as refusal:
        read(path)
    assert refusal.value.reason is reason
    if reason in {EventRefusal.XML, EventRefusal.BINARY}:
        assert "set the Message Format of the service endpoint to JSON" in refusal.value.description


@pytest.mark.parametrize(
    ("name", "message", "references"),
    [
        ("contact-update-27-members", Message.UPDATE, {ANN}),
        ("lead-create-29-members", Message.CREATE, {LEAD}),
        ("contact-delete", Message.DELETE, {ANN}),
        ("lead-set-state", Message.SET_STATE_DYNAMIC_ENTITY, {LEAD}),
        ("contact-assign", Message.ASSIGN, {ANN}),
        ("contact-merge", Message.MERGE, {ANN, BOB}),
        ("lead-qualify", Message.QUALIFY_LEAD, {LEAD, ANN}),
        ("list-associate", Message.ASSOCIATE, {LIST, ANN, BOB}),
        ("list-disassociate", Message.DISASSOCIATE, {LIST, ANN, BOB}),
        ("list-add-member", Message.ADD_MEMBER, {LIST}),
        ("list-add-members", Message.ADD_LIST_MEMBERS, {LIST}),
        ("list-remove-member", Message.REMOVE_MEMBER, {LIST}),
        ("listmember-create", Message.CREATE, {LIST, ANN}),
        ("permission-update-moved", Message.UPDATE, {ANN, BOB}),
        ("permission-delete", Message.DELETE, {LEAD}),
    ],
)
def test_a_message_refers_to_every_person_and_list_that_it_concerns(
    name: str, message: Message, references: set[Lookup]
) -> None:
    event = sample(name)
    assert event.message is message
    assert {row for row in event.references if row.table in {"contact", "lead", "list"}} == references


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("list-add-member", {ANN.id}),
        ("list-add-members", {ANN.id, BOB.id}),
        ("list-remove-member", {ANN.id}),
        ("listmember-create", set()),
        ("contact-merge", set()),
    ],
)
def test_ml_24_members_of_a_list_that_a_message_names_by_id_alone_are_told(name: str, members: set[UUID]) -> None:
    assert set(sample(name).members) == members


def test_the_primary_row_is_the_first_reference_and_none_occurs_twice() -> None:
    event = sample("contact-merge")
    assert event.references == (ANN, BOB)


def test_a_custom_action_keeps_its_name_and_refers_to_the_rows_in_its_parameters() -> None:
    event = sample("custom-action-plugin-dump")
    assert event.message == "dh_ProbeEverything"
    assert not isinstance(event.message, Message)
    assert event.id is None
    assert {ANN, BOB, LEAD} <= set(event.references)


def test_an_update_names_the_columns_that_changed() -> None:
    assert {"firstname", "fullname"} <= sample("contact-update-27-members").changed


def test_our_own_tag_is_found_in_any_of_the_parent_contexts() -> None:
    assert sample("contact-update-own-tag").tags == {"spotler-connector"}
    assert sample("contact-update-27-members").tags == frozenset()


def test_a_tag_that_could_be_text_about_a_person_is_not_kept() -> None:
    document = json.loads((SAMPLES / "contact-delete.json").read_bytes())
    document["SharedVariables"] = [{"key": "tag", "value": "call Ann back, she is angry"}]
    assert read_event(json.dumps(document).encode(), "application/json", {}).tags == frozenset()


def test_a_stripped_body_still_tells_the_row() -> None:
    event = sample("contact-update-stripped")
    assert event.stripped
    assert event.references == (ANN,)
    assert event.changed == frozenset()


@pytest.mark.parametrize("key", [f"{CLAIMS}MessageMaxSizeExceeded", "x-ms-dynamics-msg-size-exceeded"])
def test_the_mark_of_a_stripped_body_is_recognised_wherever_it_travels(key: str) -> None:
    assert sample("contact-update-27-members", **{key: "true"}).stripped
    assert not sample("contact-update-27-members").stripped


def test_text_encoded_twice_does_not_hinder() -> None:
    raw = (SAMPLES / "account-create-double-encoded.json").read_text(encoding="utf-8")
    assert "CafÃ©" in raw
    assert sample("account-create-double-encoded").table == "account"


def test_an_event_shows_no_value_of_the_message() -> None:
    shown = [repr(read(path)) for path in sorted(SAMPLES.glob("*.json"))]
    for value in ("Mirte", "Voorbeeld", "example.org", "Proef", "Caf", "+31"):
        assert not any(value in text for text in shown), value


def test_a_refusal_shows_no_value_of_the_message() -> None:
    body = json.dumps({"MessageName": "Ann Example <ann@example.org>", "OrganizationId": "Ann"}).encode()
    with pytest.raises(NotAnExecutionContext) as refused:
        read_event(body, "application/json", {})
    assert refused.value.reason is EventRefusal.OTHER_JSON
    assert "PrimaryEntityName" in refused.value.description
    assert "Ann" not in str(refused.value)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "", "application/xml"])
def test_the_body_outranks_its_content_type(content_type: str) -> None:
    body = b"\xef\xbb\xbf\r\n" + (SAMPLES / "contact-delete.json").read_bytes()
    assert read_event(body, content_type, {}).id == ANN.id


def test_xml_and_binary_are_recognised_without_a_content_type() -> None:
    for name, reason in (
        ("xml-message-format.xml", EventRefusal.XML),
        ("binary-message-format.bin", EventRefusal.BINARY),
    ):
        with pytest.raises(NotAnExecutionContext) as refused:
            read_event((SAMPLES / "refused" / name).read_bytes(), "", {})
        assert refused.value.reason is reason


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b'{"MessageName": NaN}', b"\x00\xff"])
def test_no_body_makes_reading_fail_in_another_way(body: bytes) -> None:
    with pytest.raises(NotAnExecutionContext):
        read_event(body, "application/json", {})


def test_the_organisation_id_decides_where_it_is_known() -> None:
    event = sample("contact-delete", **{f"{CLAIMS}Organization": "https://Org.crm4.dynamics.com/"})
    check_organisation(event.origin, ids={ORGANISATION})
    with pytest.raises(NotAnExecutionContext) as refused:
        check_organisation(event.origin, ids={UUID(int=1)})
    assert refused.value.reason is EventRefusal.OTHER_ORGANISATION
    assert str(ORGANISATION) in refused.value.description


@pytest.mark.parametrize("claim", ["https://Org.crm4.dynamics.com/", "org.crm4.dynamics.com"])
def test_the_claim_names_the_host(claim: str) -> None:
    event = sample("contact-delete", **{f"{CLAIMS}Organization": claim})
    assert event.origin == Origin(ORGANISATION, "org.crm4.dynamics.com")
    assert sample("contact-delete").origin == Origin(ORGANISATION, "")


def test_values_become_plain_python() -> None:
    document = json.loads((SAMPLES / "contact-create-every-type.json").read_bytes())
    target = RemoteExecutionContext.model_validate(document).input_parameters["Target"]
    values = {name: target.value(name) for name in target.attributes}
    assert values["interests"] == [1, 4]
    assert values["annualincome"] == 2154.32
    assert values["birthdate"] == datetime(1900, 1, 1, tzinfo=UTC)
    assert values["farfuture"] == "/Date(99999999999999999)/"
    assert values["alias.column"] == 1
    assert values["creditlimit"] is None
    (party,) = values["to"]
    assert isinstance(party, Entity)
    assert party.value("partyid") == ANN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/Date(1506409448000-0700)/", datetime(2017, 9, 26, 7, 4, 8, tzinfo=UTC)),
        ({"__type": "Guid:#System", "__value": "6d81597f"}, "6d81597f"),
        ({"__type": "Novelty:#Next", "inner": [1]}, {"inner": [1]}),
        ({"Id": str(ANN.id), "LogicalName": "contact"}, ANN),
        ({"__type": "EntityReference:x", "Id": str(UUID(int=0)), "LogicalName": "contact"}, None),
    ],
)
def test_a_value_is_decoded_by_its_tag(value: Any, expected: Any) -> None:
    assert decode(value) == expected
