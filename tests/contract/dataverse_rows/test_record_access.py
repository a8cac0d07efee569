"""`RetrievePrincipalAccess`: the connector asks Dataverse what a user may do with a record, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.adapters.dataverse.metadata.record_access import DataverseRecordAccess
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import ClientSecret, token_provider
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConfigurationError
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import Access, privilege
from shared.ports.dataverse import TimelinePost
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_organisation import open_organisation

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
ROWS = [("contact", {"contactid": str(ANN.id), "lastname": "Moore"})]
CLIENTS = {"sandbox": "sandbox", "intern": "intern"}
INTERN, CONNECTOR = (UUID(fixed_id("systemuser", client)) for client in ("intern", "sandbox"))
READS = frozenset({privilege(Access.READ, "contact"), privilege(Access.APPEND_TO, "contact")})


async def test_rights_are_those_of_the_user_s_roles_and_nobody_else_s() -> None:
    async with open_organisation(ROWS, clients=CLIENTS, privileges={"intern": READS}) as organisation:
        await call_in(organisation.url)
        access = DataverseRecordAccess(organisation.client, ManualClock())
        await organisation.client.who_am_i()

        rights = await access.rights([(INTERN, ANN), (CONNECTOR, ANN)])

    assert rights[INTERN, ANN] == {AccessRight.READ, AccessRight.APPEND_TO}
    assert rights[CONNECTOR, ANN] == set(AccessRight)


async def test_an_answer_is_kept_for_a_minute_by_user_and_record() -> None:
    async with open_organisation(ROWS) as organisation:
        clock = ManualClock()
        access = DataverseRecordAccess(organisation.client, clock)
        await organisation.client.who_am_i()
        organisation.sent.clear()

        await access.rights([(CONNECTOR, ANN)])
        clock.advance(timedelta(seconds=59))
        await access.rights([(CONNECTOR, ANN)])
        asked_at_first = len(organisation.sent)
        clock.advance(timedelta(seconds=2))
        await access.rights([(CONNECTOR, ANN)])

    assert (asked_at_first, len(organisation.sent)) == (1, 2)


async def test_a_right_is_read_in_the_request_that_writes_reports() -> None:
    async with open_organisation(ROWS) as organisation:
        access = DataverseRecordAccess(organisation.client, ManualClock())
        await organisation.client.who_am_i()
        organisation.sent.clear()

        problems = await access.report_and_ask([TimelinePost(uuid4(), ANN, "Asked for.")], [(CONNECTOR, ANN)])
        rights = await access.rights([(CONNECTOR, ANN)])

    assert problems == [None]
    assert rights[CONNECTOR, ANN] == set(AccessRight)
    assert len(organisation.sent) == 1


async def test_a_right_that_could_not_be_read_with_reports_is_asked_for_again() -> None:
    async with open_organisation(ROWS, privileges={"sandbox": READS}) as organisation:
        await organisation.client.who_am_i()
        access = DataverseRecordAccess(organisation.client, ManualClock())

        await access.report_and_ask([TimelinePost(uuid4(), ANN, "Asked for.")], [(CONNECTOR, ANN)])

        with pytest.raises(ConfigurationError, match="403"):
            await access.rights([(CONNECTOR, ANN)])


async def test_nobody_has_a_right_on_what_is_gone_and_a_disabled_user_has_none() -> None:
    async with open_organisation(ROWS, clients=CLIENTS) as organisation:
        await call_in(organisation.url)
        access = DataverseRecordAccess(organisation.client, ManualClock())
        await organisation.client.update("systemusers", INTERN, {"isdisabled": True})
        gone, stranger = RecordKey(PersonTable.CONTACT, uuid4()), uuid4()

        rights = await access.rights([(INTERN, ANN), (CONNECTOR, gone), (stranger, ANN)])

    assert set(rights.values()) == {frozenset()}


async def test_a_connector_that_may_not_ask_says_what_is_missing() -> None:
    async with open_organisation(ROWS, privileges={"sandbox": READS}) as organisation:
        await organisation.client.who_am_i()
        with pytest.raises(ConfigurationError, match="403"):
            await DataverseRecordAccess(organisation.client, ManualClock()).rights([(CONNECTOR, ANN)])


async def call_in(url: str) -> None:
    """Let the intern sign in once: application users exist from their first call."""
    tokens = token_provider(ClientSecret("contoso", "intern", "intern"), url, authority=url)
    async with DataverseClient(url, tokens) as client:
        await client.who_am_i()
