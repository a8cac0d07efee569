"""Increase Score (+) (JOB-19, TAG-08): adds a positive number to a score."""

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.tags.score_step import ScoreStep


class IncreaseScore(ScoreStep):
    """Upwards."""

    operation = Operation.INCREASE_SCORE
    change = ScoreChange.INCREASE
    verb = "raised"
