"""The whole installation over HTTP, killed after every request in turn: the next run finishes, a third writes nothing.

A run that is killed leaves the organisation as it was after its last write. So one installation goes through all these
states: it waits after each write, while another installation begins where it stands. Then the organisation goes back to
that moment. A kill at a read, or before an answer arrives, leaves one of the same states.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest

from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method
from shared.installation import plan
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, DesiredState, Endpoint
from shared.installation.session import Goal, Session
from shared.installation.wire.customization_client import CustomizationClient
from shared.local.dataverse_sandbox.http.limits import Limits
from tests.contract.dataverse_organisation import open_organisation
from tests.customisation import CUSTOMISATION

ENGLISH, DUTCH = 1033, 1043
KEY = "K" * 43 + "="
STATE = read_desired_state({"contact": frozenset({"firstname", "emailaddress1"})})
UNLIMITED = Limits(requests=10**9, execution_seconds=10.0**9)

Pause = Callable[[], Awaitable[None]]


async def at_once(_seconds: float = 0) -> None:
    pass


class PausingClient(CustomizationClient):
    """A client that pauses after each write."""

    def __init__(self, client: DataverseClient, *, solution: str, pause: Pause = at_once) -> None:
        super().__init__(client, solution=solution, sleep=at_once)
        self._pause = pause

    async def _write(
        self, method: Method, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> OperationResult:
        result = await super()._write(method, path, body, headers)
        await self._pause()
        return result

    def outside_the_solution(self) -> PausingClient:
        other = PausingClient(self._client, solution="", pause=self._pause)
        other.counts = self.counts
        return other


def everything(key: str | None) -> DesiredState:
    """Return the desired state with application user and endpoint."""
    endpoint = Endpoint(STATE.endpoint_name, "ns.servicebus.windows.net", STATE.queue, "send", key)
    return replace(STATE, endpoint=endpoint, user=ApplicationUser(str(uuid5(NAMESPACE_DNS, "app")), "Spotler Service"))


async def run(client: DataverseClient, key: str | None, pause: Pause = at_once) -> int:
    """Install everything; return the number of writes."""
    state = everything(key)
    pausing = PausingClient(client, solution=state.solution.name, pause=pause)
    session = Session(pausing, state, sleep=at_once, pages=page_kinds(CUSTOMISATION, lambda *_form: None))
    prepared = await session.prepare(Goal.INSTALL)
    await session.apply(prepared, lambda _step: None)
    return len(plan.writes(prepared.steps)) and pausing.counts.writes


@pytest.mark.parametrize("every", [200, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_killed_installation_is_finished_by_the_next_and_a_third_writes_nothing(every: int) -> None:
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH), limits=UNLIMITED) as organisation:
        await organisation.control("checkpoint", {})
        writes = await run(organisation.client, KEY)
        whole = (await organisation.control("checkpoint"))["rows"]
        await organisation.control("checkpoint", {"rewind": True})
        passed = kills = 0

        async def kill() -> None:
            nonlocal passed, kills
            passed += 1
            if passed % every:
                return
            kills += 1
            await organisation.control("checkpoint", {})
            await run(organisation.client, KEY)
            finished = await organisation.control("checkpoint")
            assert await run(organisation.client, None) == 0, passed
            assert await organisation.control("checkpoint") == finished, passed
            assert finished["rows"] == whole, passed
            await organisation.control("checkpoint", {"rewind": True})

        assert await run(organisation.client, KEY, kill) == passed == writes
        assert kills == writes // every
        sys.stderr.write(f"\n{kills} kills in an installation of {writes} writes\n")
