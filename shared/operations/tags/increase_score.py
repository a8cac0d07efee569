"""Increase Score (+) (JOB-19, TAG-08): adds a positive number to a score."""

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.tags.score_step import ScoreStep


class IncreaseScore(ScoreStep):
    """Adds to the score."""

    operation = Operation.INCREASE_SCORE
    change = ScoreChange.INCREASE
    verb = "raised"
