"""Changes of consent as values: record, subject, old and new state, source. Pure.

They have ids and codes only, no names and no addresses: they are kept and exported long after other data are deleted.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from shared.domain.records.records import RecordKey

BULK_EMAIL, OPT_OUT, DO_NOT_EMAIL = "bulk-email", "opt-out", "do-not-email"
"""Subjects that are no permissions. The last two are refusals: a yes there means no mail."""

_PERMISSION = re.compile(r"[^:\s]+:\d+")
_SEPARATOR = "\x1f"


class ConsentState(StrEnum):
    """The state of consent. UNKNOWN: there was no answer, or the connector had not read it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, answer: bool | None) -> Self:  # noqa: FBT001  # the value itself, not a switch
        """Convert a truth value; None is unknown."""
        match answer:
            case None:
                return cls.UNKNOWN
            case True:
                return cls.YES
            case False:
                return cls.NO


class ConsentSource(StrEnum):
    """The source of a change."""

    DATAVERSE_ROW = "dataverse-row"
    """A user changed a Spotler Permission row, a membership or a periodiek (PERM-03, PERM-07)."""
    ENVIRONMENT_DEFAULT = "environment-default"
    """A new record got its rows (PERM-12)."""
    PLATFORM_PROFILE = "spotler-profile"
    """The check box changed in the platform: a profile page, or an unsubscribe link of one permission (P-07)."""
    PLATFORM_OPT_OUT = "spotler-opt-out"
    """The person unsubscribed from everything (OPT-06)."""
    DO_NOT_BULK_EMAIL = "do-not-bulk-email"
    """*Bulk Email* of the record (OPT-01, OPT-02)."""
    DO_NOT_EMAIL = "do-not-email"
    """*Do Not Email* of the record (OPT-11)."""
    SHARED_CONTACT = "shared-contact"
    """Another record of the same contact refuses."""
    FIRST_MEETING = "first-meeting"
    """The first merge of a record and a contact (PERM-15)."""
    REACTIVATED = "reactivated"
    """An opt-out ended (OPT-09, PERM-24)."""
    SUPPRESSION = "suppression-list"
    """There was a refusal at the address that the record came to."""
    ADMINISTRATOR = "administrator"
    """An administrator lifted a refusal and gave a reason."""
    RESTORED = "restored"
    """The state was restored from a backup, and what the person had refused since then cannot be known."""
    DEACTIVATED = "deactivated"
    DELETION = "deletion"
    JOB = "job"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One change. `subject` is `permissions:4` (property and bit), or one of the constants of this module."""

    at: datetime
    record: RecordKey
    external_id: str
    subject: str
    old: ConsentState
    new: ConsentState
    source: ConsentSource
    correlation: str = ""
    is_renewed: bool = False

    def __post_init__(self) -> None:
        """Refuse times that do not sort, and names instead of ids."""
        if self.at.tzinfo is None:
            raise ValueError("a change of consent needs a time with its zone")
        if self.subject not in {BULK_EMAIL, OPT_OUT, DO_NOT_EMAIL} and not _PERMISSION.fullmatch(self.subject):
            raise ValueError("the subject of consent is a property with its bit, or a constant of this module")

    @property
    def moment(self) -> str:
        """The time as text that sorts: UTC, always as long."""
        return sortable(self.at)

    @property
    def digest(self) -> str:
        """The same text for the same change, also when its message is repeated.

        A repeated message has the same correlation, so the time does not count. Without a correlation, only the time
        distinguishes two changes. The time also counts if consent had changed in between (`is_renewed`).
        """
        told_by = f"{self.correlation} {self.moment}" if self.is_renewed else self.correlation or self.moment
        parts = (str(self.record), self.external_id, self.subject, self.old, self.new, self.source, told_by)
        return hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class ConsentAct:
    """The common part of all changes of one record at one moment."""

    at: datetime
    record: RecordKey
    external_id: str
    source: ConsentSource
    correlation: str = ""

    def changes(self, before: Mapping[str, bool | None], after: Mapping[str, bool]) -> tuple[ConsentChange, ...]:
        """Compare by subject; a subject missing in `before` was unknown, one missing in `after` has not changed."""
        return tuple(
            ConsentChange(
                at=self.at,
                record=self.record,
                external_id=self.external_id,
                subject=subject,
                old=ConsentState.of(before.get(subject)),
                new=ConsentState.of(answer),
                source=self.source,
                correlation=self.correlation,
            )
            for subject, answer in after.items()
            if before.get(subject) is not answer
        )


def permission(bit: int, name: str = "permissions") -> str:
    """Name a permission as a subject: the property that holds it, and its bit."""
    return f"{name}:{bit}"


def sortable(at: datetime) -> str:
    """Write a moment in UTC with microseconds: 27 characters that sort as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
