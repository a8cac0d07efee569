"""Runs of the installer over a twin of an organisation."""

from __future__ import annotations

from dataclasses import replace

from shared.installation import plan
from shared.installation.components.kind import Kind
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, DesiredState, Endpoint
from shared.installation.plan import Step
from shared.installation.session import Goal, Session
from tests.unit.installation.organisation_twin import OrganisationTwin

MAPPED = {"contact": frozenset({"firstname", "emailaddress1", "no_such_column"}), "account": frozenset({"statecode"})}


CLIENT = "11111111-2222-3333-4444-555555555555"


STATE = read_desired_state(MAPPED)


def desired(key: str | None = "key") -> DesiredState:
    endpoint = Endpoint(STATE.endpoint_name, "ns.servicebus.windows.net", STATE.queue, "send", key)
    return replace(STATE, user=ApplicationUser(CLIENT, "Spotler Service"), endpoint=endpoint)


async def run(
    twin: OrganisationTwin,
    goal: Goal = Goal.INSTALL,
    state: DesiredState | None = None,
    only: tuple[Kind, ...] = tuple(Kind),
) -> list[Step]:
    """Run once; return what was written."""

    async def at_once(_seconds: float) -> None:
        pass

    session = Session(twin, state or desired(), sleep=at_once, only=only)  # type: ignore[arg-type]
    prepared = await session.prepare(goal)
    await session.apply(prepared, lambda _step: None)
    assert await session.verify(goal) == []
    return plan.writes(prepared.steps)


async def writes_of(twin: OrganisationTwin, state: DesiredState | None = None) -> int:
    before = twin.counts.writes
    await run(twin, state=state or desired(key=None))
    return twin.counts.writes - before
