"""The outcome of a record: a result and a reason. Every record ends with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.wording.expectations import ProblemText
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.reasons import ReasonText


class Result(StrEnum):
    """What happened to the contact."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    ANONYMISED = "anonymised"
    KEPT = "kept"
    """It should have been erased, but another active record needs it."""
    SKIPPED = "skipped"
    FAILED = "failed"
    WAITING = "waiting"
    """It will be tried again by itself."""


class Reason(StrEnum):
    """Why. Codes are stored and logged; texts are for people."""

    CREATED = "created"
    UPDATED = "updated"
    AGREED = "agreed"
    RETURNED = "returned"
    PURGED = "purged"
    ABSENT = "absent"
    DELETED = "deleted"
    INACTIVE = "inactive"
    MERGED = "merged"
    DO_NOT_EMAIL = "do-not-email"
    NO_EMAIL = "no-email"
    ADDRESS_MOVED = "address-moved"
    ON_REQUEST = "on-request"
    STILL_USED = "still-used"
    ENVIRONMENT_OFF = "environment-off"
    TABLE_OFF = "table-off"
    NOT_ALLOWED = "not-on-allow-list"
    SYNC_DISABLED = "sync-disabled"
    LEAD_SYNC_DISABLED = "lead-sync-disabled"
    OPTED_OUT = "opted-out"
    DEACTIVATED = "deactivated"
    LEAD_QUALIFIED = "lead-qualified"
    FILTERED = "filtered"
    FILTER_UNREADABLE = "filter-unreadable"
    INVALID_EMAIL = "invalid-email"
    INVALID_VALUE = "invalid-value"
    REFUSED = "refused-by-spotler"
    REFUSED_HERE = "refused-by-dataverse"
    NO_ACTIVE_CHANNEL = "no-active-channel"
    PERHAPS_OPTED_OUT = "perhaps-opted-out"
    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCE = "soft-bounce"
    BUSY = "busy"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    GAVE_UP = "gave-up"
    UNSETTLED = "never-settled"
    MASS_ERASURE = "mass-erasure"
    MASS_UNSUBSCRIPTION = "mass-unsubscription"
    MASS_LIST_REMOVAL = "mass-list-removal"
    DEFECT = "defect"


TEXTS: Mapping[Reason, Phrase] = {reason: ReasonText[reason.name]() for reason in Reason}
"""One sentence per reason, for people."""

MASS_CHANGES = frozenset({Reason.MASS_ERASURE, Reason.MASS_UNSUBSCRIPTION, Reason.MASS_LIST_REMOVAL})
"""Reasons of the brake: an administrator must decide."""

IN_PLATFORM = frozenset({Reason.CREATED, Reason.UPDATED, Reason.AGREED, Reason.RETURNED})
"""Reasons of a record whose data the marketing platform has."""

HELD_BACK = frozenset({Reason.MASS_ERASURE, Reason.MASS_UNSUBSCRIPTION})
"""The brake holds the end of the contact; refusals of the record are written all the same."""

_UNTOUCHED = {
    Reason.ENVIRONMENT_OFF,
    Reason.TABLE_OFF,
    Reason.SYNC_DISABLED,
    Reason.OPTED_OUT,
    Reason.LEAD_QUALIFIED,
    Reason.DELETED,
}
"""Skips that leave the Spotler Info row as it is: it belongs to a person or to the opt-out, or has no record."""


_STATUS_OF_CLOSED = {Reason.OPTED_OUT: SyncStatus.OPT_OUT, Reason.DEACTIVATED: SyncStatus.SUCCEEDED}
"""The status for a contact that cannot be mailed, if somebody wanted that."""


class Side(StrEnum):
    """The system that a value was meant for."""

    PLATFORM = "Spotler"
    DATAVERSE = "Dataverse"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A problem of a value: it does not fit `side`, fits with a `loss` only, or both sides `dispute` it.

    `unread` is why the value could not be read: "may not be read: …".

    Names columns and properties, never the value.
    """

    property_name: str
    source: str
    expected: Phrase | None = None
    loss: Phrase | None = None
    dispute: Phrase | None = None
    unread: Phrase | None = None
    side: Side = Side.PLATFORM

    @property
    def text(self) -> Phrase:
        """The problem in a sentence."""
        named = {"source": self.source, "property": self.property_name}
        is_here = self.side is Side.DATAVERSE
        if what := self.dispute or self.unread:
            return ProblemText.STATED(**named, what=what)
        if self.loss:
            return (ProblemText.LOSS_HERE if is_here else ProblemText.LOSS)(**named, loss=self.loss)
        wording = ProblemText.MISFIT if self.source == self.property_name else ProblemText.MISFIT_OF
        return (ProblemText.MISFIT_HERE if is_here else wording)(**named, expected=self.expected or "")

    def __str__(self) -> str:
        return str(self.text)


_TO_DECIDE, _LEFT_OUT, _ADAPTED = "To decide", "Left out", "Adapted"
_SHARES = "Shares its e-mail address with"
_MOST_NAMED = 3

LONGEST_REASON = 2000
"""The room in the reason column of Spotler Info."""


def lists_problems(text: str) -> bool:
    """Whether the text of a successful record lists fields with problems."""
    return any(f" {word}: " in text for word in (_TO_DECIDE, _LEFT_OUT, _ADAPTED))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one record. `detail` is the other side's own text: for the CRM row only, it may quote the person.

    `shared_with` are the other records of the contact, the primary one first; none for the primary record itself.
    """

    key: RecordKey
    result: Result
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    fields: tuple[str, ...] = ()
    http_status: int | None = None
    detail: str = ""
    permissions_off: bool = False
    shared_with: tuple[RecordKey, ...] = ()

    @property
    def status(self) -> SyncStatus | None:
        """Return the new Spotler Status; None leaves it as it is (STA-04, STA-05, C-24)."""
        match self.result:
            case Result.WRITTEN | Result.UNCHANGED | Result.ANONYMISED | Result.KEPT:
                return SyncStatus.SUCCEEDED
            case Result.WAITING:
                return SyncStatus.PROCESSING
            case Result.FAILED:
                return _STATUS_OF_CLOSED.get(self.reason, SyncStatus.FAILED)
            case Result.SKIPPED if self.reason in _UNTOUCHED:
                return None
            case Result.SKIPPED if self.reason is Reason.LEAD_SYNC_DISABLED:
                return SyncStatus.DISABLED
            case Result.SKIPPED:
                return SyncStatus.FAILED if self.reason is Reason.NO_EMAIL else SyncStatus.SUCCEEDED

    @property
    def text(self) -> str:
        """Return the text for the Spotler Info row and the job (VAL-09, CS-27)."""
        parts = [_OPENINGS.get(self.result, ""), TEXTS[self.reason]]
        if self.permissions_off:
            parts.append("All permissions are off: this record, or another one with its e-mail address, refuses mail.")
        parts.append(self._sharing)
        if disputed := [str(problem) for problem in self.problems if problem.dispute]:
            parts.append(f"{_TO_DECIDE}: {'; '.join(disputed)}.")
        if refused := [str(problem) for problem in self.problems if not (problem.loss or problem.dispute)]:
            lead = _LEFT_OUT if self.result in {Result.WRITTEN, Result.UNCHANGED} else "Wrong"
            parts.append(f"{lead}: {'; '.join(refused)}.")
        if cut := [str(problem) for problem in self.problems if problem.loss]:
            parts.append(f"{_ADAPTED}: {'; '.join(cut)}.")
        if self.detail:
            parts.append(f"Answer: {self.detail}")
        return " ".join(part for part in parts if part)

    def agrees_on_sharing(self, text: str) -> bool:
        """Whether a text that a record shows names the same duplicates, or as rightly none."""
        return self._sharing in text if self.shared_with else _SHARES not in text

    @property
    def _sharing(self) -> str:
        if not self.shared_with:
            return ""
        named = ", ".join(map(str, self.shared_with[:_MOST_NAMED]))
        others = " and others" if len(self.shared_with) > _MOST_NAMED else ""
        return (
            f"{_SHARES} {named}{others}. What is changed in Spotler comes home to {self.shared_with[0]}; "
            "here, only permissions do."
        )


_OPENINGS = {
    Result.ANONYMISED: "Anonymised in Spotler.",
    Result.SKIPPED: "Not sent to Spotler.",
    Result.KEPT: "Spotler contact kept.",
}
