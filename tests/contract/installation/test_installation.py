"""The definitions of an installation over the sandbox: real requests, headers and codes, on a bare organisation."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_DNS, uuid4, uuid5

import pytest

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.installation import plan
from shared.installation.components.kind import Kind
from shared.installation.components.table import kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, Endpoint
from shared.installation.install import Installer, survey
from shared.installation.organisation.organisation import Organisation
from shared.installation.organisation.probe import read_tables
from shared.installation.plan import Action, Step
from shared.installation.session import Goal, Session
from shared.installation.wire.customization_client import CustomizationClient
from tests.contract.dataverse_organisation import open_organisation

ENGLISH, DUTCH = 1033, 1043
KEY = "K" * 43 + "="
DEFINITIONS = (Kind.PUBLISHER, Kind.SOLUTION, Kind.TABLE, Kind.COLUMN, Kind.STATUS_REASON, Kind.RELATIONSHIP)


async def at_once(_seconds: float) -> None:
    pass


async def reach(client: DataverseClient, goal: Goal, key: str | None = None) -> list[Step]:
    """Install or uninstall everything; return what was written, after reading it back."""
    state = read_desired_state({"contact": frozenset({"firstname", "emailaddress1"})})
    endpoint = Endpoint(state.endpoint_name, "ns.servicebus.windows.net", state.queue, "send", key)
    state = replace(state, endpoint=endpoint, user=ApplicationUser(str(uuid5(NAMESPACE_DNS, "app")), "Spotler Service"))
    session = Session(CustomizationClient(client, solution=state.solution.name, sleep=at_once), state, sleep=at_once)
    prepared = await session.prepare(goal)
    await session.apply(prepared, lambda _step: None)
    assert await session.verify(goal) == []
    return plan.writes(prepared.steps)


async def install(client: DataverseClient) -> list[Step]:
    """Make the definitions; return what was written."""
    desired = read_desired_state({})
    customization = CustomizationClient(client, solution=desired.solution.name, sleep=at_once)
    organisation = Organisation(
        id=uuid4(),
        user_id=uuid4(),
        lacking=(),
        root_unit=uuid4(),
        base_language=ENGLISH,
        languages=frozenset({ENGLISH, DUTCH}),
        has_endpoint=False,
        tables=await read_tables(customization),
    )
    every = kinds(desired)
    steps = plan.installation(await survey(customization, every, desired, organisation, DEFINITIONS), organisation)
    await Installer(customization, every, report=lambda _step: None, sleep=at_once).apply(steps, organisation)
    return plan.writes(steps)


async def test_tables_columns_and_lookups_are_made_and_a_second_run_writes_nothing() -> None:
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH)) as organisation:
        assert {step.action for step in await install(organisation.client)} == {Action.CREATE}
        assert await install(organisation.client) == []
        organisation.sent.clear()
        await install(organisation.client)
        assert {operation.split()[0] for operation in organisation.sent} == {"GET"}


@pytest.mark.parametrize(
    "written", ["POST .*EntityDefinitions$", "POST .*CreateCustomerRelationships", "POST .*publishers"]
)
async def test_a_creation_whose_answer_is_lost_is_made_once(written: str) -> None:
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH)) as organisation:
        await organisation.strike("reset_after", written)
        await install(organisation.client)
        assert await install(organisation.client) == []


async def test_everything_is_installed_uninstalled_and_installed_again() -> None:
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH)) as organisation:
        client = organisation.client
        assert {step.action for step in await reach(client, Goal.INSTALL, KEY)} == {Action.CREATE}
        assert await reach(client, Goal.INSTALL) == []
        await reach(client, Goal.UNINSTALL)
        await reach(client, Goal.INSTALL, KEY)
        await reach(client, Goal.UNINSTALL_WITH_DATA)
        await reach(client, Goal.INSTALL, KEY)
        assert await reach(client, Goal.INSTALL) == []
