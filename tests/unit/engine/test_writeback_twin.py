"""The twin of the write-backs keeps the rules of the adapter that engine tests rely on."""

from __future__ import annotations

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConflictError, NotFoundError, TransientError
from shared.ports.writeback import Writeback, WritebackResult
from tests.twins import TwinCrm
from tests.twins.write_back import TwinWritebacks, permission_row

ROWS = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "jobTitle", "contact": "jobtitle", "direction": "<->"},
        ],
    }
).rows


def title(value: PropertyValue) -> FieldReturn:
    return FieldReturn(ROWS[1], PropertyDefinition("jobTitle", "Job title", PropertyType.STRING), value)


async def test_a_change_makes_a_new_version_and_an_old_one_is_a_conflict() -> None:
    crm = TwinCrm()
    ann = crm.create(jobtitle="Baker")
    first = crm.people[ann].etag
    twin = TwinWritebacks(crm)
    assert await twin.write_back([Writeback(ann, first, (title("Chef"),))]) == [WritebackResult()]
    (came,) = await twin.write_back([Writeback(ann, first, (title("Cook"),), refuses_bulk=True)])
    assert isinstance(came.error, ConflictError)
    record = crm.people[ann]
    assert (record.values["jobtitle"], record.values["donotbulkemail"]) == ("Chef", True)
    assert record.etag != first
    assert twin.calls["write_back"] == 2


async def test_permissions_are_changed_in_their_row_and_created_once() -> None:
    crm = TwinCrm()
    ann = crm.create(permissions={"News": True})
    twin = TwinWritebacks(crm)
    off = SubscriptionReturn(
        OptionSource.PERMISSIONS, "News", subscribed=False, row=permission_row(crm.people[ann], "News")
    )
    new = SubscriptionReturn(OptionSource.PERMISSIONS, "Offers", subscribed=True, row=None)
    for _ in range(2):
        assert await twin.write_back([Writeback(ann, "", (), (off, new))]) == [WritebackResult()]
    assert {row.name: row.subscribed for row in crm.people[ann].permissions} == {"News": False, "Offers": True}


async def test_the_writeback_twin_answers_absent_rows_empty_changes_and_faults() -> None:
    crm = TwinCrm()
    twin = TwinWritebacks(crm)
    gone = RecordKey(PersonTable.CONTACT, crm.create().id)
    crm.delete(gone)
    assert await twin.write_back([Writeback(gone, "")]) == [WritebackResult()]
    assert twin.calls["write_back"] == 0
    (came,) = await twin.write_back([Writeback(gone, "", (title("x"),))])
    assert isinstance(came.error, NotFoundError)
    crm.faults.plan(0, TransientError("no answer"))
    with pytest.raises(TransientError):
        await twin.write_back([Writeback(gone, "", (title("x"),))])
