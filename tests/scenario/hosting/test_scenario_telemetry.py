"""One save is one trace: from Dataverse's message over every request to both sides to the report. Nobody is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from shared.local.commands.connector import connector_host
from shared.local.functions_host.host import FunctionsHost
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.telemetry.signals import (
    BACKLOG,
    BUDGET,
    CALLS,
    HEARTBEAT,
    JOBS,
    LATENCY,
    OLDEST,
    OUTCOMES,
    SIGNALS,
    UP,
)
from shared.telemetry.traces import ATTRIBUTES
from tests.installed import organisation
from tests.programs.processes import start
from tests.scenario.connector_process import SYSTEM
from tests.scenario.privacy import MARK, marks_in
from tests.scenario.rows import filled_in
from tests.scenario.world import eventually
from tests.telemetry import Telemetry, listening

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Observed:
    """A connector in this very process, the people around it, and what it tells."""

    dynamics: DynamicsUser
    spotler: SpotlerUser
    host: FunctionsHost
    heard: Telemetry

    async def save(self, email: str) -> str:
        """Save a person, all of it marked, and wait for the end of its trace."""
        row = {"emailaddress1": email, **filled_in(PersonTable.CONTACT)}
        contact = await self.dynamics.create(PEOPLE[PersonTable.CONTACT].entity_set, row)
        await eventually(lambda: self._ended("record written", f"contact:{contact}"), "the record to be written")
        return contact

    async def _ended(self, name: str, record: str) -> str | None:
        found = [span for span in self.heard.named(name) if (span.attributes or {}).get("record") == record]
        return str((found[0].attributes or {})["correlation"]) if found else None

    async def correlation(self, contact: str) -> str:
        """The correlation id of the save of a contact."""
        return await eventually(lambda: self._ended("record written", f"contact:{contact}"), "its trace")

    async def beat(self) -> None:
        """Let the watch look around."""
        before = self.heard.total(HEARTBEAT)
        async with httpx.AsyncClient(base_url=self.host.url) as http:
            key = {"x-functions-key": self.host.keys.master}
            (await http.post("/admin/functions/watch", headers=key)).raise_for_status()

        async def beaten() -> bool:
            return bool(self.heard.named("timer watch")) and self.heard.total(HEARTBEAT) > before

        await eventually(beaten, "a heartbeat")


@pytest_asyncio.fixture(loop_scope="session")
async def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Observed]:
    async with sandbox(
        "--people",
        "0",
        "--organisation",
        str(organisation()),
        environment={**SYSTEM, "LOCAL_FOLDER": str(tmp_path)},
        start=start,
    ) as addresses:
        for name, value in {**addresses.as_environment(), "LOCAL_FOLDER": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        async with DynamicsUser(addresses) as dynamics, SpotlerUser(addresses) as spotler:
            with listening() as heard:
                async with connector_host(port=0) as host:
                    yield Observed(dynamics, spotler, host, heard)


async def test_a_save_is_one_trace_from_the_message_to_the_report(observed: Observed) -> None:
    contact = await observed.save(f"{MARK}1@example.nl")
    correlation = await observed.correlation(contact)

    async def is_complete() -> bool:
        return "process dataverse-events" in [span.name for span in observed.heard.trace_of(correlation)]

    await eventually(is_complete, "the end of the trace")
    spans = observed.heard.trace_of(correlation)
    names = [span.name for span in spans]
    order = [
        "dataverse GET contacts",
        "crm read_people",
        "plan",
        "spotler contact.insert",
        "spotler insert",
        "dataverse POST $batch",
        "crm report",
        "record written",
        "process dataverse-events",
    ]
    # A process that has just begun reads columns and properties, too; spans stand in the order in which they end.
    rest = iter(names)
    assert all(name in rest for name in order), names
    # Every span hangs below another one of the trace, up to the message.
    ids = {span.get_span_context().span_id for span in spans}
    orphans = [span.name for span in spans if span.parent is None or span.parent.span_id not in ids]
    assert orphans == ["process dataverse-events"]


async def test_several_saves_are_counted_and_measured(observed: Observed) -> None:
    await asyncio.gather(*(observed.save(f"{MARK}{number}@example.nl") for number in range(5)))
    job = await observed.dynamics.add_job(
        Operation.SYNC_CONTACT, PersonTable.CONTACT, await observed.save("a@example.nl")
    )
    await eventually(lambda: _job(observed, job), "the job to end")
    await observed.beat()
    heard = observed.heard

    assert heard.total(OUTCOMES, table="contact", result="written", reason="created") == 6
    assert heard.total(LATENCY, table="contact", result="written") == 6
    assert heard.total(JOBS, operation="Sync Contact", status="Completed", code="OK") == 1
    assert heard.total(CALLS, service="spotler", operation="contact.insert", status="200") >= 1
    assert heard.total(CALLS, service="dataverse", operation="POST $batch", status="200") >= 1
    assert {len(heard.values(UP, service=name)) > 0 for name in ("dataverse", "spotler", "state", "queue")} == {True}
    assert set(heard.values(UP)) == {1}
    assert {len(heard.values(OLDEST, queue=queue)) > 0 for queue in ("dataverse-events", "sync-live", "sync-bulk")} == {
        True
    }
    assert heard.values(BACKLOG, queue="sync-bulk", state="dead")[-1] == 0
    for service in ("dataverse", "spotler"):
        assert 0 <= heard.values(BUDGET, service=service)[-1] <= 1


async def _job(observed: Observed, job: str) -> bool:
    return any((span.attributes or {}).get("job") == job for span in observed.heard.named("job Completed"))


async def test_nobody_is_named_in_traces_and_metrics(observed: Observed) -> None:
    contact = await observed.save(f"{MARK}1@example.nl")
    await observed.dynamics.change(
        PEOPLE[PersonTable.CONTACT].entity_set, contact, {"emailaddress1": f"{MARK}2@example.nl"}
    )
    await observed.dynamics.delete(PEOPLE[PersonTable.CONTACT].entity_set, contact)
    await eventually(lambda: _erased(observed), "the contact to be anonymised")
    await observed.beat()

    told = "".join(span.to_json() for span in observed.heard.spans) + json.dumps(_measured(observed.heard))
    assert marks_in(told.encode()) == []
    assert "example.nl" not in told
    assert "/api/data/" not in told
    kept = {name for span in observed.heard.spans for name in span.attributes or {}}
    assert kept <= ATTRIBUTES


async def _erased(observed: Observed) -> bool:
    return bool(observed.heard.named("record anonymised"))


def _measured(heard: Telemetry) -> Any:
    for signal in SIGNALS:
        heard.values(signal)
    return heard._measured
