"""Tags and scores by Spotler Job: the state of Spotler afterwards, and the texts of row and timeline."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import Operation
from tests.connector_twin import ConnectorTwin, person
from tests.unit.operations.job_acts import COMPLETED, end, posts, run


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def test_tag_02_add_tag_synchronises_a_new_person_first_and_then_tags(twin: ConnectorTwin) -> None:
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


async def test_tlp_01_scores_are_set_raised_and_lowered_and_the_timeline_tells(twin: ConnectorTwin) -> None:
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


@pytest.mark.parametrize(
    ("operation", "number", "score"),
    [(Operation.INCREASE_SCORE, 480000012, 5), (Operation.DECREASE_SCORE, 480000013, -5)],
)
async def test_tag_08_tag_09_and_c_21_a_tag_that_is_missing_begins_at_zero(
    twin: ConnectorTwin, operation: Operation, number: int, score: int
) -> None:
    ann = twin.crm.create(**person())

    await run(twin, Operation(number), ann, parameter_name="Lead", parameter_value="5")

    assert operation == number
    assert twin.contact_of("ann@example.com").scores == {"Lead": score}


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
