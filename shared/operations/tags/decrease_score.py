"""Decrease Score (-) (JOB-20, TAG-09, C-21): subtracts a positive number from a score."""

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.tags.score_step import ScoreStep


class DecreaseScore(ScoreStep):
    """Subtracts from the score, also below zero."""

    operation = Operation.DECREASE_SCORE
    change = ScoreChange.DECREASE
    verb = "lowered"
