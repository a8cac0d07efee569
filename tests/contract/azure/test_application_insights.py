"""What Application Insights receives, over real HTTP, from a process of its own; and what one without it imports."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.connector_process import SYSTEM

ROOT = Path(__file__).resolve().parents[3]
CHANGE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
KEY = "11111111-1111-1111-1111-111111111111"

_TELLS = f"""
import logging
from opentelemetry import _logs, metrics, trace
from opentelemetry.trace import SpanKind
from shared.composition.connections import export_telemetry
from shared.errors import Service
from shared.telemetry.calls import observe
from shared.telemetry.signals import OUTCOMES, record
from shared.telemetry.traces import work
from shared.composition.settings import load_settings

logging.basicConfig(level=logging.INFO, format="root: %(message)s")
settings = load_settings()
export_telemetry(settings)
export_telemetry(settings)
log = logging.getLogger("shared.engine.record_handler")
with work("process dataverse-events", ["{CHANGE}"], SpanKind.CONSUMER, queue="dataverse-events", count=1):
    observe(Service.SPOTLER, "contact.upsert", 200, 0.125)
    observe(Service.DATAVERSE, "POST $batch", 503, 0.5)
    log.info("contact:1 written", extra={{"correlation": "{CHANGE}", "attempt": 1}})
    log.warning("something is the matter")
record(OUTCOMES, lane="sync-live", table="contact", result="written", reason="created")
for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
    provider.force_flush()
"""

_IMPORTS = """
import sys
import function_app
from shared.composition.services import open_services
from shared.composition.settings import load_settings
open_services(load_settings())
sdk = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation", "azure.monitor")
print([name for name in sys.modules if name.startswith(sdk)])
"""

WRONG = ("nonsense", "InstrumentationKey=1")
_COMPLAINS = f"""
import json, os, traceback
from shared.composition.connections import export_telemetry
from shared.composition.settings import load_settings
from shared.errors import ConfigurationError

printed = {{}}
for text in {WRONG}:
    os.environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = text
    try:
        export_telemetry(load_settings())
    except ConfigurationError:
        printed[text] = traceback.format_exc()
print(json.dumps(printed))
"""


@dataclass
class Ingestion:
    """An endpoint that accepts everything."""

    url: str = ""
    envelopes: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all envelopes of one kind, with their operation."""
        return [
            {**one["data"]["baseData"], "operation": one["tags"].get("ai.operation.id", "")}
            for one in self.envelopes
            if one["data"]["baseType"] == kind
        ]


@pytest.fixture(scope="module")
def ingestion() -> Iterator[Ingestion]:
    received = Ingestion()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            envelopes = json.loads(body)
            received.envelopes += envelopes
            answer = json.dumps(
                {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    received.url = f"http://127.0.0.1:{server.server_port}/"
    yield received
    server.shutdown()
    server.server_close()


def run(source: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source],
        env={**SYSTEM, "HOME": os.environ.get("HOME", "/"), **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def told(ingestion: Ingestion) -> subprocess.CompletedProcess[str]:
    """A process that has told the endpoint of its work, and ended."""
    return run(
        _TELLS,
        APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={KEY};IngestionEndpoint={ingestion.url}",
        ENVIRONMENT="prod",
    )


def test_traces_metrics_and_logs_arrive_with_the_correlation_id_as_operation(
    told: subprocess.CompletedProcess[str], ingestion: Ingestion
) -> None:
    assert told.returncode == 0, told.stderr
    operation = CHANGE.replace("-", "")
    (batch,) = ingestion.of("RequestData")
    assert (batch["name"], batch["operation"]) == ("process dataverse-events", operation)
    requests = {one["name"]: one for one in ingestion.of("RemoteDependencyData")}
    assert set(requests) == {"spotler contact.upsert", "dataverse POST $batch"}
    assert all(one["operation"] == operation for one in requests.values())
    assert [requests[name]["success"] for name in sorted(requests)] == [False, True]
    assert requests["spotler contact.upsert"]["duration"] == "0.00:00:00.125"
    (info, warning) = ingestion.of("MessageData")
    assert (info["message"], info["operation"]) == ("contact:1 written", operation)
    assert info["properties"]["correlation"] == CHANGE
    assert warning["message"] == "something is the matter"
    outcomes = [one for one in ingestion.of("MetricData") if one["metrics"][0]["name"] == "connector.outcomes"]
    assert outcomes[0]["metrics"][0]["value"] == 1
    assert outcomes[0]["properties"]["reason"] == "created"


def test_information_reaches_application_insights_once_and_warnings_the_host_too(
    told: subprocess.CompletedProcess[str],
) -> None:
    assert "root: something is the matter" in told.stderr
    assert "root: contact:1 written" not in told.stderr


def test_without_a_connection_string_nothing_but_the_api_is_imported(tmp_path: Path) -> None:
    ended = run(
        _IMPORTS,
        LOCAL_FOLDER=str(tmp_path),
        DATAVERSE_URL="http://127.0.0.1:1",
        DATAVERSE_AUTHORITY="http://127.0.0.1:1",
        DATAVERSE_TENANT_ID="t",
        DATAVERSE_CLIENT_ID="c",
        DATAVERSE_CLIENT_SECRET="s",
        SPOTLER_KEY="k",
        SPOTLER_SECRET="s",
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def complaints() -> dict[str, str]:
    """What a process prints as it ends because of each connection string."""
    found: dict[str, str] = json.loads(run(_COMPLAINS).stdout)
    return found


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_connection_string_is_named_and_not_shown(complaints: dict[str, str], text: str) -> None:
    assert "ConfigurationError: APPLICATIONINSIGHTS_CONNECTION_STRING" in complaints[text]
    assert text not in complaints[text].replace("_CONNECTION_STRING is no", "")
