"""What takes bytes from outside: each reader, what it may raise, and samples of what it usually gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.adapters.dataverse.events.execution_context import NotAnExecutionContext, read_event, without_values
from shared.adapters.dataverse.web_api import fetchxml, throttling
from shared.adapters.dataverse.web_api.answers import interpret
from shared.adapters.dataverse.web_api.batch import batches, results
from shared.adapters.dataverse.web_api.faults import fault
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.spotler.rest import models
from shared.adapters.spotler.rest.errors import refusal
from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.writing import to_workbook
from shared.domain.features import automation_fields
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.formats.strict_yaml import NotYamlError, load
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.mapping.language.filters import parse_filter
from shared.domain.mapping.language.parser import parse_expression
from shared.domain.mapping.language.tokens import ExpressionError
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.errors import DataError, TransientError
from shared.messages.lane_messages import LaneMessageError, Walk, read_lane_message, references_body, write_lane_message
from shared.triggers.http.principal import roles_of

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
ROW = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPERATION = WebApiOperation(Method.GET, "contacts")
MAPPING = read_mapping(
    {
        "version": 1,
        "filters": {"contact": 'statuscode = 1 and (city in ("a", "b") or not empty(x))'},
        "rows": [
            {"spotler": "email", "contact": "emailaddress1", "choices": {"1": "M"}, "comment": "x"},
            {"spotler": "name", "contact": '@concat(firstname, " ", lookup(account).name;"x")', "direction": "->"},
        ],
    }
)


@dataclass(frozen=True)
class Reader:
    """What takes bytes from outside, what it may raise, and what it usually gets."""

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    samples: tuple[bytes, ...]


def _text_of(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """Read as the text that a client makes of the bytes."""
    return lambda content: read(content.decode("utf-8", "replace"))


def _event(content: bytes) -> object:
    without_values(content)
    return read_event(content, "application/json", {})


def _organisation(content: bytes) -> object:
    claim = "http://schemas.microsoft.com/xrm/2011/Claims/Organization"
    event = (SAMPLES / "remote_execution_context/contact-delete.json").read_bytes()
    return read_event(event, "", {claim: content.decode("latin-1")})


def _spotler(model: Any) -> Callable[[bytes], object]:
    """Read an answer as the transport does, and make of it what the engine works with."""
    adapter = TypeAdapter(model)

    def read(content: bytes) -> None:
        try:
            answer = adapter.validate_json(content)
        except ValidationError:  # the transport makes a refusal of it
            return
        _engine(answer)

    return read


def _engine(answer: object) -> None:
    match answer:
        case models.ListAnswer():
            for item in answer.items:
                hash(item.identity())
                _engine(item)
        case models.ContactAnswer():
            answer.contact()
        case models.BounceAnswer():
            answer.bounce()
        case models.PropertyAnswer():
            answer.definition()
        case list():
            for item in answer:
                _engine(item)
        case BaseModel() | None:
            pass


def _refused(content: bytes) -> object:
    return refusal(httpx.Response(500, content=content), "contact.read", fixed_path=False, now=NOW)


def _retry(content: bytes) -> object:
    text = content.decode("latin-1")
    headers = [(b"Retry-After", content), (b"Date", content)]
    fault("GET contacts", 429, {"Retry-After": text}, b"")
    return refusal(httpx.Response(429, headers=headers), "contact.read", fixed_path=False, now=NOW)


def _protection(content: bytes) -> None:
    names = ("x-ms-dop-hint", "x-ms-ratelimit-burst-remaining-xrm-requests")
    throttling.ServiceProtection().note(dict.fromkeys(names, content.decode("latin-1")))


def _answer(content: bytes) -> object:
    headers = {"OData-EntityId": f"x({content[:36].decode('latin-1')})", "ETag": content.decode("latin-1")}
    return interpret(OPERATION, 400, {}, content), interpret(OPERATION, 200, headers, content)


def _batch(content: bytes) -> object:
    batch = next(iter(batches([OPERATION, OPERATION], "/api/data/v9.2/")))
    kind = content.partition(b"\n")[0].decode("latin-1")
    return [*results(batch, "multipart/mixed; boundary=b", content), *results(batch, kind, content)]


def _query(text: str) -> object:
    fetchxml.page_of(text, fetchxml.Cursor(), size=10)
    return fetchxml.ids_only(text, "contactid")


def _following(content: bytes) -> object:
    try:
        page = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return fetchxml.following(page, fetchxml.Cursor()) if isinstance(page, dict) else None


def _contexts() -> Iterator[bytes]:
    for path in sorted((SAMPLES / "remote_execution_context").glob("**/*.*")):
        if path.suffix != ".md":
            yield path.read_bytes()


_CONTACT = {
    "externalId": "1",
    "encryptedId": "x",
    "created": 1709284500000,
    "lastChanged": "2026-03-01T12:00:00Z",
    "properties": {"email": "a@example.org", "permissions": [{"bit": 1, "enabled": True}]},
    "channels": [{"name": "EMAIL", "value": True}],
}
_PART = (
    b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b'OData-EntityId: x(6d81597f-0f9f-e711-8122-000d3aa2331c)\r\n\r\n{"contactid": "x"}\r\n'
)
_FETCH = b'<fetch><entity name="contact"><attribute name="x"/><order attribute="x"/></entity></fetch>'


def _json(*values: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


READERS = {
    "execution context": Reader(_event, (NotAnExecutionContext,), tuple(_contexts())),
    "organisation of a message": Reader(_organisation, (NotAnExecutionContext,), (b"org.crm4.dynamics.com",)),
    "lane message": Reader(
        read_lane_message,
        (LaneMessageError,),
        (
            references_body([Reference(RecordKey(PersonTable.CONTACT, ROW), Why.SAVED, first_seen=NOW)]),
            write_lane_message(Walk(table=PersonTable.LEAD, why=Why.SAVED, waits_since=NOW)),
        ),
    ),
    "contacts of Spotler": Reader(
        _spotler(models.ListAnswer[models.ListedContact]), (), _json([_CONTACT], {"contacts": [_CONTACT], "paging": {}})
    ),
    "a contact of Spotler": Reader(_spotler(models.ContactAnswer), (), _json(_CONTACT)),
    "bounces of Spotler": Reader(
        _spotler(models.ListAnswer[models.BounceAnswer]),
        (),
        _json({"bounces": [{"type": "HARD", "date": 1, "encryptedActId": "x", "contact": _CONTACT}]}),
    ),
    "properties of Spotler": Reader(
        _spotler(list[models.PropertyAnswer]),
        (),
        _json([{"name": "x", "type": "SET", "entries": [{"bit": 1, "description": "x", "rank": 1}]}]),
    ),
    "automations of Spotler": Reader(
        _spotler(list[models.AutomationAnswer]),
        (),
        _json([{"id": 1, "triggers": [{"triggerCode": "x", "fields": [{"name": "x"}]}]}]),
    ),
    "refusal of Spotler": Reader(
        _refused,
        (),
        (*_json({"errorType": "X", "message": "x"}), b"<e><errorType>X</errorType><message>x</message></e>"),
    ),
    "Retry-After": Reader(
        _retry, (), (b"7", b"Sun, 01 Mar 2026 12:00:00 GMT", b"Sun, 01 Mar 2026 12:00:00 +0100", b"1e9", b"inf")
    ),
    "limits of Dataverse": Reader(_protection, (), (b"5", b"5,000", b"nan", b"inf")),
    "answer of Dataverse": Reader(
        _answer,
        (),
        _json({"@odata.etag": "x", "value": [{"x": "\ud83d"}]}, {"error": {"code": "0x80040217", "message": "x"}}),
    ),
    "batch of Dataverse": Reader(_batch, (), (_PART + _PART + b"--b--\r\n", b"multipart/mixed; boundary=b\n" + _PART)),
    "FetchXML": Reader(_text_of(_query), (DataError,), (_FETCH, b"<?xml version='1.0' encoding='utf-8'?>" + _FETCH)),
    "paging cookie": Reader(
        _following,
        (TransientError,),
        _json(
            {
                "@Microsoft.Dynamics.CRM.morerecords": True,
                "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": '<cookie pagingcookie="%253ccookie%2520page%253d1"/>',
            }
        ),
    ),
    "YAML": Reader(_text_of(load), (NotYamlError,), (to_yaml(MAPPING).encode(),)),
    "YAML without libyaml": Reader(
        _text_of(partial(load, with_libyaml=False)), (NotYamlError,), (to_yaml(MAPPING).encode(),)
    ),
    "mapping": Reader(
        lambda content: read_file(content, "prod"),
        (MappingError,),
        (to_yaml(MAPPING).encode(), to_workbook("prod", MAPPING, ["email"])),
    ),
    "expression": Reader(
        _text_of(parse_expression),
        (ExpressionError,),
        (b'@concat(firstname, " ", lookup(account).name;"x")', b"@child(task.regardingid).first(a DESC).b"),
    ),
    "filter": Reader(_text_of(parse_filter), (ExpressionError,), (str(MAPPING.filters[PersonTable.CONTACT]).encode(),)),
    "automation fields": Reader(
        _text_of(automation_fields.parse), (automation_fields.AutomationFieldsError,), (b"a=b;\r\nc={1,2};d=<STRING>",)
    ),
    "sign-in": Reader(lambda content: roles_of(content.decode("latin-1")), (), (b"eyJhdXRoX3R5cCI6ImFhZCJ9",)),
}
