"""ML-12, ML-16, ML-19, ML-23, ML-36, over the twins: which lists are refused, and what others report."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable, SyncStatus
from shared.errors import ConfigurationError, Service, TransientError
from tests.connector_twin import ConnectorTwin, rules
from tests.unit.lists.list_acts import COMPLETED, FAILED, ended, ids, in_spotler, order, people, sync, tell_list


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# ------------------------------------------------------------------------------------------------------ what is refused


async def test_ml_12_ml_13_c_09_a_list_of_a_table_that_is_not_synchronised_is_refused() -> None:
    twin = ConnectorTwin(rules(enabled_tables=frozenset({PersonTable.CONTACT})))
    firms = twin.marketing_lists.add("Firms", people(twin, 1, PersonTable.ACCOUNT))

    status, code, text = await sync(twin, firms)

    assert (status, code) == (FAILED, "table-off")
    assert "add account to SYNC_TABLES" in text
    assert in_spotler(twin, firms) is None
    assert twin.marketing_lists.statuses[firms].reason == text


async def test_ml_36_a_table_that_may_not_be_read_is_reported_on_the_list_which_then_continues(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", members, is_dynamic=True)
    job = await order(twin, fans)
    missing = ConfigurationError("the privilege prvReadOrder is missing", service=Service.DATAVERSE, status=403)
    twin.faults.plan(2, missing)  # after the state was read
    await twin.receive(twin.queue.due()[:1])

    status = twin.marketing_lists.statuses[fans]
    assert (status.status, status.reason_code) == (SyncStatus.PROCESSING, "misconfigured")
    assert "prvReadOrder" in status.reason

    assert (await ended(twin, job))[0] is COMPLETED
    assert in_spotler(twin, fans) == ids(members)


async def test_a_list_whose_first_sync_failed_is_removed_as_well_when_it_ends(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))

    def refuse() -> None:
        raise TransientError("Spotler is away")

    twin.audiences.before_add = refuse
    assert (await sync(twin, fans))[:2] == (FAILED, "gave-up")
    twin.marketing_lists.change(fans, is_active=False)
    await tell_list(twin, fans)
    assert in_spotler(twin, fans) is None


async def test_sta_03_a_list_that_a_person_has_disabled_stays_alone(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 1))
    await sync(twin, fans)
    row = twin.marketing_lists.lists[fans].status
    assert row is not None
    twin.marketing_lists.change(fans, status=type(row)(row.id, SyncStatus.DISABLED))

    status, code, _ = await sync(twin, fans)

    assert (status, code) == (FAILED, "sync-disabled")
    assert twin.marketing_lists.lists[fans].status == type(row)(row.id, SyncStatus.DISABLED)


async def test_a_deactivated_list_is_refused_and_a_missing_one_as_well(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 1), is_active=False)

    assert (await sync(twin, fans))[:2] == (FAILED, "inactive")
    assert (await sync(twin, UUID(int=5)))[:2] == (FAILED, "[JOB_NOT_VALID]")


# --------------------------------------------------------------------------------------------------------- what is told


async def test_ml_19_sta_06_tbl_10_spotler_info_of_the_list_has_the_counts(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", [*people(twin, 3), *people(twin, 2, donotemail=True)])
    job = await order(twin, fans)
    assert twin.marketing_lists.statuses[fans].status is SyncStatus.PROCESSING
    _, _, text = await ended(twin, job)

    status = twin.marketing_lists.statuses[fans]
    assert (status.status, status.reason_code, status.reason) == (SyncStatus.SUCCEEDED, "synced", text)
    assert (status.sent, status.skipped, status.failed) == (3, 2, 0)
    assert status.external_id == f"list-{fans}"
    assert status.synced_on is not None


async def test_ml_16_ml_17_the_number_of_members_and_who_would_be_skipped_are_known_before(twin: ConnectorTwin) -> None:
    known = people(twin, 2)
    await twin.sync(*known)
    members = [*known, *people(twin, 3), *people(twin, 1, donotbulkemail=True), *people(twin, 1, statecode=1)]
    fans = twin.marketing_lists.add("Fans", members)
    before = len(twin.platform.contacts)

    answer = await twin.lists.overview.of(fans, most=100)

    assert answer is not None
    assert (answer["members"], answer["complete"]) == (7, True)
    assert (answer["wouldBeSent"], answer["newToSpotler"]) == (5, 3)
    assert answer["wouldBeSkipped"] == {"do-not-bulk-email": 1, "inactive": 1}
    assert answer["question"] == (
        '5 of 7 members of "Fans" will be synchronised. 2 will be skipped: 1 do-not-bulk-email, 1 inactive. '
        "Inactive and opted-out members are skipped."
    )
    assert len(twin.platform.contacts) == before
    assert twin.audiences.calls == {}


async def test_the_answer_about_a_long_list_is_marked_incomplete(twin: ConnectorTwin) -> None:
    twin.marketing_lists.page = 5
    fans = twin.marketing_lists.add("Fans", people(twin, 20))

    answer = await twin.lists.overview.of(fans, most=10)

    assert answer is not None
    assert (answer["members"], answer["complete"]) == (10, False)
    assert answer["question"].startswith("At least 10 of 10 members")


async def test_progress_and_history_can_be_asked_for(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 3))
    job = await order(twin, fans)
    answer = await twin.lists.overview.of(fans, most=0)
    assert answer is not None
    assert answer["running"]["phase"] == "read"
    assert answer["inSpotler"] is False

    await ended(twin, job)
    twin.clock.advance(timedelta(hours=1))
    twin.marketing_lists.leave(fans, *twin.marketing_lists.listed[fans][:1])
    await sync(twin, fans)

    answer = await twin.lists.overview.of(fans, most=0)
    assert answer is not None
    assert answer["running"] is None
    assert [(past["sent"], past["added"], past["removed"]) for past in answer["history"]] == [(2, 0, 1), (3, 3, 0)]


async def test_ml_23_two_jobs_for_one_list_are_one_run_and_a_later_job_gets_the_list_as_it_is_then(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    jobs = [twin.crm.order(Operation.SYNC_LIST, marketing_list=fans) for _ in range(2)]
    await twin.run_jobs(*jobs)
    await twin.receive(twin.queue.due()[:1])  # the jobs reach the bulk lane
    twin.marketing_lists.join(fans, bob)
    late = await order(twin, fans)
    await twin.quiet()

    assert {twin.crm.jobs[job].status for job in (*jobs, late)} == {COMPLETED}
    assert in_spotler(twin, fans) == ids([ann, bob])
    assert twin.crm.job_reports[late].result_text.startswith("2 people")
