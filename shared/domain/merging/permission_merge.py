"""Three-way merge of one permission: the lower answer wins, except against an explicit, newer yes (PERM-15, C-11)."""

from enum import StrEnum

from shared.domain.mapping.model import Direction
from shared.domain.merging.merge import Base, FieldVersions, MergeDecision


class Row(StrEnum):
    """Whether Dataverse has a row for a permission."""

    THERE = "there"
    NEVER = "never"
    """There is none, and perhaps never was."""
    DELETED = "deleted"
    """There was one when both sides agreed, and it was not merely renamed."""


def merge_consent(
    versions: FieldVersions, *, direction: Direction, row: Row = Row.THERE, was_perhaps_sent: bool = False
) -> MergeDecision:
    """Decide about one permission (PERM-06, PERM-15, C-11): no wins unless an explicit yes is known to be newer.

    A yes of one side is newer if the other side's no is what both had agreed on. `was_perhaps_sent`: a worker died
    while it sent a yes of Dataverse, so a no of the platform may be the answer to it.
    """
    if row is Row.DELETED:  # deleting the evidence of a consent withdraws it
        return (
            MergeDecision.TO_PLATFORM
            if versions.platform is True and direction.reaches_platform
            else MergeDecision.AGREED
        )
    if row is Row.NEVER:
        return MergeDecision.TO_DATAVERSE if direction.reaches_dataverse else MergeDecision.HELD
    if versions.dataverse == versions.platform:
        return MergeDecision.AGREED
    wanted = _consent(versions, was_perhaps_sent=was_perhaps_sent)
    if wanted is MergeDecision.TO_PLATFORM:
        return wanted if direction.reaches_platform else MergeDecision.HELD
    return wanted if direction.reaches_dataverse else MergeDecision.HELD


def _consent(versions: FieldVersions, *, was_perhaps_sent: bool) -> MergeDecision:
    """Of two different words one is a yes and one a no, and the base, if there is one, equals one of them."""
    if versions.dataverse is True:
        is_withdrawn = versions.base is Base.DATAVERSE or was_perhaps_sent
        return MergeDecision.TO_DATAVERSE if is_withdrawn else MergeDecision.TO_PLATFORM
    is_newly_given = versions.base is Base.DATAVERSE and not versions.is_doubtful
    return MergeDecision.TO_DATAVERSE if is_newly_given else MergeDecision.TO_PLATFORM
