"""Audiences and marketing lists by Spotler Job."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.records.jobs import Operation
from shared.errors import ConfigurationError
from tests.connector_twin import ConnectorTwin, person
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, run


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


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


async def test_aud_05_and_c_43_a_list_name_and_a_marketing_list_of_that_name_are_two_audiences(
    twin: ConnectorTwin,
) -> None:
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


async def test_removal_without_contacts_makes_no_call_that_would_empty_the_list(
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


async def test_job_07_sync_list_adds_every_eligible_member_and_counts_the_others(twin: ConnectorTwin) -> None:
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(3)]
    refusing = twin.crm.create(**person(emailaddress1="no@example.com", donotemail=True))
    marketing_list = twin.marketing_lists.add("Fans", [*people, refusing])

    job = await run(twin, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert twin.audiences.members == {f"list-{marketing_list}": {str(who.id) for who in people}}
    told = (
        '3 people are in the list "Fans" in Spotler (3 added, 0 removed), as it was at 2026-03-01 08:00:00 UTC. '
        "1 skipped: 1 do-not-email."
    )
    assert end(twin, job) == (COMPLETED, "OK", told)


async def test_deleted_list_is_reported(twin: ConnectorTwin) -> None:
    job = await run(twin, Operation.SYNC_LIST, marketing_list=UUID(int=5))

    assert end(twin, job)[:2] == (FAILED, "[JOB_NOT_VALID]")
