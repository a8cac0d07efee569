"""Users of the console see the records that they may read in Dataverse, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.adapters.dataverse.metadata.readers import DataverseReaders
from shared.adapters.dataverse.metadata.record_access import DataverseRecordAccess
from shared.domain.records.records import PersonTable, RecordKey
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import Access, privilege
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_organisation import open_organisation
from tests.contract.dataverse_rows.test_record_access import call_in

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
LEAD = RecordKey(PersonTable.LEAD, UUID(int=2))
ROWS = [("contact", {"contactid": str(ANN.id), "lastname": "Moore"}), ("lead", {"leadid": str(LEAD.id)})]
CLIENTS = {"sandbox": "sandbox", "intern": "intern"}
INTERN = fixed_id("systemuser", "intern")
READS = frozenset({privilege(Access.READ, "contact")})


@pytest.mark.parametrize(("is_disabled", "readable"), [(False, {ANN}), (True, set())])
async def test_a_user_sees_what_the_own_rights_allow(*, is_disabled: bool, readable: set[RecordKey]) -> None:
    async with open_organisation(ROWS, clients=CLIENTS, privileges={"intern": READS}) as organisation:
        await call_in(organisation.url)
        (row,) = [
            row
            async for page in organisation.client.query(
                "systemusers", select=["azureactivedirectoryobjectid"], filter=f"systemuserid eq {INTERN}"
            )
            for row in page
        ]
        if is_disabled:
            await organisation.client.update("systemusers", UUID(INTERN), {"isdisabled": True})
        clock = ManualClock()
        access = DataverseRecordAccess(organisation.client, clock)
        readers = DataverseReaders(organisation.client, access, clock)

        found = await readers.readable(UUID(row["azureactivedirectoryobjectid"]), [ANN, LEAD])

    assert found == readable


async def test_who_is_no_user_of_dataverse_sees_nobody_and_is_asked_about_once() -> None:
    async with open_organisation(ROWS) as organisation:
        clock, stranger = ManualClock(), uuid4()
        readers = DataverseReaders(organisation.client, DataverseRecordAccess(organisation.client, clock), clock)
        assert await readers.readable(stranger, [ANN]) == frozenset()
        organisation.sent.clear()

        clock.advance(timedelta(minutes=5))
        assert await readers.readable(stranger, [ANN]) == frozenset()

    assert list(organisation.sent) == []
