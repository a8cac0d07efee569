"""TAG, TLP-01: tags and scores by job, from the saved row to Spotler and back."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.examples import thinned
from tests.scenario.job_acts import done, posts, tags
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

OK = (JobStatus.COMPLETED, "OK")
NOT_VALID = (JobStatus.FAILED, "[JOB_NOT_VALID]")


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
async def test_a_tag_is_added_to_anybody_even_unknown_to_spotler_and_the_timeline_tells(
    world: World, table: PersonTable
) -> None:
    person = await world.bring_in(table)

    job = await done(world, Operation.ADD_TAG, person, dh_parametername="Beurs 2026; Spanje")

    assert (job.status, job.code) == OK
    assert await tags(world, person) == {"Beurs 2026": 0, "Spanje": 0}
    assert await posts(world, person) == ['Tags "Beurs 2026", "Spanje" added in Spotler.']


async def test_a_tag_without_a_person_is_only_made(world: World) -> None:
    job = await done(world, Operation.ADD_TAG, dh_parametername="Voor later")

    assert (job.status, job.code, job.text) == (*OK, 'Tag "Voor later" created in Spotler.')


async def test_tags_with_their_scores_are_removed(world: World) -> None:
    person = await world.synchronised()
    await done(world, Operation.SET_SCORE, person, dh_parametername="Lead", dh_parametervalue="10")

    job = await done(world, Operation.REMOVE_TAG, person, dh_parametername="Lead, Nooit/gehad")

    assert (job.status, job.code) == OK
    assert await tags(world, person) == {}


async def test_scores_are_set_raised_and_lowered(world: World) -> None:
    person = await world.synchronised()
    for operation, value in (
        (Operation.SET_SCORE, "-10"),
        (Operation.INCREASE_SCORE, "25"),
        (Operation.DECREASE_SCORE, "5"),
    ):
        job = await done(world, operation, person, dh_parametername="Lead", dh_parametervalue=value)
        assert (job.status, job.code) == OK

    assert await tags(world, person) == {"Lead": 10}
    assert sorted(await posts(world, person)) == [
        'Score "Lead" lowered by 5 in Spotler.',
        'Score "Lead" raised by 25 in Spotler.',
        'Score "Lead" set to -10 in Spotler.',
    ]


async def test_a_score_that_is_no_number_is_refused_with_what_to_change(world: World) -> None:
    person = await world.synchronised()

    job = await done(world, Operation.INCREASE_SCORE, person, dh_parametername="Lead", dh_parametervalue="-1")

    assert (job.status, job.code) == NOT_VALID
    assert job.text.startswith("[JOB_NOT_VALID] Increase Score (+) needs a positive number in Parameter Value")
    assert await posts(world, person) == []


async def test_nobody_who_refuses_mail_gets_a_tag(world: World) -> None:
    person = await world.bring_in(donotemail=True)

    job = await done(world, Operation.ADD_TAG, person, dh_parametername="Lead")

    assert (job.status, job.code) == (JobStatus.FAILED, "do-not-email")
    assert await world.spotler.contact(person.email) is None
