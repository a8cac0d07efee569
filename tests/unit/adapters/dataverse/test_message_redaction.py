"""What may remain of a message that dies in its queue: which rows it is about, never what they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.dataverse.events.events import DataverseEvent
from shared.adapters.dataverse.events.execution_context import read_event
from shared.adapters.dataverse.events.routing import OwnIdentity, route
from shared.composition.connections import redact
from shared.ports.queue import QueueName

SAMPLES = Path(__file__).parents[3] / "samples" / "remote_execution_context"
TAG = "spotler-connector"


def read(body: bytes) -> DataverseEvent:
    return read_event(body, "application/json", {})


def values_of_columns(document: Any) -> set[str]:
    """Every text that is the value of a column, however deep."""
    found: set[str] = set()
    match document:
        case {"Attributes": [*attributes]}:
            found |= {one["value"] for one in attributes if isinstance(one["value"], str) and one["value"]}
    for member in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        found |= values_of_columns(member)
    return found


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_keeps_the_rows_that_it_is_about_and_is_handled_alike_when_it_is_replayed(path: Path) -> None:
    original = read(path.read_bytes())

    again = read(redact(QueueName.EVENTS, path.read_bytes()))

    own = OwnIdentity(TAG, None)  # a redacted message names no users
    assert route(again, own=own) == route(original, own=own)
    nobody = {"initiating_user": None, "user": None}
    assert replace(again, **nobody) == replace(original, **nobody)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_keeps_no_value_of_a_column(path: Path) -> None:
    document = json.loads(path.read_bytes())
    kept = redact(QueueName.EVENTS, path.read_bytes())
    ids = {str(one.id) for one in read(path.read_bytes()).references}

    assert not [value for value in values_of_columns(document) - ids if json.dumps(value).encode() in kept]
    assert values_of_columns(json.loads(kept)) == set()


@pytest.mark.parametrize("name", ["contact-create-every-type", "contact-update-27-members"])
def test_reducing_an_event_twice_changes_nothing(name: str) -> None:
    once = redact(QueueName.EVENTS, (SAMPLES / f"{name}.json").read_bytes())
    assert redact(QueueName.EVENTS, once) == once


def test_a_table_name_that_is_none_does_not_pass() -> None:
    document = json.loads((SAMPLES / "contact-delete.json").read_bytes())
    reference = {"__type": "EntityReference:x", "Id": "c0417ac7-0000-4000-8000-0000000000ff", "LogicalName": "Ann Lee"}
    document["InputParameters"].append({"key": "Other", "value": reference})
    assert b"Ann Lee" not in redact(QueueName.EVENTS, json.dumps(document).encode())


@pytest.mark.parametrize(
    "body", [b"", b"Dear Ann,", b'{"emailaddress1": "ann@example.com"}', b"<xml/>", b"\xff\xfe", b"[" * 100_000]
)
def test_a_message_that_is_no_event_is_redacted_whole(body: bytes) -> None:
    assert redact(QueueName.EVENTS, body) == b""


@pytest.mark.parametrize("lane", [QueueName.LIVE, QueueName.BULK])
def test_our_own_messages_remain_because_they_hold_ids_only(lane: QueueName) -> None:
    assert redact(lane, b'{"kind": "jobs"}') == b'{"kind": "jobs"}'
