"""Three-way merge, field by field: Dataverse's value, the platform's value, and the last agreement (S2D-02, C-44).

All values are in the platform's form (`values`), so equal values mean that nothing is to be done. The base has only
fingerprints. Permissions have their own rule (`permission_merge.py`).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction
from shared.domain.values.fields import Scalar
from shared.domain.values.values import EMPTY


class MergeDecision(StrEnum):
    """The result of a merge for one field."""

    AGREED = "agreed"
    TO_PLATFORM = "to-spotler"
    TO_DATAVERSE = "to-dataverse"
    DATAVERSE_WON = "dataverse-won"
    """Both sides had changed; the row's policy gave it to Dataverse."""
    PLATFORM_WON = "spotler-won"
    ASKED = "asked"
    """Both sides have changed; a person decides by making them equal. Until then both stay as they are."""
    HELD = "held"
    """The sides differ, and the row's direction or blank policy lets nothing travel."""
    FROZEN = "frozen"
    """The value went to and fro too often: something on one side keeps changing it (`flapping`)."""

    @property
    def reaches_platform(self) -> bool:
        """Whether Dataverse's value is sent."""
        return self is MergeDecision.TO_PLATFORM or self is MergeDecision.DATAVERSE_WON

    @property
    def reaches_dataverse(self) -> bool:
        """Whether the platform's value is written to Dataverse."""
        return self is MergeDecision.TO_DATAVERSE or self is MergeDecision.PLATFORM_WON

    @property
    def is_remarkable(self) -> bool:
        """Whether an explanation shows the decision."""
        return self in _REMARKABLE


_REMARKABLE = frozenset(
    {MergeDecision.DATAVERSE_WON, MergeDecision.PLATFORM_WON, MergeDecision.ASKED, MergeDecision.FROZEN}
)


class Newer(StrEnum):
    """The side that was changed last, as far as the times show it."""

    DATAVERSE = "dataverse"
    PLATFORM = "spotler"


class Base(StrEnum):
    """The relation of the stored base to both values."""

    ABSENT = "absent"
    """The sides never agreed on this field."""
    DATAVERSE = "dataverse"
    """The base is Dataverse's present value: only the platform changed it."""
    PLATFORM = "spotler"
    """The base is the platform's present value: only Dataverse changed it."""
    NEITHER = "neither"


class FieldVersions(NamedTuple):
    """The present values of a field, and the base. `dataverse` is None if Dataverse has no usable value.

    `is_doubtful`: a worker died between writing and storing, so the base may be older than what it wrote.
    """

    dataverse: Scalar | None
    platform: Scalar
    base: Base
    is_doubtful: bool = False


def base_of(
    known: str | None, dataverse: Scalar | None, platform: Scalar, fingerprint: Callable[[Scalar], str]
) -> Base:
    """Compare the base (a fingerprint, None if there is none) with both values."""
    if known is None:
        return Base.ABSENT
    if known == fingerprint(platform):
        return Base.PLATFORM
    if dataverse is not None and known == fingerprint(dataverse):
        return Base.DATAVERSE
    return Base.NEITHER


def merge_value(
    versions: FieldVersions,
    *,
    direction: Direction,
    policy: ConflictPolicy = ConflictPolicy.CRM,
    blank: BlankPolicy = BlankPolicy.CLEAR,
    newer: Newer = Newer.DATAVERSE,
) -> MergeDecision:
    """Decide about one value."""
    if versions.dataverse == versions.platform:
        return MergeDecision.AGREED
    decision = _side(versions, direction, policy, newer)
    is_blank = (decision.reaches_platform and versions.dataverse == EMPTY) or (
        decision.reaches_dataverse and versions.platform == EMPTY
    )
    return MergeDecision.HELD if is_blank and blank is BlankPolicy.KEEP else decision


def _side(versions: FieldVersions, direction: Direction, policy: ConflictPolicy, newer: Newer) -> MergeDecision:
    match direction:
        case Direction.TO_PLATFORM:
            return _to_platform(versions)
        case Direction.TO_DATAVERSE:
            return _to_dataverse(versions)
        case Direction.BOTH:
            return _both(versions, policy, newer)


def _to_platform(versions: FieldVersions) -> MergeDecision:
    """Send Dataverse's change; an empty column without a base empties nothing (PURGE-02).

    An edit in the platform stays until Dataverse changes.
    """
    if versions.dataverse is None:
        return MergeDecision.HELD
    match versions.base:
        case Base.DATAVERSE if not versions.is_doubtful:
            return MergeDecision.HELD
        case Base.ABSENT if versions.dataverse == EMPTY and not versions.is_doubtful:
            return MergeDecision.HELD
        case _:
            return MergeDecision.TO_PLATFORM


def _to_dataverse(versions: FieldVersions) -> MergeDecision:
    """Write the platform's change back; a first merge fills columns and empties none."""
    match versions.base:
        case Base.PLATFORM if not versions.is_doubtful:
            return MergeDecision.HELD
        case Base.ABSENT if versions.platform == EMPTY:
            return MergeDecision.HELD
        case _:
            return MergeDecision.TO_DATAVERSE


def _both(versions: FieldVersions, policy: ConflictPolicy, newer: Newer) -> MergeDecision:
    if versions.dataverse is None:  # a value that the platform cannot have: only the platform's own change counts
        return MergeDecision.HELD if versions.base in {Base.PLATFORM, Base.ABSENT} else MergeDecision.TO_DATAVERSE
    changed = _changed_side(versions)
    if changed is None or (versions.is_doubtful and not _is_real_change(versions, newer)):
        return _policy(policy, newer)
    return changed


def _is_real_change(versions: FieldVersions, newer: Newer) -> bool:
    """Whether the change that a doubtful base shows is real.

    If the platform has the agreed value, no dead worker wrote it, and at a first merge nothing is in doubt. If
    Dataverse has the agreed value, the platform's change may be the dead worker's, and Dataverse was changed back
    since. Then the change is real only if the contact was saved last.
    """
    return versions.base is not Base.DATAVERSE or newer is Newer.PLATFORM


def _changed_side(versions: FieldVersions) -> MergeDecision | None:
    """Copy from the one side that changed, or that has a value at a first merge; None for neither or both."""
    match versions.base:
        case Base.DATAVERSE:
            return MergeDecision.TO_DATAVERSE
        case Base.PLATFORM:
            return MergeDecision.TO_PLATFORM
        case Base.ABSENT if versions.dataverse == EMPTY:
            return MergeDecision.TO_DATAVERSE
        case Base.ABSENT if versions.platform == EMPTY:
            return MergeDecision.TO_PLATFORM
        case Base.ABSENT | Base.NEITHER:
            return None


def _policy(policy: ConflictPolicy, newer: Newer) -> MergeDecision:
    match policy:
        case ConflictPolicy.CRM:
            return MergeDecision.DATAVERSE_WON
        case ConflictPolicy.PLATFORM:
            return MergeDecision.PLATFORM_WON
        case ConflictPolicy.NEWEST:
            return MergeDecision.DATAVERSE_WON if newer is Newer.DATAVERSE else MergeDecision.PLATFORM_WON
        case ConflictPolicy.ASK:
            return MergeDecision.ASKED
