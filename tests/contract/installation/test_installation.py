"""The definitions of an installation over the sandbox: real requests, headers and codes, on a bare organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid4, uuid5

import pytest

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.errors import ConfigurationError
from shared.installation import plan
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.components.table import kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, Endpoint
from shared.installation.install import Installer, survey
from shared.installation.organisation.organisation import Organisation
from shared.installation.organisation.probe import read_tables
from shared.installation.plan import Action, Step
from shared.installation.preflight import needed_privileges
from shared.installation.session import Goal, Session
from shared.installation.wire.customization_client import CustomizationClient
from shared.local.dataverse_sandbox.metadata import packaged
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import CUSTOMISING, Access, Privilege, privileges_of
from tests.contract.dataverse_organisation import open_organisation
from tests.customisation import CUSTOMISATION

ENGLISH, DUTCH = 1033, 1043
KEY = "K" * 43 + "="
DEFINITIONS = (Kind.KEY, Kind.PUBLISHER, Kind.SOLUTION, Kind.TABLE, Kind.COLUMN, Kind.STATUS_REASON, Kind.RELATIONSHIP)


async def at_once(_seconds: float) -> None:
    pass


async def reach(
    client: DataverseClient, goal: Goal, key: str | None = None, *, pages: Sequence[ComponentKind[Any, Any]] = ()
) -> list[Step]:
    """Install or uninstall everything but pages; return what was written, after reading it back."""
    state = read_desired_state({"contact": frozenset({"firstname", "emailaddress1"})})
    endpoint = Endpoint(state.endpoint_name, "ns.servicebus.windows.net", state.queue, "send", key)
    state = replace(state, endpoint=endpoint, user=ApplicationUser(str(uuid5(NAMESPACE_DNS, "app")), "Spotler Service"))
    customization = CustomizationClient(client, solution=state.solution.name, sleep=at_once)
    session = Session(customization, state, sleep=at_once, pages=pages)
    prepared = await session.prepare(goal)
    await session.apply(prepared, lambda _step: None)
    assert await session.verify(goal) == []
    return plan.writes(prepared.steps)


def _forget(_table: str, _form: object, _formxml: str) -> None:
    """Keep no original."""


async def install(client: DataverseClient) -> list[Step]:
    """Make the definitions; return what was written."""
    desired = read_desired_state({})
    customization = CustomizationClient(client, solution=desired.solution.name, sleep=at_once)
    organisation = Organisation(
        id=uuid4(),
        user_id=uuid4(),
        blocks_customisation=False,
        managed_solution=False,
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
        before = await organisation.control("checkpoint")
        await install(organisation.client)
        assert {request for request in organisation.sent if not request.startswith("GET ")} == {"POST $batch"}
        assert await organisation.control("checkpoint") == before


async def test_a_creation_whose_answer_is_lost_is_made_once() -> None:
    written = ("POST .*EntityDefinitions$", "POST .*CreateCustomerRelationships", "POST .*publishers")
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH)) as organisation:
        await organisation.strike("reset_after", *written)
        await install(organisation.client)
        assert await install(organisation.client) == []


EVERYTHING = frozenset(one for each in packaged.standard().tables.values() for one in privileges_of(each))


@pytest.mark.parametrize(
    ("resistance", "told"),
    [
        ({"blocked": True}, "blocks unmanaged customisations"),
        ({"revoked": Privilege(Access.CREATE, "attribute")}, "lacks prvCreateAttribute: let a System Administrator"),
        ({"revoked": Privilege(Access.WRITE, "systemuser")}, "lacks prvWriteUser: let a System Administrator"),
        ({"managed": True}, "installed here as a managed one"),
    ],
)
async def test_what_dataverse_would_refuse_later_is_told_before_the_first_write(
    resistance: dict[str, Any], told: str
) -> None:
    client = {"sandbox": EVERYTHING.union(CUSTOMISING) - {resistance.get("revoked")}}
    publisher = ("publisher", fixed_id("publisher", "default"))
    names = {"uniquename": "SpotlerConnector", "friendlyname": "Spotler Connector", "version": "1.0"}
    rows = [("solution", names | {"publisherid": publisher, "ismanaged": True})] if "managed" in resistance else []
    async with open_organisation(rows, bare=True, privileges=client) as organisation:
        if "blocked" in resistance:
            await organisation.control("customising", resistance)

        with pytest.raises(ConfigurationError, match=told):
            await reach(organisation.client, Goal.INSTALL, KEY)

        assert {request for request in organisation.sent if not request.startswith("GET ")} <= {"POST $batch"}


async def test_every_privilege_that_an_installation_uses_is_asked_for_before_it_begins() -> None:
    client = {"sandbox": EVERYTHING.union(CUSTOMISING)}
    async with open_organisation(bare=True, privileges=client) as organisation:
        written = await reach(organisation.client, Goal.INSTALL, KEY, pages=page_kinds(CUSTOMISATION, _forget))
        used = (await organisation.control("privileges"))["sandbox"]["used"]
        changes = {Privilege(Access(access), table) for table, several in used.items() for access in several}
        names = {one.name.casefold() for one in changes if one.access is not Access.READ}
        asked = await needed_privileges(CustomizationClient(organisation.client, solution=""), written)

        assert names <= {name.casefold() for name in asked}
        assert "prvpublishcustomization" in names


async def key_state(client: DataverseClient) -> list[Step]:
    """Return what a reading of the alternate keys tells: what differs, and what is remarkable."""
    state = read_desired_state({})
    customization = CustomizationClient(client, solution=state.solution.name, sleep=at_once)
    steps = await Session(customization, state, sleep=at_once, only=(Kind.KEY,)).read(Goal.INSTALL)
    return [*plan.writes(steps), *plan.remarks(steps)]


async def test_keys_whose_index_is_pending_or_failed_are_told() -> None:
    async with open_organisation(bare=True, languages=(ENGLISH, DUTCH)) as organisation:
        await organisation.control("customising", {"builds_keys": False})
        await install(organisation.client)
        assert await install(organisation.client) == []
        assert {(step.name, step.reason) for step in await key_state(organisation.client)} == {
            (name, "Dataverse is still building the index of the key")
            for name in ("dh_websitevisitor.dh_visitorkey", "campaign.dh_mailingkey")
        }

        twins = [("campaign", {"campaignid": str(uuid4()), "dh_spotlermailingid": "one"}) for _ in range(2)]
        await organisation.control("rows", {"rows": twins})
        await organisation.control("customising", {"builds_keys": True})
        (failed,) = await key_state(organisation.client)
        assert failed.name == "campaign.dh_mailingkey"
        assert failed.reason.startswith("its index failed, as rows of campaign have the same dh_spotlermailingid")

        await organisation.client.update("campaigns", UUID(twins[1][1]["campaignid"]), {"dh_spotlermailingid": "two"})
        assert len(await install(organisation.client)) == 1
        assert await key_state(organisation.client) == []


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
