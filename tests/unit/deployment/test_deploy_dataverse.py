"""The Dataverse side comes in two steps around the code, and a test change follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.deployment.change_test import ChangeEnd, ChangeTest, Way
from shared.deployment.dataverse_side import ByHand
from shared.deployment.web import HealthAnswer, Lane
from shared.errors import ConfigurationError
from tests.unit.deployment.stage import WELL, FakeDataverse, Stage


def test_the_dataverse_side_is_prepared_before_the_code_and_connected_after_it_answers(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(0)]

    with pytest.raises(ConfigurationError):
        stage.deploy()
    assert isinstance(stage.dataverse, FakeDataverse)
    assert stage.dataverse.done == ["user client-1"]


def test_steps_stay_as_they_are_while_the_app_cannot_tell_its_mapping(stage: Stage) -> None:
    stage.web.yaml = None
    stage.web.answers = [HealthAnswer(503, ("state: the table is refused",))]

    with pytest.raises(ConfigurationError, match=r"steps of Dataverse stay .* state: the table is refused"):
        stage.deploy()


def test_a_sick_app_gets_its_steps_and_no_test_change(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(503, ("spotler: the key is refused",))]

    problems = stage.deploy()

    assert problems[0] == "The app answers, but spotler: the key is refused"
    assert isinstance(stage.dataverse, FakeDataverse)
    assert stage.dataverse.done[-1] == "steps of the live mapping"


@pytest.mark.parametrize(
    ("end", "cure"),
    [
        (ChangeEnd.NOT_TAKEN, "System Jobs in Dataverse"),
        (ChangeEnd.NOT_ENDED, "GET /api/health"),
        (ChangeEnd.REFUSED, "CAPABILITY_OFF: docs/errors.md"),
    ],
)
def test_a_test_change_that_does_not_go_through_is_told_with_its_cure(stage: Stage, end: ChangeEnd, cure: str) -> None:
    stage.dataverse = FakeDataverse(test=ChangeTest(Way.DATAVERSE, end, "CAPABILITY_OFF"))

    [problem] = stage.deploy()

    assert cure in problem


def test_without_dataverse_its_values_are_printed_and_a_message_goes_over_the_queue(stage: Stage) -> None:
    stage.dataverse = ByHand()

    assert stage.deploy() == ()
    assert any("client-1" in text and "dataverse-events" in text for text in stage.said)
    assert any("--only steps" in text for text in stage.said)
    assert stage.web.resynced == ["contact"]
    assert stage.said[-1].startswith("The test message went through")


def test_a_message_that_waits_behind_younger_ones_only_has_gone_through(stage: Stage) -> None:
    stage.dataverse = ByHand()
    busy = replace(WELL, live=Lane(active=40, oldest_seconds=3))
    stage.web.answers = [WELL, WELL, busy, busy, busy]

    assert stage.deploy() == ()
    assert stage.waited == [10.0, 10.0]


def test_a_message_that_stays_in_the_queue_is_told_after_five_minutes(stage: Stage) -> None:
    stage.dataverse = ByHand()
    stage.web.answers = [replace(WELL, live=Lane(active=1, oldest_seconds=400))]

    [problem] = stage.deploy()

    assert "stays in the queue sync-live" in problem
    assert sum(stage.waited) == 300


def test_a_connector_that_is_switched_off_gets_no_test_message(stage: Stage) -> None:
    stage.dataverse = ByHand()
    stage.web.answers = [replace(WELL, tables=())]

    [problem] = stage.deploy()

    assert "SYNC_ENABLED" in problem
    assert stage.web.resynced == []
