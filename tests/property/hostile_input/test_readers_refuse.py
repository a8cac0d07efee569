"""Whatever arrives is read or refused: each reader raises its own refusal and nothing else, so nothing else is lost.

Samples are damaged in two ways: bytes are changed, and values within JSON are replaced by values of another shape.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from tests.programs.foreign import pypi_package

ATHERIS = "3.0.0"
"""The newest fuzzer with files for Python 3.11 to 3.13 on Linux."""

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

_ODD = st.sampled_from(
    [
        *(b"\0", b"\xff", b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b"9" * 5000, b"1e999", b"NaN", b"null"),
        *(b"\\ud800", b"\r\n", b"\xed\xa0\x80", b"http://[", b"%", b'"', b"{", b"}", b"&#0;", b"<!DOCTYPE x>"),
        b"-" * 36,
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**30, -(10**18), "/Date(99999999999999999)/", "http://[", "9999-12-31T23:59:59Z", "x" * 400])
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "2026-03-01T12:00:00", "-" * 36, "\ud800", {"__type": "Entity:x"}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["__type", "__value", "Id", "Entities", "Attributes", "key", "value"]), inner)
        | st.sampled_from(["EntityCollection:x", "Entity:x", "EntityReference:x", "AliasedValue:x", "Money:x"]).flatmap(
            lambda kind: st.fixed_dictionaries({"__type": st.just(kind), "Entities": inner, "Value": inner})
        )
    ),
    max_leaves=6,
)


def changed_bytes(sample: bytes) -> st.SearchStrategy[bytes]:
    """Cut pieces out of a sample and put others in, up to four times."""
    cut = st.tuples(st.integers(0, len(sample)), st.integers(0, 12), st.binary(max_size=4) | _ODD)

    def cuts(pieces: list[tuple[int, int, bytes]]) -> bytes:
        content = sample
        for begin, length, piece in pieces:
            content = content[:begin] + piece + content[begin + length :]
        return content

    return st.lists(cut, min_size=1, max_size=4).map(cuts)


def changed_values(sample: bytes) -> st.SearchStrategy[bytes]:
    """Put another value in the place of any one in a JSON sample."""
    document = json.loads(sample)
    places = list(_places(document))
    return st.builds(
        lambda place, value: json.dumps(_replaced(document, place, value)).encode(), st.sampled_from(places), _VALUES
    )


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    match value:
        case dict():
            for key, inner in value.items():
                yield from _places(inner, (*at, key))
        case list():
            for index, inner in enumerate(value):
                yield from _places(inner, (*at, index))


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    step, *rest = place
    copy = value.copy()
    copy[step] = _replaced(value[step], tuple(rest), new)
    return copy


def _is_json(sample: bytes) -> bool:
    try:
        return isinstance(json.loads(sample), dict | list)
    except ValueError:
        return False


def damaged(reader: Reader) -> st.SearchStrategy[bytes]:
    """Whatever could come in the place of a sample."""
    changes = [changed_bytes(sample) for sample in reader.samples]
    changes += [changed_values(sample) for sample in reader.samples if _is_json(sample)]
    return st.one_of(*changes, st.binary(max_size=60))


MOST_SECONDS = 2.0


def _tried(reader: Reader, content: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(*reader.refusals):
        reader.read(content)
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("name", READERS)
def test_damaged_inputs_are_read_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(reader))
    def trial(content: bytes) -> None:
        _tried(reader, content)

    trial()


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_inputs_damaged_in_very_many_ways_are_read_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(reader))
    def trial(content: bytes) -> None:
        _tried(reader, content)

    trial()


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_search_guided_by_coverage_finds_no_crash(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The seconds of each search are those of FUZZ_SECONDS (60)."""
    search = subprocess.run(
        [
            *(sys.executable, "-m", "tests.property.hostile_input.readers_under_coverage", name),
            f"-max_total_time={os.environ.get('FUZZ_SECONDS', '60')}",
        ],
        cwd=SAMPLES.parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(pypi_package("atheris", ATHERIS))},
        capture_output=True,
        check=False,
    )

    told = search.stderr.decode(errors="replace")
    assert search.returncode == 0, told[-2000:]
    (inputs,) = re.findall(r"^Done (\d+) runs", told, re.MULTILINE)
    record_property("inputs", int(inputs))
    assert int(inputs) > 0
