"""Automations and campaigns by Spotler Job: started, stopped, refreshed, refused."""

from __future__ import annotations

import pytest

from shared.domain.features.automations import AutomationKind, FieldType, FieldValue, PublishedAutomation, StartRefusal
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from tests.connector_twin import ConnectorTwin, person
from tests.twins.jobs import CART, VOUCHER_CODE, WELCOME
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, journal, posts, run


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def test_aut_10_aut_11_and_job_27_a_start_reports_ok_the_run_and_a_post(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(PersonTable.LEAD, **person())
    row = twin.automation_rows.add(WELCOME, fields="voucher=<STRING>\ncart={<PRODUCTLIST>}")

    job = await run(twin, Operation.START_AUTOMATION, ann, automation=row, automation_fields="voucher=X1\ncart={1,2}")

    assert end(twin, job) == (COMPLETED, "OK", 'Automation "Welcome" started in Spotler.')
    assert twin.crm.job_reports[job].automation_contact_id == "run-1"
    assert posts(twin) == [(ann, 'Automation "Welcome" started in Spotler.')]
    assert twin.automations.fields == [
        (FieldValue("voucher", FieldType.STRING, ("X1",)), FieldValue("cart", FieldType.PRODUCTLIST, ("1", "2")))
    ]


@pytest.mark.parametrize("code", [VOUCHER_CODE, "TrgCart"])
async def test_c_37_a_typed_code_starts_automations_and_campaigns(twin: ConnectorTwin, code: str) -> None:
    job = await run(twin, Operation.START_AUTOMATION, twin.crm.create(**person()), parameter_name=code)

    assert end(twin, job)[:2] == (COMPLETED, "OK")


async def test_fields_that_the_automation_does_not_have_are_refused_before_anything_is_sent(
    twin: ConnectorTwin,
) -> None:
    row = twin.automation_rows.add(WELCOME, fields="voucher=<STRING>")
    ann = twin.crm.create(**person())

    unknown = await run(twin, Operation.START_AUTOMATION, ann, automation=row, automation_fields="Voucher=1")
    hint = await run(twin, Operation.START_AUTOMATION, ann, automation=row, automation_fields="voucher=STRING")

    assert end(twin, unknown)[:2] == end(twin, hint)[:2] == (FAILED, "[JOB_NOT_VALID]")
    assert "Voucher is no field of this automation. It has voucher" in end(twin, unknown)[2]
    assert "voucher still holds its type hint" in end(twin, hint)[2]
    assert twin.automations.calls["start"] == 0


async def test_an_automation_that_is_not_published_any_more_is_refused(twin: ConnectorTwin) -> None:
    row = twin.automation_rows.add(WELCOME, is_active=False)

    job = await run(twin, Operation.START_AUTOMATION, twin.crm.create(**person()), automation=row)

    assert end(twin, job)[1] == "[JOB_NOT_VALID]"
    assert "not published in Spotler any more" in end(twin, job)[2]


async def test_automation_that_does_not_start_reports_why_without_a_post(twin: ConnectorTwin) -> None:
    twin.automations.refusing = StartRefusal.LIMIT_REACHED
    row = twin.automation_rows.add(WELCOME)

    job = await run(twin, Operation.START_AUTOMATION, twin.crm.create(**person()), automation=row)

    assert end(twin, job)[:2] == (FAILED, "PARTICIPATION_LIMIT_REACHED")
    assert "as often as it allows" in end(twin, job)[2]
    assert posts(twin) == []
    assert await journal(twin) == []


async def test_aut_22_a_stop_stops_all_runs_of_the_person(twin: ConnectorTwin) -> None:
    ann, bob = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="bob@example.com"))
    row = twin.automation_rows.add(WELCOME)
    for who in (ann, ann, bob):
        await run(twin, Operation.START_AUTOMATION, who, automation=row)

    first = await run(twin, Operation.STOP_AUTOMATION, ann, automation=row)
    second = await run(twin, Operation.STOP_AUTOMATION, ann, parameter_name=WELCOME.code)

    assert end(twin, first) == (COMPLETED, "OK", 'Automation "Welcome" stopped for the person.')
    assert end(twin, second) == (COMPLETED, "OK", 'Automation "Welcome" did not run for the person.')
    assert len(twin.automations.runs) == 1


async def test_aut_24_a_campaign_that_is_no_longer_published_can_still_be_stopped(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await run(twin, Operation.START_AUTOMATION, ann, parameter_name="TrgCart")
    row = twin.automation_rows.add(CART, is_active=False)

    job = await run(twin, Operation.STOP_AUTOMATION, ann, automation=row)

    assert end(twin, job)[0] is COMPLETED
    assert twin.automations.runs == {}


async def test_aut_23_several_runs_are_stopped_at_once_and_each_result_is_reported(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    for _ in range(2):
        await run(twin, Operation.START_AUTOMATION, ann, parameter_name=VOUCHER_CODE)

    good = await run(twin, Operation.STOP_AUTOMATION, automation_contact_id="run-1")
    mixed = await run(twin, Operation.STOP_AUTOMATION, automation_contact_id="run-2, run-9")

    assert end(twin, good) == (COMPLETED, "OK", "run-1: stopped")
    assert end(twin, mixed) == (FAILED, "unknown-in-spotler", "run-2: stopped; run-9: Spotler does not know it")
    assert twin.automations.runs == {}


async def test_c_37_a_typed_code_means_its_row_in_upper_case_too(twin: ConnectorTwin) -> None:
    twin.automation_rows.add(WELCOME, fields="voucher=<STRING>")
    job = await run(
        twin,
        Operation.START_AUTOMATION,
        twin.crm.create(**person()),
        parameter_name=VOUCHER_CODE.upper(),
        automation_fields="unheardOf=1",
    )

    assert end(twin, job)[1] == "[JOB_NOT_VALID]"
    assert "unheardOf is no field of this automation" in end(twin, job)[2]


async def test_a_stop_by_a_code_that_no_row_has_asks_for_a_refresh(twin: ConnectorTwin) -> None:
    job = await run(twin, Operation.STOP_AUTOMATION, twin.crm.create(**person()), parameter_name="TrgCart")

    assert end(twin, job)[1] == "[JOB_NOT_VALID]"
    assert "refresh the automations" in end(twin, job)[2]


async def test_aut_06_a_refresh_brings_the_rows_up_to_date(twin: ConnectorTwin) -> None:
    gone = twin.automation_rows.add(PublishedAutomation(AutomationKind.AUTOMATION, "A9", "9", "Old"))

    job = await run(twin, Operation.REFRESH_AUTOMATIONS)

    assert end(twin, job) == (COMPLETED, "OK", "2 new, 1 gone; 0 as before.")
    assert twin.automation_rows.rows[gone].is_active is False
