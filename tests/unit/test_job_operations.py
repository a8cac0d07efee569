"""What jobs do in Spotler, and what stands on their rows afterwards: every operation, over the twins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.core.automations import AutomationKind, FieldType, FieldValue, PublishedAutomation, StartRefusal
from shared.core.jobs import JobStatus, Operation
from shared.core.records import PersonTable, RecordKey, SyncStatus
from shared.errors import ConfigurationError, DataError, ThrottledError, TransientError
from shared.ports import QueueName
from shared.sync.lanes import Jobs
from tests.connector_twin import ConnectorTwin, person, rules
from tests.job_twins import CART, VOUCHER_CODE, WELCOME
from tests.twins import CrashError

COMPLETED, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def run(twin: ConnectorTwin, operation: Operation, who: RecordKey | None = None, **columns: object) -> UUID:
    """Create a job, and let the connector do all it does about it."""
    job = twin.crm.order(operation, who, **columns)
    await twin.run_jobs(job)
    await twin.quiet()
    return job


def end(twin: ConnectorTwin, job: UUID) -> tuple[JobStatus, str, str]:
    report = twin.crm.job_reports[job]
    return twin.crm.jobs[job].status, report.result_code, report.result_text


def posts(twin: ConnectorTwin) -> list[tuple[RecordKey, str]]:
    return [(post.key, post.text) for post in twin.crm.posts.values()]


# ----------------------------------------------------------------------------------------------------- tags and scores


async def test_tag_02_add_tag_synchronises_a_newcomer_first_and_then_tags(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())

    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead;Spain")

    assert twin.contact_of("ann@example.com").scores == {"Lead": 0, "Spain": 0}
    assert end(twin, job) == (COMPLETED, "OK", 'Tags "Lead", "Spain" added in Spotler.')
    assert posts(twin) == [(ann, 'Tags "Lead", "Spain" added in Spotler.')]


async def test_tag_03_add_tag_without_a_person_only_creates_the_tag(twin: ConnectorTwin) -> None:
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert twin.tagging.tags == {"Lead"}
    assert end(twin, job) == (COMPLETED, "OK", 'Tag "Lead" created in Spotler.')
    assert posts(twin) == []


async def test_tag_05_remove_tag_removes_the_score_and_posts_nothing(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await run(twin, Operation.SET_SCORE, ann, parameter_name="Lead", parameter_value="5")

    job = await run(twin, Operation.REMOVE_TAG, ann, parameter_name="Lead, Spain")

    assert twin.contact_of("ann@example.com").scores == {}
    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert len(posts(twin)) == 1


async def test_scores_are_set_raised_and_lowered_and_the_timeline_tells(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    for operation, value in (
        (Operation.SET_SCORE, "-10"),
        (Operation.INCREASE_SCORE, "25"),
        (Operation.DECREASE_SCORE, "5"),
    ):
        await run(twin, operation, ann, parameter_name="Lead", parameter_value=value)

    assert twin.contact_of("ann@example.com").scores == {"Lead": 10}
    assert [text for _, text in posts(twin)] == [
        'Score "Lead" set to -10 in Spotler.',
        'Score "Lead" raised by 25 in Spotler.',
        'Score "Lead" lowered by 5 in Spotler.',
    ]


async def test_jobs_of_one_person_that_arrive_together_run_in_the_order_of_their_creation(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    score = {"parameter_name": "Lead"}
    jobs = [
        twin.crm.order(Operation.INCREASE_SCORE, ann, **score, parameter_value="7"),
        twin.crm.order(Operation.SET_SCORE, ann, **score, parameter_value="100"),
        twin.crm.order(Operation.SET_SCORE, ann, **score, parameter_value="10"),
        twin.crm.order(Operation.DECREASE_SCORE, ann, **score, parameter_value="1"),
    ]

    await twin.run_jobs(*reversed(jobs))

    assert twin.contact_of("ann@example.com").scores == {"Lead": 9}


# ------------------------------------------------------------------------------------------------------------ who may


async def test_a_person_who_may_not_be_in_spotler_gets_nothing_there_and_the_job_says_why(twin: ConnectorTwin) -> None:
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


async def test_what_takes_away_works_for_somebody_who_opted_out(twin: ConnectorTwin) -> None:
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


async def test_what_takes_away_has_nothing_to_do_for_somebody_unknown_to_spotler(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    row = twin.automation_rows.add(WELCOME)
    jobs = [
        await run(twin, Operation.REMOVE_TAG, ann, parameter_name="Lead"),
        await run(twin, Operation.DEACTIVATE_CONTACT, ann),
        await run(twin, Operation.STOP_AUTOMATION, ann, automation=row),
    ]

    assert [end(twin, job)[0] for job in jobs] == [COMPLETED] * 3
    assert all("the person is not in Spotler" in end(twin, job)[2] for job in jobs)


# ---------------------------------------------------------------------------------------------------------- automations


async def test_aut_10_a_start_tells_ok_the_run_and_the_timeline(twin: ConnectorTwin) -> None:
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


async def test_an_automation_that_does_not_start_says_why_and_posts_nothing(twin: ConnectorTwin) -> None:
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


async def test_aut_23_several_runs_are_stopped_at_once_and_each_result_is_told(twin: ConnectorTwin) -> None:
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


# ------------------------------------------------------------------------------------------------------------ audiences


async def test_aud_03_a_list_is_made_when_it_is_needed_and_thousands_go_in_with_one_call(twin: ConnectorTwin) -> None:
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(120)]
    jobs = [twin.crm.order(Operation.ADD_TO_AUDIENCE, who, parameter_name=" Buyers ") for who in people]

    await twin.run_jobs(*jobs)

    ((audience, name),) = twin.audiences.names.items()
    assert name == "Buyers"
    assert twin.audiences.members[audience] == {str(who.id) for who in people}
    assert twin.audiences.calls == {"exists": 1, "create": 1, "add": 1}
    assert {end(twin, job) for job in jobs} == {(COMPLETED, "OK", 'Added to the list "Buyers" in Spotler.')}


async def test_aud_04_without_a_person_the_list_is_only_made(twin: ConnectorTwin) -> None:
    job = await run(twin, Operation.ADD_TO_AUDIENCE, parameter_name="Buyers")

    assert list(twin.audiences.names.values()) == ["Buyers"]
    assert end(twin, job)[0] is COMPLETED
    assert twin.audiences.calls["add"] == 0


async def test_c_43_a_list_name_and_a_marketing_list_of_that_name_are_two_audiences(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    marketing_list = twin.marketing_lists.add("Buyers", [ann])

    await run(twin, Operation.ADD_TO_AUDIENCE, parameter_name="Buyers")
    job = await run(twin, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert end(twin, job)[0] is COMPLETED
    assert sorted(twin.audiences.names.values()) == ["Buyers", "Buyers (Dynamics)"]
    assert sorted(map(len, twin.audiences.members.values())) == [0, 1]


async def test_aud_07_a_marketing_list_instead_of_a_name_means_its_own_audience(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    marketing_list = twin.marketing_lists.add("Buyers", [ann])

    await run(twin, Operation.ADD_TO_AUDIENCE, ann, marketing_list=marketing_list)

    assert twin.audiences.members == {f"list-{marketing_list}": {str(ann.id)}}


async def test_aud_06_a_removal_needs_a_list_of_exactly_that_name(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await run(twin, Operation.ADD_TO_AUDIENCE, ann, parameter_name="Buyers")

    wrong = await run(twin, Operation.REMOVE_FROM_AUDIENCE, ann, parameter_name="buyers")
    right = await run(twin, Operation.REMOVE_FROM_AUDIENCE, ann, parameter_name="Buyers")

    assert end(twin, wrong)[:2] == (FAILED, "[JOB_NOT_VALID]")
    assert end(twin, right)[0] is COMPLETED
    assert list(twin.audiences.members.values()) == [set()]


async def test_a_removal_of_somebody_unknown_to_spotler_makes_no_call_that_would_empty_the_list(
    twin: ConnectorTwin,
) -> None:
    ann, bob = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="bob@example.com"))
    await run(twin, Operation.ADD_TO_AUDIENCE, ann, parameter_name="Buyers")

    job = await run(twin, Operation.REMOVE_FROM_AUDIENCE, bob, parameter_name="Buyers")

    assert end(twin, job)[0] is COMPLETED
    assert twin.audiences.calls["remove"] == 0


async def test_aud_02_without_the_licence_the_job_fails_with_that_reason(twin: ConnectorTwin) -> None:
    twin.audiences.refusals = [ConfigurationError("not allowed", status=403)]

    job = await run(twin, Operation.ADD_TO_AUDIENCE, parameter_name="Buyers")

    assert end(twin, job)[:2] == (FAILED, "403")
    assert "Mail+ Automation or eCommerce" in end(twin, job)[2]


async def test_job_07_sync_list_brings_everybody_who_may_be_there_and_counts_the_others(twin: ConnectorTwin) -> None:
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(3)]
    refusing = twin.crm.create(**person(emailaddress1="no@example.com", donotemail=True))
    marketing_list = twin.marketing_lists.add("Fans", [*people, refusing])

    job = await run(twin, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert twin.audiences.members == {f"list-{marketing_list}": {str(who.id) for who in people}}
    told = '3 members are in the list "Fans" in Spotler. 1 were left out: 1 do-not-email.'
    assert end(twin, job) == (COMPLETED, "OK", told)


async def test_a_list_that_is_gone_is_told(twin: ConnectorTwin) -> None:
    job = await run(twin, Operation.SYNC_LIST, marketing_list=UUID(int=5))

    assert end(twin, job)[:2] == (FAILED, "[JOB_NOT_VALID]")


# --------------------------------------------------------------------------------------------------------------- fields


async def test_fld_01_a_field_is_set_without_disturbing_what_both_sides_agreed_on(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    before = (await twin.ledger.entries([ann]))[ann].binding

    job = await run(
        twin, Operation.SET_CONTACT_FIELD, ann, parameter_name="permissions:Newsletter", parameter_value="ja"
    )

    assert end(twin, job) == (COMPLETED, "OK", "permissions:Newsletter set in Spotler.")
    assert twin.contact_of("ann@example.com").options == {"permissions:1": True}
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


# ----------------------------------------------------------------------------------------------------------- deactivate


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


# --------------------------------------------------------------------------------------------------- when things break


async def journal(twin: ConnectorTwin) -> list[str]:
    return [key.row for key in twin.store.documents if key.partition == "test-job"]


@pytest.mark.parametrize(
    "error", [ThrottledError("busy", retry_after=timedelta(seconds=5)), TransientError("never sent")]
)
@pytest.mark.parametrize("operation", [Operation.SET_SCORE, Operation.INCREASE_SCORE])
async def test_an_error_without_effect_puts_the_job_back_to_queued_and_it_is_done_later(
    twin: ConnectorTwin, operation: Operation, error: TransientError
) -> None:
    ann = twin.crm.create(**person())
    twin.tagging.refusals = [error]
    job = twin.crm.order(operation, ann, parameter_name="Lead", parameter_value="3")

    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status is JobStatus.QUEUED
    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert twin.contact_of("ann@example.com").scores == {"Lead": 3}
    assert await journal(twin) == []


async def test_what_never_gets_through_fails_in_the_end(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [TransientError("never sent")] * 20
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "gave-up")


async def test_a_refusal_of_spotler_is_told_and_not_repeated(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [DataError("Spotler refused", code="CAPABILITY_OFF", detail="Run the connection check.")]
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "CAPABILITY_OFF")
    assert "Run the connection check." in end(twin, job)[2]
    assert twin.tagging.calls["create_tag"] == 1


async def test_a_refusal_without_a_code_has_a_result_code_all_the_same(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [DataError("Spotler refused")]
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "refused-by-spotler")


async def test_a_start_whose_answer_was_lost_is_not_repeated_and_says_so(twin: ConnectorTwin) -> None:
    twin.automations.lost_answers = 1
    job = await run(twin, Operation.START_AUTOMATION, twin.crm.create(**person()), parameter_name=VOUCHER_CODE)

    assert end(twin, job)[:2] == (FAILED, "outcome-unknown")
    assert twin.automations.calls["start"] == 1
    assert await journal(twin) == []


@pytest.mark.parametrize("operation", [Operation.INCREASE_SCORE, Operation.ADD_TAG])
async def test_two_messages_for_one_job_do_it_once(twin: ConnectorTwin, operation: Operation) -> None:
    ann = twin.crm.create(**person())
    job = twin.crm.order(operation, ann, parameter_name="Lead", parameter_value="3")

    await twin.run_jobs(job)
    await twin.run_jobs(job)
    await twin.quiet()

    assert twin.contact_of("ann@example.com").scores in ({"Lead": 3}, {"Lead": 0})
    assert len(posts(twin)) == 1


async def test_a_lost_report_of_a_start_is_told_later_without_another_start(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    job = twin.crm.order(Operation.START_AUTOMATION, ann, parameter_name=VOUCHER_CODE)
    start = twin.automations.start

    async def start_and_lose_dataverse(*arguments: object) -> object:
        twin.crm.broken["report"] = TransientError("Dataverse is away")
        return await start(*arguments)  # type: ignore[arg-type]

    twin.automations.start = start_and_lose_dataverse  # type: ignore[method-assign,assignment]
    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status is JobStatus.IN_PROGRESS
    twin.crm.broken.clear()
    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert twin.crm.job_reports[job].automation_contact_id == "run-1"
    assert twin.automations.calls["start"] == 1
    assert await journal(twin) == []


async def bring(twin: ConnectorTwin, *jobs: UUID) -> None:
    """Put the message of jobs on the lane."""
    await twin.lanes.send(QueueName.LIVE, Jobs(jobs=list(jobs)))


HARMFUL = pytest.mark.parametrize(
    ("operation", "columns"),
    [
        (Operation.START_AUTOMATION, {"parameter_name": VOUCHER_CODE}),
        (Operation.INCREASE_SCORE, {"parameter_name": "Lead", "parameter_value": "3"}),
    ],
)


def times_done(twin: ConnectorTwin, operation: Operation, who: RecordKey) -> float:
    """How often the effect of a job is to be seen on the person."""
    if operation is Operation.START_AUTOMATION:
        return [contact for _, contact in twin.automations.runs.values()].count(str(who.id))
    contact = twin.platform.find(str(who.id))
    return contact.scores.get("Lead", 0) / 3 if contact else 0


@pytest.mark.parametrize("error", [CrashError(), TransientError("a blip")], ids=["crash", "blip"])
@pytest.mark.parametrize("moment", range(40))
@HARMFUL
async def test_trouble_at_any_moment_starts_and_counts_nothing_twice_and_every_job_ends_with_the_truth(
    operation: Operation, columns: dict[str, str], moment: int, error: BaseException
) -> None:
    twin = ConnectorTwin()
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(3)]
    jobs = [twin.crm.order(operation, who, **columns) for who in people]
    await bring(twin, *jobs)
    twin.faults.plan(moment, error)

    await twin.quiet()

    for job, who in zip(jobs, people, strict=True):
        match end(twin, job):
            case (JobStatus.COMPLETED, "OK", _):
                assert times_done(twin, operation, who) == 1
            case (JobStatus.FAILED, "outcome-unknown", _):
                assert times_done(twin, operation, who) in {0, 1}
            case other:
                raise AssertionError(other)


@pytest.mark.parametrize("moment", range(30))
async def test_trouble_at_any_moment_is_waited_out_for_what_may_be_repeated(moment: int) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    job = twin.crm.order(Operation.ADD_TAG, ann, parameter_name="Lead")
    await bring(twin, job)
    twin.faults.plan(moment, TransientError("a blip"))

    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert len(posts(twin)) == 1


@HARMFUL
async def test_a_job_that_another_worker_has_just_begun_is_left_to_it(
    twin: ConnectorTwin, operation: Operation, columns: dict[str, str]
) -> None:
    ann = twin.crm.create(**person())
    job = twin.crm.order(operation, ann, **columns)
    begun = replace(twin.crm.jobs[job], status=JobStatus.IN_PROGRESS, started_on=twin.clock.now())
    twin.crm.jobs[job] = begun

    await twin.run_jobs(job)

    assert twin.crm.jobs[job] == begun
    assert [one.due for one in twin.queue.waiting] == [twin.clock.now() + twin.claim_time]
    await twin.quiet()  # the other worker died before it sent anything
    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert times_done(twin, operation, ann) == 1
