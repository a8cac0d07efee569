"""Lines of log name the change they belong to, and never quote what an exception says."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from uuid import uuid4

import aiosqlite
import azure.functions as func
import httpx
import pytest
import stamina
from opentelemetry.trace import SpanKind

from shared.adapters.dataverse.events.routing import OwnIdentity
from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.composition.connections import quieten_libraries
from shared.composition.settings import OWN_TAG
from shared.errors import Service, TransientError
from shared.local.functions_host.decode import decode_batch
from shared.messages.lane_messages import LaneMessageError, correlation_of, read_lane_message
from shared.ports.queue import QueueName, ReceivedMessage
from shared.telemetry.logs import LogFormat, formatter
from shared.telemetry.signals import RETRIES
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import DefectError, discreet
from shared.triggers.queues.events import read_events
from shared.triggers.queues.lanes import read_lane
from tests.contract.clocks import ManualClock
from tests.telemetry import listening

MARK = "Zaphodqx"


def line(form: LogFormat, **extra: object) -> str:
    record = logging.LogRecord("shared.engine.record_handler", logging.INFO, "", 1, "contact:%d written", (1,), None)
    for name, value in extra.items():
        setattr(record, name, value)
    return formatter(form).format(record)


def test_a_line_as_text_ends_with_its_correlation_id() -> None:
    assert line(LogFormat.TEXT, correlation="c-1").endswith(
        "INFO shared.engine.record_handler: contact:1 written [c-1]"
    )
    assert line(LogFormat.TEXT).endswith("contact:1 written")


def test_a_line_as_json_has_everything_by_name() -> None:
    told = json.loads(line(LogFormat.JSON, correlation="c-1", attempt=2))

    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "INFO",
        "logger": "shared.engine.record_handler",
        "message": "contact:1 written",
        "correlation": "c-1",
        "attempt": 2,
    }


@pytest.mark.parametrize("form", LogFormat)
def test_a_line_that_does_not_say_gets_the_trace_it_was_written_in(form: LogFormat) -> None:
    change = str(uuid4())
    with listening(), work("process sync-live", [change], SpanKind.CONSUMER):
        assert change in line(form)


def test_an_exception_in_a_line_of_json_is_named_by_its_kind() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), (ValueError, ValueError(MARK), None))

    told = formatter(LogFormat.JSON).format(record)

    assert json.loads(told)["exception"] == "ValueError"
    assert MARK not in told


async def _in_vain(error: Exception) -> None:
    async for attempt in stamina.retry_context(on=(TransientError, OSError)):
        with attempt:
            raise error


async def test_a_retry_says_what_is_repeated_and_why_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    quieten_libraries()
    with listening() as heard, stamina.set_testing(True, attempts=2):
        for error in (TransientError("No answer: GET contacts", service=Service.DATAVERSE, detail=MARK), OSError(MARK)):
            with pytest.raises(type(error)):
                await _in_vain(error)

        assert "retry 1 in 0.0 s: No answer: GET contacts (dataverse)" in caplog.text
        assert "retry 1 in 0.0 s: OSError" in caplog.text
        assert MARK not in caplog.text
        assert "context block" not in caplog.text
        assert heard.total(RETRIES, cause="TransientError") == 1


def test_the_signature_base_of_spotler_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A search names an address, and the signature covers what is searched."""
    caplog.set_level(logging.DEBUG)
    quieten_libraries()
    auth = OneLeggedOAuth1("key", MARK, clock=ManualClock())

    request = next(auth.auth_flow(httpx.Request("GET", f"https://spotler.example/contact?mpsearchquery=email={MARK}")))

    assert "oauth_signature" in request.headers["Authorization"]
    assert MARK not in caplog.text


async def test_values_of_an_embedded_database_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quieten_libraries()

    async with aiosqlite.connect(":memory:") as file:
        await file.execute("SELECT ?", (MARK,))

    assert MARK not in caplog.text


def test_a_defect_leaves_a_function_by_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    """The Functions host logs the text of what a function raises."""
    with pytest.raises(DefectError, match="ValueError") as raised, discreet("process sync-live"):
        raise ValueError(MARK)

    assert MARK not in str(raised.value)
    assert raised.value.__suppress_context__
    assert "test_a_defect_leaves" in caplog.text
    assert MARK not in caplog.text


def test_an_error_of_ours_leaves_a_function_as_it_is() -> None:
    with pytest.raises(TransientError), discreet("process sync-live"):
        raise TransientError("down", service=Service.STATE)


# ---------------------------------------------------------------------------------------- lines that others would write

FORGED = "x\n2026-11-01 ERROR shared.sync: forged line \x1b[31m\r\x85\u2028\x00end"


@pytest.mark.parametrize("form", LogFormat)
def test_one_record_is_one_line_whatever_it_quotes(form: LogFormat) -> None:
    record = logging.LogRecord("shared.sync", logging.WARNING, "", 1, "message %s refused", (FORGED,), None)
    record.correlation = FORGED

    text = formatter(form).format(record)

    assert len(text.splitlines()) == 1
    assert text.isprintable()
    assert "forged line" in text  # it is shown, but not as a line of its own


def test_an_exception_in_a_line_of_text_is_named_by_its_kind_and_place() -> None:
    try:
        raise ValueError(MARK)  # noqa: TRY301
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), (ValueError, error, error.__traceback__))

    text = formatter(LogFormat.TEXT).format(record)

    assert "ValueError" in text
    assert text.endswith("test_an_exception_in_a_line_of_text_is_named_by_its_kind_and_place")
    assert MARK not in text
    assert len(text.splitlines()) == 1


def arrived(identifier: str) -> func.ServiceBusMessage:
    """A message that is none of the connector's, as the worker hands it out."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    message = ReceivedMessage(b"{}", "application/json", {}, identifier, "", 1, now, 1, "lock")
    (decoded,) = decode_batch([message], binary=True)
    assert isinstance(decoded, func.ServiceBusMessage)
    return decoded


@pytest.mark.parametrize("identifier", [FORGED, f"{MARK}@leak.example", "i" * 201, ""])
def test_a_message_whose_id_is_none_is_not_named_by_it(identifier: str, caplog: pytest.LogCaptureFixture) -> None:
    read_lane([arrived(identifier)], QueueName.LIVE)
    read_events([arrived(identifier)], own=OwnIdentity(OWN_TAG, None))

    assert caplog.text.count("message without an id") == 2


def test_a_message_is_named_by_its_id(caplog: pytest.LogCaptureFixture) -> None:
    read_lane([arrived("6d81597f-1")], QueueName.LIVE)

    assert "message 6d81597f-1 of sync-live refused" in caplog.text


@pytest.mark.parametrize("correlation", [FORGED, f"{MARK}@leak.example", "c" * 201])
def test_a_correlation_id_that_is_none_enters_nowhere(correlation: str) -> None:
    reference = {"table": "contact", "id": str(uuid4()), "why": "saved", "correlation": correlation}
    messages = [
        {"kind": "references", "references": [reference]},
        {"kind": "walk", "table": "contact", "why": "resync", "correlation": correlation},
        {"kind": "jobs", "jobs": [str(uuid4())], "correlation": correlation},
        {"kind": "permissions", "permissions": [str(uuid4())], "correlation": correlation},
        {"kind": "list", "list": str(uuid4()), "correlation": correlation},
    ]
    read = [read_lane_message(json.dumps(one).encode()) for one in messages]

    assert [correlation_of(one) for one in read] == [""] * len(read)


def test_a_field_that_there_is_not_is_not_named_by_who_sent_it() -> None:
    body = {"kind": "walk", "table": "contact", "why": "resync", MARK: 1}

    with pytest.raises(LaneMessageError) as refused:
        read_lane_message(json.dumps(body).encode())

    assert "extra_forbidden" in str(refused.value)
    assert MARK not in str(refused.value)
