"""C-06, C-43, SEL, ML-20, over the twins: what a marketing list is in Spotler, and what it is called there."""

from __future__ import annotations

import pytest

from shared.domain.features.lists import ListKind
from shared.domain.records.jobs import Operation
from shared.domain.records.records import SyncStatus
from shared.errors import ConfigurationError
from tests.connector_twin import ConnectorTwin
from tests.unit.lists.list_acts import COMPLETED, FAILED, ids, in_spotler, people, sync, tell_list


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# ---------------------------------------------------------------------------------------------------- what it is called


async def test_c_43_a_job_of_the_same_name_fills_another_list(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    job = twin.crm.order(Operation.ADD_TO_AUDIENCE, bob, parameter_name="Fans")
    await twin.run_jobs(job)
    fans = twin.marketing_lists.add("Fans", [ann])

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([ann])
    assert sorted(twin.audiences.names.values()) == ["Fans", "Fans (Dynamics)"]
    assert sorted(map(len, twin.audiences.members.values())) == [1, 1]


async def test_ml_20_a_new_name_arrives_with_the_next_sync_and_not_before(twin: ConnectorTwin) -> None:
    members = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.change(fans, name="Friends")
    await tell_list(twin, fans)
    assert twin.audiences.names == {f"list-{fans}": "Fans"}

    await sync(twin, fans)

    assert twin.audiences.names == {f"list-{fans}": "Friends"}
    assert in_spotler(twin, fans) == ids(members)
    assert twin.audiences.calls["add"] == 1, "nobody was sent again"


# ---------------------------------------------------------------------------------------------------------------- kinds


async def test_c_06_sel_01_bnc_03_a_list_becomes_a_temporary_one_by_setting_or_by_its_own_column(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members, kind=ListKind.TEMPORARY)

    status, _, _ = await sync(twin, fans)

    assert status is COMPLETED
    assert {one.email for one in twin.platform.contacts} == {
        twin.crm.people[one].values["emailaddress1"] for one in members
    }, "BNC-03: they are contacts of the account, not of the list alone"
    assert twin.temporary_lists.members == {f"list-{fans}": ids(members)}
    assert twin.audiences.members == {}

    twin.list_kind = ListKind.TEMPORARY
    twin.worker = twin.start_worker()
    others = twin.marketing_lists.add("Others", members[:1])
    await sync(twin, others)
    assert set(twin.temporary_lists.members) == {f"list-{fans}", f"list-{others}"}


async def test_a_temporary_list_is_created_again_after_a_removal_and_otherwise_only_added_to(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 4)
    fans = twin.marketing_lists.add("Fans", members[:3], kind=ListKind.TEMPORARY)
    await sync(twin, fans)
    twin.marketing_lists.join(fans, members[3])
    await sync(twin, fans)
    assert twin.temporary_lists.calls["clear"] == 0
    assert twin.temporary_lists.members[f"list-{fans}"] == ids(members)

    twin.marketing_lists.leave(fans, members[0])
    await sync(twin, fans)

    assert twin.temporary_lists.calls["clear"] == 1
    assert twin.temporary_lists.members[f"list-{fans}"] == ids(members[1:])


async def test_a_temporary_list_in_use_cannot_lose_members_and_reports_it(twin: ConnectorTwin) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members, kind=ListKind.TEMPORARY)
    await sync(twin, fans)
    twin.temporary_lists.in_use.add(f"list-{fans}")
    twin.marketing_lists.leave(fans, members[0])

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "list-in-use")
    assert "does not let go of the list" in text
    assert twin.marketing_lists.statuses[fans].status is SyncStatus.FAILED

    twin.temporary_lists.in_use.clear()
    await sync(twin, fans)
    assert twin.temporary_lists.members[f"list-{fans}"] == ids(members[1:])


async def test_a_list_whose_kind_changes_moves(twin: ConnectorTwin) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)

    twin.marketing_lists.change(fans, kind=ListKind.TEMPORARY)
    await sync(twin, fans)

    assert in_spotler(twin, fans) is None
    assert twin.temporary_lists.members[f"list-{fans}"] == ids(members)


async def test_c_06_sel_04_static_is_refused_with_the_alternatives(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 1), kind=ListKind.STATIC)

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "[JOB_NOT_VALID]")
    assert "Spotler's API cannot make static lists" in text
    assert "SPOTLER_LIST_KIND" in text
    assert twin.platform.contacts == []


async def test_ml_03_aud_02_without_the_edition_nothing_is_sent_and_the_report_names_the_alternatives(
    twin: ConnectorTwin,
) -> None:
    twin.audiences.refusals = [ConfigurationError("not allowed", status=403)]
    fans = twin.marketing_lists.add("Fans", people(twin, 1))

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "403")
    assert "Mail+ Automation or eCommerce" in text
    assert "temporary" in text
    assert twin.platform.contacts == []
    assert twin.marketing_lists.statuses[fans].reason_code == "403"
