"""Which people Spotler Jobs may add data for; fields that are set, contacts made inactive."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.connector_twin import ConnectorTwin, person, rules
from tests.twins.jobs import WELCOME
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, run


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def test_job_reports_why_a_record_may_not_have_a_contact(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person(donotemail=True))

    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "do-not-email")
    assert "Do Not Email is set." in end(twin, job)[2]
    assert twin.tagging.calls["add_tags"] == 0


@pytest.mark.parametrize(
    ("status", "code"), [(SyncStatus.OPT_OUT, "opted-out"), (SyncStatus.DISABLED, "sync-disabled")]
)
async def test_opt_08_nothing_is_sent_of_a_person_who_opted_out_or_was_disabled(
    twin: ConnectorTwin, status: SyncStatus, code: str
) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.set_status(ann, status)

    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, code)
    assert twin.tagging.calls["add_tags"] == 0


async def test_removing_operations_work_after_an_opt_out(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")
    twin.crm.set_status(ann, SyncStatus.OPT_OUT)

    job = await run(twin, Operation.REMOVE_TAG, ann, parameter_name="Lead")

    assert end(twin, job)[0] is COMPLETED
    assert twin.contact_of("ann@example.com").scores == {}


async def test_a_contact_that_vanished_from_spotler_is_made_again(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.platform.contacts.clear()

    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")

    assert end(twin, job)[0] is COMPLETED
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"
    assert twin.contact_of("ann@example.com").scores == {"Lead": 0}


async def test_a_switched_off_environment_sends_nothing() -> None:
    twin = ConnectorTwin(rules(environment_is_on=False))
    ann = twin.crm.create(**person())

    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "environment-off")


async def test_removing_operations_do_nothing_without_a_contact(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    row = twin.automation_rows.add(WELCOME)
    jobs = [
        await run(twin, Operation.REMOVE_TAG, ann, parameter_name="Lead"),
        await run(twin, Operation.DEACTIVATE_CONTACT, ann),
        await run(twin, Operation.STOP_AUTOMATION, ann, automation=row),
    ]

    assert [end(twin, job)[0] for job in jobs] == [COMPLETED] * 3
    assert all("the person is not in Spotler" in end(twin, job)[2] for job in jobs)


# ------------------------------------------------------------------------------------------------------------- fields


async def test_fld_01_a_field_is_set_without_disturbing_what_both_sides_agreed_on(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    before = (await twin.ledger.entries([ann]))[ann].binding

    job = await run(twin, Operation.SET_CONTACT_FIELD, ann, parameter_name="hobby", parameter_value="chess")

    assert end(twin, job) == (COMPLETED, "OK", "hobby set in Spotler.")
    assert twin.contact_of("ann@example.com").values["hobby"] == "chess"
    assert (await twin.ledger.entries([ann]))[ann].binding == before


async def test_fld_11_a_field_is_cleared(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await run(twin, Operation.SET_CONTACT_FIELD, ann, parameter_name="Hobby", parameter_value="chess")
    assert twin.contact_of("ann@example.com").values["hobby"] == "chess"

    job = await run(twin, Operation.CLEAR_CONTACT_FIELD, ann, parameter_name="hobby")

    assert end(twin, job) == (COMPLETED, "OK", "hobby emptied in Spotler.")
    assert "hobby" not in twin.contact_of("ann@example.com").values


async def test_fld_07_a_field_that_dataverse_fills_is_refused(twin: ConnectorTwin) -> None:
    job = await run(
        twin,
        Operation.SET_CONTACT_FIELD,
        twin.crm.create(**person()),
        parameter_name="city",
        parameter_value="Utrecht",
    )

    assert end(twin, job)[:2] == (FAILED, "[JOB_NOT_VALID]")
    assert twin.platform.calls["update"] == 0


# --------------------------------------------------------------------------------------------------------- deactivate


async def test_job_12_a_contact_is_made_inactive(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)

    job = await run(twin, Operation.DEACTIVATE_CONTACT, ann)

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert twin.contact_of("ann@example.com").is_inactive


async def test_a_contact_that_another_record_needs_is_not_made_inactive(twin: ConnectorTwin) -> None:
    ann, twin_sister = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann, twin_sister)

    job = await run(twin, Operation.DEACTIVATE_CONTACT, ann)

    assert end(twin, job)[:2] == (FAILED, "still-used")
    assert not twin.contact_of("ann@example.com").is_inactive
