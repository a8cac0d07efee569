"""ML, C-06, C-28, C-36, C-43, SCH-07: what becomes of a marketing list in Spotler, over the twins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from shared.core.jobs import JobStatus, Operation
from shared.core.lists import ListKind, ListRules
from shared.core.plan import EndAction
from shared.core.records import PersonTable, RecordKey, SyncStatus
from shared.errors import ConfigurationError, Service, TransientError
from shared.ports import QueueName
from shared.sync.lanes import Jobs
from shared.sync.lists.messages import ListLook, ListMembers
from tests.connector_twin import ConnectorTwin, person, rules
from tests.twins import bodies

COMPLETED, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


def people(
    twin: ConnectorTwin, count: int, table: PersonTable = PersonTable.CONTACT, **columns: object
) -> list[RecordKey]:
    start = len(twin.crm.people)
    return [
        twin.crm.create(table, **person(emailaddress1=f"p{start + number}@example.com", **columns))
        for number in range(count)
    ]


async def order(twin: ConnectorTwin, marketing_list: UUID) -> UUID:
    """Press Sync To Spotler: that creates a job, and nothing else (ML-14, ML-23)."""
    job = twin.crm.order(Operation.SYNC_LIST, marketing_list=marketing_list)
    await twin.jobs.run(Jobs(jobs=[job]), lane=QueueName.BULK)
    return job


async def sync(twin: ConnectorTwin, marketing_list: UUID) -> tuple[JobStatus, str, str]:
    return await ended(twin, await order(twin, marketing_list))


async def ended(twin: ConnectorTwin, job: UUID) -> tuple[JobStatus, str, str]:
    await twin.quiet()
    report = twin.crm.job_reports[job]
    return twin.crm.jobs[job].status, report.result_code, report.result_text


async def tell_members(twin: ConnectorTwin, marketing_list: UUID, *who: RecordKey) -> None:
    """Let the events of these memberships arrive."""
    message = ListMembers(list=marketing_list, members=tuple(key.id for key in who))
    await twin.lanes.send(QueueName.LIVE, message)
    await twin.quiet()


async def tell_list(twin: ConnectorTwin, marketing_list: UUID) -> None:
    """Let an event of the list arrive."""
    await twin.lanes.send(QueueName.LIVE, ListLook(list=marketing_list))
    await twin.quiet()


def in_spotler(twin: ConnectorTwin, marketing_list: UUID) -> set[str] | None:
    return twin.audiences.members.get(f"list-{marketing_list}")


def ids(who: Sequence[RecordKey]) -> set[str]:
    return {str(key.id) for key in who}


# -------------------------------------------------------------------------------------------------- what is in the list


@pytest.mark.parametrize("is_dynamic", [False, True])
@pytest.mark.parametrize("table", list(PersonTable))
async def test_ml_01_ml_06_a_list_of_either_type_and_every_table_becomes_an_audience(
    twin: ConnectorTwin, table: PersonTable, *, is_dynamic: bool
) -> None:
    members = people(twin, 3, table)
    fans = twin.marketing_lists.add("Fans", members, is_dynamic=is_dynamic)

    status, code, text = await sync(twin, fans)

    assert (status, code) == (COMPLETED, "OK")
    assert text.startswith('3 people are in the list "Fans" in Spotler (3 added, 0 removed)')
    assert in_spotler(twin, fans) == ids(members)


async def test_ml_18_newcomers_are_synchronised_first_and_in_bulk(twin: ConnectorTwin) -> None:
    members = people(twin, 250)
    await twin.sync(*members[:50])
    written = twin.platform.calls["upsert"]
    fans = twin.marketing_lists.add("Fans", members)

    await sync(twin, fans)

    assert twin.platform.calls["upsert"] - written == 2
    assert twin.audiences.calls["add"] == 1
    assert in_spotler(twin, fans) == ids(members)


@pytest.mark.parametrize("is_dynamic", [False, True])
async def test_ml_09_ml_21_ml_22_a_sync_makes_the_list_equal_to_its_members_of_now(
    twin: ConnectorTwin, *, is_dynamic: bool
) -> None:
    old, staying, new = people(twin, 3), people(twin, 3), people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [*old, *staying], is_dynamic=is_dynamic)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *old)
    twin.marketing_lists.join(fans, *new)
    twin.audiences.calls.clear()

    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([*staying, *new])
    assert text.startswith('5 people are in the list "Fans" in Spotler (2 added, 3 removed)')
    assert twin.audiences.calls == {"exists": 1, "add": 1, "remove": 1}, "only the differences"


async def test_a_list_that_has_not_changed_costs_no_call_that_writes(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 30))
    await sync(twin, fans)
    twin.audiences.calls.clear()
    twin.platform.calls.clear()

    await sync(twin, fans)

    assert twin.audiences.calls == {"exists": 1}
    assert twin.platform.calls == {}


async def test_an_emptied_list_empties_spotlers_list_member_by_member(twin: ConnectorTwin) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *members)

    await sync(twin, fans)

    assert in_spotler(twin, fans) == set()
    assert twin.audiences.calls["clear"] == 0


async def test_members_of_many_pages_all_arrive_and_leave(twin: ConnectorTwin) -> None:
    twin.marketing_lists.page = 7
    members = people(twin, 60)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(members)

    twin.marketing_lists.leave(fans, *members[::2])
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members[1::2])
    assert "(0 added, 30 removed)" in text


async def test_a_list_that_grows_and_shrinks_across_a_page_stays_right(twin: ConnectorTwin) -> None:
    """One page is kept in one part, many pages in a hundred: each kind is compared with the other."""
    twin.marketing_lists.page = 20
    members = people(twin, 50)
    fans = twin.marketing_lists.add("Fans", members[:10])
    for now in (members[:10], members, members[5:12], members[3:45], []):
        twin.marketing_lists.listed[fans] = list(now)
        status, code, _ = await sync(twin, fans)
        assert (status, code) == (COMPLETED, "OK")
        assert in_spotler(twin, fans) == ids(now)


async def test_people_who_share_a_contact_are_one_member_and_stay_while_one_of_them_does(twin: ConnectorTwin) -> None:
    ann, double = (twin.crm.create(**person()) for _ in range(2))
    await twin.sync(ann, double)
    fans = twin.marketing_lists.add("Fans", [ann, double])
    _, _, text = await sync(twin, fans)
    assert text.startswith("1 person is")

    twin.marketing_lists.leave(fans, ann)
    await sync(twin, fans)

    assert len(in_spotler(twin, fans) or ()) == 1


# ------------------------------------------------------------------------------------------------------ who is left out


async def test_ml_32_c_36_members_who_want_no_bulk_mail_are_skipped_unless_the_field_is_off(
    twin: ConnectorTwin,
) -> None:
    yes, no = people(twin, 2), people(twin, 2, donotbulkemail=True)
    fans = twin.marketing_lists.add("Fans", [*yes, *no])

    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(yes)
    assert "2 skipped: 2 do-not-bulk-email." in text
    assert [contact.external_id for contact in twin.platform.contacts] == [str(key.id) for key in yes]

    twin.marketing_lists.change(fans, rules=ListRules(exclude_opted_out=False))
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([*yes, *no])


async def test_opt_04_c_36_an_opt_out_since_the_last_sync_leaves_with_the_next_one_opt_05_and_comes_back(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])
    await sync(twin, fans)
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    assert in_spotler(twin, fans) == ids([ann, bob])

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([bob])

    twin.crm.edit(ann, donotbulkemail=False)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_ml_33_inactive_members_are_skipped_unless_the_field_is_off_and_spotler_still_has_them() -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.NOTHING))
    ann, bob = people(twin, 2)
    never = twin.crm.create(**person(emailaddress1="never@example.com", statecode=1))
    await twin.sync(ann, bob)
    twin.crm.edit(ann, statecode=1)
    await twin.sync(ann)
    fans = twin.marketing_lists.add("Fans", [ann, bob, never])

    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([bob])
    assert "2 skipped: 2 inactive." in text

    twin.marketing_lists.change(fans, rules=ListRules(ignore_inactive=False))
    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])
    assert "1 skipped: 1 inactive." in text


async def test_the_conditions_of_synchronisation_hold_for_members_too_and_each_reason_is_counted(
    twin: ConnectorTwin,
) -> None:
    fine = people(twin, 1)
    refusing = people(twin, 2, donotemail=True)
    nowhere = twin.crm.create(**person(emailaddress1=None))
    wrong = twin.crm.create(**person(emailaddress1="not an address"))
    gone = twin.crm.create(**person(emailaddress1="gone@example.com"))
    twin.crm.delete(gone)
    fans = twin.marketing_lists.add("Fans", [*fine, *refusing, nowhere, wrong, gone])

    status, code, text = await sync(twin, fans)

    assert (status, code) == (COMPLETED, "OK"), "one person's data stops no list (VAL-05)"
    assert in_spotler(twin, fans) == ids(fine)
    assert "4 skipped: 2 do-not-email, 1 deleted, 1 no-email. 1 failed: 1 invalid-email." in text
    assert twin.status_of(wrong)[1] == "invalid-email", "the record itself says it, too (VAL-09)"
    left_out = await twin.lists.overview.left_out(fans)
    assert left_out is not None
    assert left_out["failed"] == {"invalid-email": [str(wrong)]}
    assert left_out["skipped"]["do-not-email"] == sorted(map(str, refusing))


async def test_somebody_whom_spotler_has_lost_is_synchronised_again_and_added(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    await twin.sync(*members)
    lost = twin.platform.find(str(members[2].id))
    assert lost is not None
    twin.platform.contacts.remove(lost)
    fans = twin.marketing_lists.add("Fans", members)

    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)
    assert text.startswith("5 people are")


async def test_somebody_whom_spotler_does_not_take_fails_alone_and_is_named(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    await twin.sync(*members)
    victim = members[2]

    def lose() -> None:
        """Spotler forgets one person each time it is asked to put them into the list."""
        twin.platform.contacts[:] = [one for one in twin.platform.contacts if one.external_id != str(victim.id)]

    twin.audiences.before_add = lose
    fans = twin.marketing_lists.add("Fans", members)

    status, _, text = await sync(twin, fans)

    assert status is COMPLETED
    assert text.startswith("4 people are")
    assert "1 failed: 1 CONTACT_NOT_FOUND." in text
    left_out = await twin.lists.overview.left_out(fans)
    assert left_out is not None
    assert left_out["failed"] == {"CONTACT_NOT_FOUND": [str(victim)]}

    twin.audiences.before_add = lambda: None
    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(members), "it was remembered that the person is not there"


async def test_somebody_who_is_not_ready_is_waited_for_and_then_left_out(twin: ConnectorTwin) -> None:
    busy, free = people(twin, 2)
    twin.crm.broken["read_people"] = TransientError("Dataverse is away")
    fans = twin.marketing_lists.add("Fans", [busy, free])
    job = await order(twin, fans)
    twin.crm.broken.clear()
    held = await twin.ledger.claim([str(busy.id)])
    assert held

    status, _, _ = await ended(twin, job)

    assert status is COMPLETED
    assert in_spotler(twin, fans) == ids([busy, free]), "the claim of a dead worker ends"


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


async def test_c_06_sel_01_a_list_becomes_a_temporary_one_by_setting_or_by_its_own_column(twin: ConnectorTwin) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members, kind=ListKind.TEMPORARY)

    status, _, _ = await sync(twin, fans)

    assert status is COMPLETED
    assert twin.temporary_lists.members == {f"list-{fans}": ids(members)}
    assert twin.audiences.members == {}

    twin.list_kind = ListKind.TEMPORARY
    twin.worker = twin.start_worker()
    others = twin.marketing_lists.add("Others", members[:1])
    await sync(twin, others)
    assert set(twin.temporary_lists.members) == {f"list-{fans}", f"list-{others}"}


async def test_a_temporary_list_that_somebody_left_is_made_anew_and_otherwise_only_added_to(
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


async def test_a_temporary_list_in_use_cannot_lose_anybody_and_says_so(twin: ConnectorTwin) -> None:
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


async def test_c_06_sel_04_static_is_refused_with_what_to_choose_instead(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 1), kind=ListKind.STATIC)

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "[JOB_NOT_VALID]")
    assert "Spotler's API cannot make static lists" in text
    assert "SPOTLER_LIST_KIND" in text
    assert twin.platform.contacts == []


async def test_ml_03_aud_02_without_the_edition_nothing_is_sent_and_the_way_out_is_told(twin: ConnectorTwin) -> None:
    twin.audiences.refusals = [ConfigurationError("not allowed", status=403)]
    fans = twin.marketing_lists.add("Fans", people(twin, 1))

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "403")
    assert "Mail+ Automation or eCommerce" in text
    assert "temporary" in text
    assert twin.platform.contacts == []
    assert twin.marketing_lists.statuses[fans].reason_code == "403"


# ------------------------------------------------------------------------------------------------------ what is refused


async def test_ml_12_ml_13_c_09_a_list_of_a_table_that_is_not_synchronised_is_refused() -> None:
    twin = ConnectorTwin(rules(enabled_tables=frozenset({PersonTable.CONTACT})))
    firms = twin.marketing_lists.add("Firms", people(twin, 1, PersonTable.ACCOUNT))

    status, code, text = await sync(twin, firms)

    assert (status, code) == (FAILED, "table-off")
    assert "add account to SYNC_TABLES" in text
    assert in_spotler(twin, firms) is None
    assert twin.marketing_lists.statuses[firms].reason == text


async def test_ml_36_a_table_that_the_application_user_may_not_read_is_told_on_the_list_which_then_goes_on(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", members, is_dynamic=True)
    job = await order(twin, fans)
    missing = ConfigurationError("the privilege prvReadOrder is missing", service=Service.DATAVERSE, status=403)
    twin.faults.plan(2, missing)  # after the memo was read
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


async def test_ml_19_sta_06_tbl_10_spotler_info_of_the_list_says_it_with_counts(twin: ConnectorTwin) -> None:
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


async def test_the_answer_about_a_long_list_says_that_it_is_not_complete(twin: ConnectorTwin) -> None:
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


async def test_ml_23_two_jobs_for_one_list_are_one_sync_and_one_that_comes_later_gets_the_list_as_it_is_then(
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


# ------------------------------------------------------------------------------------------------------- single members


async def test_ml_24_c_28_a_member_who_joins_a_list_in_spotler_is_there_at_once(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) == ids([ann, bob])
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])
    twin.marketing_lists.leave(fans, bob)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann]), "who came alone leaves like everybody else"


async def test_several_members_at_once_are_one_call(twin: ConnectorTwin) -> None:
    members = people(twin, 40)
    fans = twin.marketing_lists.add("Fans", members[:1])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, *members[1:])
    twin.audiences.calls.clear()

    await tell_members(twin, fans, *members)

    assert twin.audiences.calls == {"add": 1}
    assert in_spotler(twin, fans) == ids(members)


async def test_ml_26_of_a_list_that_is_not_in_spotler_nothing_is_done(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) is None
    assert twin.platform.contacts == []
    assert twin.marketing_lists.calls == {}, "and nobody is asked"


async def test_ml_21_members_of_a_dynamic_list_wait_for_its_next_sync(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann], is_dynamic=True)
    await sync(twin, fans)
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) == ids([ann])


async def test_a_member_who_may_not_be_mailed_does_not_join(twin: ConnectorTwin) -> None:
    (ann,) = people(twin, 1)
    (no,) = people(twin, 1, donotbulkemail=True)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, no)

    await tell_members(twin, fans, no)

    assert in_spotler(twin, fans) == ids([ann])


@pytest.mark.parametrize("at_once", [False, True])
async def test_c_28_who_leaves_a_list_leaves_with_the_next_sync_or_by_setting_at_once(
    twin: ConnectorTwin, *, at_once: bool
) -> None:
    twin.list_removals_at_once = at_once
    twin.worker = twin.start_worker()
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, bob)

    await tell_members(twin, fans, bob)
    assert in_spotler(twin, fans) == (ids([ann]) if at_once else ids([ann, bob]))

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann])
    twin.marketing_lists.join(fans, bob)
    await tell_members(twin, fans, bob)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_who_leaves_at_once_stays_while_another_member_shares_the_contact(twin: ConnectorTwin) -> None:
    twin.list_removals_at_once = True
    twin.worker = twin.start_worker()
    ann, double = (twin.crm.create(**person()) for _ in range(2))
    await twin.sync(ann, double)
    fans = twin.marketing_lists.add("Fans", [ann, double])
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, ann)
    await tell_members(twin, fans, ann)
    assert len(in_spotler(twin, fans) or ()) == 1

    twin.marketing_lists.leave(fans, double)
    await tell_members(twin, fans, double)
    assert in_spotler(twin, fans) == set()


async def test_a_membership_is_looked_up_so_late_and_repeated_events_do_no_harm(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)

    for _ in range(2):
        await tell_members(twin, fans, bob, ann)  # bob has left again meanwhile

    assert in_spotler(twin, fans) == ids([ann])


async def test_ml_31_a_list_that_was_deleted_in_spotler_is_told_and_made_again_by_the_next_sync(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    del twin.audiences.members[f"list-{fans}"], twin.audiences.names[f"list-{fans}"]
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)
    assert in_spotler(twin, fans) is None
    assert twin.marketing_lists.statuses[fans].reason_code == "list-gone"

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_aud_07_somebody_added_by_job_to_a_synchronised_list_leaves_with_its_next_sync(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    job = twin.crm.order(Operation.ADD_TO_AUDIENCE, bob, marketing_list=fans)
    await twin.run_jobs(job)
    assert (await ended(twin, job))[0] is COMPLETED
    assert in_spotler(twin, fans) == ids([ann, bob])

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([ann])


# -------------------------------------------------------------------------------------------------------- the list ends


@pytest.mark.parametrize("how", ["deactivated", "deleted"])
async def test_ml_28_a_list_that_is_deactivated_or_deleted_is_removed_from_spotler(
    twin: ConnectorTwin, how: str
) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    if how == "deleted":
        del twin.marketing_lists.lists[fans]
    else:
        twin.marketing_lists.change(fans, is_active=False)

    await tell_list(twin, fans)

    assert in_spotler(twin, fans) is None
    assert len(twin.platform.contacts) == 2, "the people stay"
    partitions = {key.partition for key in twin.store.documents}
    assert f"test-list-{fans}" not in partitions, "and nothing is remembered of the list"
    if how == "deactivated":
        assert twin.marketing_lists.statuses[fans].reason_code == "list-removed"


async def test_ml_30_a_list_that_is_activated_again_comes_back_with_its_next_sync(twin: ConnectorTwin) -> None:
    members = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.change(fans, is_active=False)
    await tell_list(twin, fans)
    twin.marketing_lists.change(fans, is_active=True)
    await tell_list(twin, fans)
    await tell_members(twin, fans, members[0])
    assert in_spotler(twin, fans) is None

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)


async def test_a_list_in_use_is_removed_when_spotler_lets_go_of_it(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    twin.audiences.in_use.add(f"list-{fans}")
    twin.marketing_lists.change(fans, is_active=False)
    await twin.lanes.send(QueueName.LIVE, ListLook(list=fans))
    await twin.receive(twin.queue.due())
    assert twin.marketing_lists.statuses[fans].reason_code == "list-in-use"
    assert in_spotler(twin, fans) is not None

    twin.audiences.in_use.clear()
    await twin.quiet()

    assert in_spotler(twin, fans) is None
    assert twin.marketing_lists.statuses[fans].reason_code == "list-removed"


async def test_a_list_in_use_for_good_is_left_to_a_person(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    twin.audiences.in_use.add(f"list-{fans}")
    twin.marketing_lists.change(fans, is_active=False)

    await tell_list(twin, fans)

    (letter,) = twin.queue.dead
    assert letter.reason == "gave-up"
    assert twin.marketing_lists.statuses[fans].reason_code == "list-in-use"
    twin.audiences.in_use.clear()
    await twin.queue.replay([letter.id])
    await twin.quiet()
    assert in_spotler(twin, fans) is None


async def test_a_list_that_is_deactivated_while_it_is_synchronised_is_not_there_in_the_end(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    job = await order(twin, fans)
    await twin.receive(twin.queue.due()[:1])
    twin.marketing_lists.change(fans, is_active=False)
    await twin.lanes.send(QueueName.LIVE, ListLook(list=fans))

    assert (await ended(twin, job))[:2] == (FAILED, "inactive")
    assert in_spotler(twin, fans) is None


# --------------------------------------------------------------------------------------------- a list that is in motion


async def test_a_list_that_changes_while_it_is_synchronised_ends_as_it_is_then_and_says_when_that_was(
    twin: ConnectorTwin,
) -> None:
    ann, bob, eve = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", [ann, bob])

    def change(call: int) -> None:
        if call == 1:  # after the snapshot was taken
            twin.clock.advance(timedelta(minutes=1))
            twin.marketing_lists.leave(fans, ann)
            twin.marketing_lists.join(fans, eve)

    twin.marketing_lists.after_page = change
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([bob, eve])
    assert "as it was at 2026-03-01 08:01" in text
    assert "sync it again" not in text


async def test_a_list_that_never_rests_ends_as_it_was_at_the_time_that_is_told(twin: ConnectorTwin) -> None:
    crowd = people(twin, 20)
    fans = twin.marketing_lists.add("Fans", crowd[:1])
    snapshots: list[set[str]] = []

    def change(call: int) -> None:
        snapshots.append(ids(twin.marketing_lists.listed[fans]))
        twin.marketing_lists.join(fans, crowd[call])

    twin.marketing_lists.after_page = change
    status, _, text = await sync(twin, fans)

    assert status is COMPLETED
    assert text.endswith("It kept changing while it was synchronised: sync it again.")
    assert in_spotler(twin, fans) in snapshots


async def test_a_member_who_joins_while_the_list_is_sent_is_not_taken_out_again(twin: ConnectorTwin) -> None:
    """The event arrives between the snapshot, which does not have the member, and the comparison."""
    ann, bob = people(twin, 2)
    await twin.sync(ann, bob)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    job = await order(twin, fans)
    await twin.receive(twin.queue.due()[:1])  # the snapshot is taken
    twin.marketing_lists.join(fans, bob)
    message = ListMembers(list=fans, members=(bob.id,))
    await twin.lists.handle(message, lane=QueueName.LIVE)
    assert in_spotler(twin, fans) == ids([ann, bob])

    await ended(twin, job)

    assert in_spotler(twin, fans) == ids([ann, bob])
    assert twin.audiences.calls["remove"] == 0


# ------------------------------------------------------------------------------------------------------ what is unknown


async def test_a_list_in_spotler_of_which_nothing_is_remembered_is_emptied_once_and_filled(twin: ConnectorTwin) -> None:
    ann, ghost = people(twin, 2)
    await twin.sync(ann, ghost)
    fans = twin.marketing_lists.add("Fans", [ann])
    twin.audiences.names[f"list-{fans}"] = "Fans"
    twin.audiences.members[f"list-{fans}"] = {str(ghost.id)}

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([ann])
    assert twin.audiences.calls["clear"] == 1
    await sync(twin, fans)
    assert twin.audiences.calls["clear"] == 1


async def test_a_list_that_is_deleted_in_spotler_while_it_is_filled_is_made_again(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)

    def vanish() -> None:
        del twin.audiences.members[f"list-{fans}"], twin.audiences.names[f"list-{fans}"]
        twin.audiences.before_add = lambda: None

    twin.audiences.before_add = vanish
    status, _, _ = await sync(twin, fans)

    assert status is COMPLETED
    assert in_spotler(twin, fans) == ids(members)


async def test_a_sync_that_gave_up_leaves_the_next_one_knowing_what_may_be_there(twin: ConnectorTwin) -> None:
    old, new = people(twin, 3), people(twin, 3)
    fans = twin.marketing_lists.add("Fans", old)
    await sync(twin, fans)
    twin.marketing_lists.listed[fans] = list(new)

    def refuse() -> None:
        raise TransientError("Spotler is away")

    twin.audiences.before_add = refuse
    status, code, text = await sync(twin, fans)
    assert (status, code) == (FAILED, "gave-up")
    assert "Sync the list again" in text

    twin.audiences.before_add = lambda: None
    twin.marketing_lists.listed[fans] = [*old[:1], *new[1:]]
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([*old[:1], *new[1:]])


async def test_a_first_sync_that_gave_up_leaves_the_next_one_not_believing_that_anybody_is_there(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)

    def refuse() -> None:
        raise TransientError("Spotler is away")

    twin.audiences.before_add = refuse
    assert (await sync(twin, fans))[:2] == (FAILED, "gave-up")
    assert in_spotler(twin, fans) == set()
    await tell_members(twin, fans, members[0])
    assert in_spotler(twin, fans) == set(), "ML-26: it was never synchronised"

    twin.audiences.before_add = lambda: None
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)
    assert "(5 added, 0 removed)" in text


async def test_a_sync_whose_message_was_lost_is_taken_over_by_the_next_job(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)
    first = await order(twin, fans)
    while twin.queue.waiting and b'"compare"' not in twin.queue.waiting[0].message.body:
        await twin.receive(twin.queue.due()[:1])
    twin.audiences.before_add = twin.queue.waiting.clear
    await twin.receive(twin.queue.due()[:1])
    twin.queue.waiting.clear()
    twin.audiences.members[f"list-{fans}"].clear()  # what it sent did not arrive, either
    twin.audiences.before_add = lambda: None
    twin.clock.advance(timedelta(hours=1))
    second = await order(twin, fans)
    await twin.quiet()
    assert twin.crm.jobs[second].status is not COMPLETED, "it may still be at work"

    twin.clock.advance(timedelta(hours=6))
    third = await order(twin, fans)
    await ended(twin, third)

    assert {twin.crm.jobs[job].status for job in (first, second, third)} == {COMPLETED}
    assert in_spotler(twin, fans) == ids(members)


async def test_nothing_personal_is_remembered_of_a_list(twin: ConnectorTwin) -> None:
    members = people(twin, 3, firstname="Zephyrine")
    fans = twin.marketing_lists.add("Fans", [*members, *people(twin, 1, donotemail=True, firstname="Zephyrine")])
    await sync(twin, fans)

    remembered = bodies(twin.store.documents)

    assert "Zephyrine" not in remembered
    assert "@example.com" not in remembered


async def test_what_is_remembered_does_not_grow_with_the_number_of_syncs(twin: ConnectorTwin) -> None:
    twin.marketing_lists.page = 5
    fans = twin.marketing_lists.add("Fans", people(twin, 20))
    sizes = []
    for _ in range(4):
        await sync(twin, fans)
        sizes.append(sum(key.partition == f"test-list-{fans}" for key in twin.store.documents))
    assert len(set(sizes)) == 1
