"""What a service sends gets into no log, span, metric, dead letter or document but by a code that has the form of one.

Every field of every body and every header is marked in turn, with what a proxy could quote or somebody could forge.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from opentelemetry.trace import SpanKind

from shared.adapters.backends.azure_errors import from_azure
from shared.adapters.dataverse.web_api.entra import entra_fault
from shared.adapters.dataverse.web_api.faults import fault
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.spotler.automations.automations import SpotlerAutomations
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.spotler.rest.errors import refusal
from shared.adapters.spotler.rest.models import BounceAnswer
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.composition.connections import quieten_libraries
from shared.domain.features.automations import AutomationKind
from shared.domain.records.marketing_contact import ContactWrite, Purge
from shared.errors import UNREADABLE_CODE, ConnectorError, Service, TransientError, foreign_code, whereabouts
from shared.telemetry.calls import explain_retries, observe
from shared.telemetry.logs import LogFormat, formatter
from shared.telemetry.traces import work
from tests.connector_twin import ConnectorTwin
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_script import Script
from tests.examples import sample, thinned
from tests.telemetry import Telemetry, listening
from tests.twins import TwinStore, bodies

MARK = "noor.geheim"
FORGED = f"Invalid: {MARK}@leak.example\n2026-11-01 ERROR shared.sync: forged \x1b[31m"
NUMBER = "0612345678"
MARKS = (MARK, NUMBER, "forged")
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HASTY = RetrySettings(
    attempts=2,
    first_wait=timedelta(milliseconds=1),
    longest_wait=timedelta(milliseconds=1),
    jitter=timedelta(),
    longest_pause=timedelta(),
)
STATUSES = (200, 302, 400, 403, 429, 500)


def found(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text]


def marked(body: Any, mark: str) -> Iterator[Any]:
    """The body once for each of its values and names, with the mark there; and with a value of another kind."""
    match body:
        case Mapping():
            for name, value in body.items():
                yield from ({**body, name: one} for one in marked(value, mark))
                yield {**{key: one for key, one in body.items() if key != name}, mark: value}
            yield {**body, mark: mark}
        case list():
            for at, value in enumerate(body):
                yield from ([*body[:at], one, *body[at + 1 :]] for one in marked(value, mark))
        case _:
            yield mark
            yield [mark]
            yield {mark: mark}


def as_xml(body: Mapping[str, Any]) -> str:
    """The XML twin of an error body; what is no name of an element cannot be one here, either."""
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in body.items() if name.isalpha())
    return f'<?xml version="1.0" encoding="UTF-8"?><error>{fields}</error>'


SPOTLER_ERROR = {"errorType": "INVALID_PROPERTY", "message": "It is wrong", "httpStatusCode": "400"}
DATAVERSE_ERROR = {
    "error": {
        "code": "0x80040217",
        "message": "It does not exist",
        "innererror": {"message": "It does not exist", "type": "FaultException", "stacktrace": "at X"},
        "details": [{"code": "0x80040217", "message": "It does not exist"}],
        "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
    }
}
TOKEN_ERROR = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215",
    "error_codes": [7000215],
    "trace_id": "1",
    "correlation_id": "1",
    "error_uri": "https://login.example",
}
HEADERS = ("Retry-After", "Date", "Location", "Content-Type", "WWW-Authenticate", "x-ms-error-code", "REQ_ID", "Server")
SPOTLER_ANSWERS: Sequence[Any] = (
    [{"externalId": "1", "code": "OK", "message": ""}],
    {"result": "NOT_TRIGGERED", "automationResults": [{"result": "NO_SUCH", "automationContactId": "1"}]},
)


def spotler_texts() -> list[str]:
    texts = [f"<html><body>{FORGED}</body></html>", FORGED, NUMBER, f"errorType={MARK}"]
    for mark in (FORGED, NUMBER):
        for body in marked(SPOTLER_ERROR, mark):
            texts += [json.dumps(body), as_xml(body)]
        for answer in SPOTLER_ANSWERS:
            texts += [json.dumps(body) for body in marked(answer, mark)]
    return texts


def dataverse_texts() -> list[str]:
    return [FORGED, NUMBER] + [json.dumps(body) for mark in (FORGED, NUMBER) for body in marked(DATAVERSE_ERROR, mark)]


def replies(texts: Sequence[str]) -> Iterator[httpx.Response]:
    for number, status in enumerate(STATUSES):
        for text in (texts[at] for at in sample(range(len(texts)), every=3, first=number)):
            kind = "text/html" if text.startswith("<html") else "application/json"
            yield httpx.Response(status, text=text, headers={"Content-Type": kind})
        for header in HEADERS:
            for mark in (FORGED.splitlines()[0], NUMBER * 40, "1e300", "nan", "-1"):
                yield httpx.Response(status, text="{}", headers={header: mark})
        yield httpx.Response(status, text="{}", extensions={"reason_phrase": FORGED.encode()})


@dataclass
class Told:
    """Everything that somebody can read afterwards of what happened."""

    caplog: pytest.LogCaptureFixture
    heard: Telemetry
    kept: str = ""

    async def by(self, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call as a function makes it, and log its error as one that is of our making."""
        with suppress(ConnectorError), work("process sync-live", (), SpanKind.CONSUMER):
            try:
                await call()
            except ConnectorError as error:
                self.of(error)
                raise

    def of(self, error: ConnectorError) -> None:
        logging.getLogger("shared").error("%s; %s", error, whereabouts(error))
        self.kept += f"{error} {error.code}\n"

    def leaks(self) -> list[str]:
        lines = [formatter(form).format(one) for form in LogFormat for one in self.caplog.records]
        spans = [span.to_json() for span in self.heard.spans]
        return [text for text in (*lines, *spans, *self.heard.dimensions(), self.kept) if found(text)]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    caplog.set_level(logging.INFO)
    quieten_libraries()
    explain_retries()
    with listening() as heard:
        yield Told(caplog, heard)


class Wire:
    """A Spotler that gives one answer after the other."""

    def __init__(self) -> None:
        self.reply = httpx.Response(200)
        clock = ManualClock()
        self.client = SpotlerClient(
            "https://spotler.example",
            "key",
            "secret",
            http=httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
            clock=clock,
            observe=observe,
            retries=HASTY,
        )
        capabilities = Capabilities(TwinStore(), clock, "test", assumed=True, probe=self._nothing)
        self.automations = SpotlerAutomations(self.client.transport, capabilities)

    async def _answer(self, _: httpx.Request) -> httpx.Response:
        one = self.reply
        return httpx.Response(
            one.status_code, headers=one.headers.raw, content=one.content, extensions=dict(one.extensions)
        )

    async def _nothing(self) -> Sequence[Any]:
        return ()


async def test_nothing_that_spotler_sends_is_told(told: Told) -> None:
    wire = Wire()
    automation = "6d81597f-0000-4000-8000-000000000001"
    for reply in replies(spotler_texts()):
        wire.reply = reply
        await told.by(lambda: wire.client.upsert_many([ContactWrite("1", {"email": "x"})], purge=Purge.KEEP))
        await told.by(lambda: wire.automations.start(AutomationKind.AUTOMATION, automation, "1", ()))

    assert "retry 1 in" in told.caplog.text
    assert "unreadable" in told.kept
    assert told.leaks() == []


async def test_nothing_that_dataverse_sends_is_told(told: Told) -> None:
    script = Script(httpx.Response(200))
    for reply in replies(dataverse_texts()):
        script.answers = [reply]
        await told.by(partial(script.client.execute, WebApiOperation(Method.GET, "contacts")))
        told.of(fault("PATCH contacts", reply.status_code, reply.headers, reply.content))

    assert told.leaks() == []


def test_nothing_that_azure_or_a_token_endpoint_sends_is_told(told: Told) -> None:
    for status in (None, *STATUSES):
        for mark in (FORGED, NUMBER, "9" * 40):
            for header in HEADERS:
                response = SimpleNamespace(
                    status_code=status, reason=mark, headers={header: mark}, text=lambda *_, mark=mark: mark
                )
                for kind in (HttpResponseError, ClientAuthenticationError):
                    error = kind(message=mark, response=response)
                    error.error_code = mark
                    told.of(from_azure(error, service=Service.STATE))
                    told.of(entra_fault(error))

    assert told.leaks() == []


@pytest.mark.parametrize(
    ("status", "mark"),
    thinned(
        [
            *((400, FORGED), (403, NUMBER), (429, FORGED), (500, NUMBER)),
            *((400, NUMBER), (403, FORGED), (429, NUMBER), (500, FORGED)),
        ],
        quick=4,
    ),
)
@pytest.mark.parametrize("side", ["spotler", "dataverse"])
async def test_nothing_that_a_service_sends_is_kept(told: Told, mark: str, status: int, side: str) -> None:
    """What the engine reports, dead-letters and stores until its redeliveries end."""
    twin = ConnectorTwin()
    key = twin.crm.create(emailaddress1="x@example.nl")
    if side == "spotler":
        body = {"errorType": mark, "message": mark}
        error = refusal(httpx.Response(status, json=body), "contact.upsert", fixed_path=False, now=NOW)
        assert error is not None
        twin.platform.broken["upsert"] = error
    else:
        content = json.dumps({"error": {"code": mark, "message": mark}}).encode()
        twin.crm.broken["read_people"] = fault("GET contacts", status, {}, content)

    await twin.sync(key)

    letters = "\n".join(repr(letter) for letter in twin.queue.dead)
    outcome = twin.crm.people[key].status
    told.kept += f"{letters}\n{bodies(twin.store.documents)}\n{outcome and outcome.reason_code}"
    assert letters or outcome is not None
    assert told.leaks() == []


# ---------------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (Service.DATAVERSE, "0x80040217"),
        (Service.DATAVERSE, "0x80048d19"),
        (Service.DATAVERSE, "InternalServerError"),
        (Service.SPOTLER, "CONTACT_ALREADY_EXISTS"),
        (Service.SPOTLER, "INVALID_PROPERTY"),
        (Service.STATE, "TableNotFound"),
        (Service.QUEUE, "ServerBusy"),
        (Service.SPOTLER, ""),
    ],
)
def test_codes_of_the_services_stay(service: Service, code: str) -> None:
    assert foreign_code(service, code) == code
    assert TransientError("no", service=service, code=code).code == code


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("text", [FORGED, NUMBER, MARK, "a@b.nl", "A" * 61, "A\n", " A", "é", {"a": 1}, ["A"], 7, True])
def test_anything_else_becomes_one_word(service: Service, text: object) -> None:
    assert foreign_code(service, text) == UNREADABLE_CODE


@pytest.mark.parametrize("text", [FORGED, "a@b.nl", "A" * 61, "A B", "A\n", "\x1b[31m", "é"])
def test_no_error_can_be_made_with_another_code(text: str) -> None:
    error = TransientError("no", service=Service.SPOTLER, code=text)

    assert error.code == UNREADABLE_CODE
    assert text not in str(error)


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-_1=", "abc-_1="), ("noor@leak.example", ""), ("a\nb", ""), ("", ""), ("a" * 101, "")]
)
def test_an_id_of_spotlers_own_is_kept_only_if_it_can_be_one(sent: str, kept: str) -> None:
    bounce = BounceAnswer.model_validate(
        {"type": "HARDBOUNCE", "encryptedActId": sent, "contact": {"externalId": "1", "encryptedId": sent}}
    ).bounce()

    assert bounce.mailing == kept
    assert bounce.contact.encrypted_id == kept
