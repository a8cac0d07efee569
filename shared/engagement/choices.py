"""Words of settings and calls. Imports no use case: a start needs these names alone."""

from enum import StrEnum


class ResponseKind(StrEnum):
    """Kinds of campaign responses (BULK-07)."""

    OPENS = "opens"
    CLICKS = "clicks"
    BOUNCES = "bounces"
    UNSUBSCRIBES = "unsubscribes"


class AccountScores(StrEnum):
    """Where the scores of accounts come from."""

    OWN = "own"
    """What came from the account's own address."""
    TOP5 = "top5"
    """The sum of the five highest scores of its contacts."""


class PassDepth(StrEnum):
    """What a pass over mailings reads of each."""

    DUE = "due"
    """Statistics whose time has come."""
    STATISTICS = "statistics"
    """Statistics that are not final."""
    LISTS = "lists"
    """Statistics, and whole lists of what recipients did."""
