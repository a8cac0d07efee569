"""The findings of a mapping check: a code to count, and a phrase with the cure."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.mapping.check.resolution import Gap
from shared.domain.records.records import PersonTable
from shared.domain.wording.phrase import Phrase


class Severity(StrEnum):
    """How much a finding hinders."""

    ERROR = "error"
    """The row cannot work: it rests, or every value would be refused."""
    WARNING = "warning"
    """It works, and not as its author will expect."""
    NOTE = "note"
    """Worth knowing."""


class Code(StrEnum):
    """The code of a finding. Codes are logged, stored and documented (`docs/errors.md`)."""

    UNKNOWN_TABLE = Gap.TABLE
    UNKNOWN_COLUMN = Gap.COLUMN
    UNKNOWN_LOOKUP = Gap.LOOKUP
    AMBIGUOUS_LOOKUP = Gap.AMBIGUOUS
    QUERY_NOT_ALLOWED = Gap.QUERY
    UNKNOWN_PROPERTY = "unknown-property"
    UNKNOWN_OPTION = "unknown-option"
    UNKNOWN_LANGUAGE = "unknown-language"
    COMPARISON = "comparison"
    CONVERSION = "conversion"
    FIXED_VALUE = "fixed-value"
    READ_ONLY = "read-only-column"
    DUPLICATE_TARGET = "duplicate-target"
    CIRCLE = "circle"
    REQUIRED_UNMAPPED = "required-unmapped"
    STEP_MISSING = "step-missing"
    COLUMN_WITHOUT_STEP = "column-without-step"
    UNSEEN_CHANGES = "unseen-changes"
    PROTECTED_ROW = "protected-row"
    PERMISSIONS_UNMAPPED = "permissions-unmapped"
    TOO_LONG = "too-long"
    TABLE_REFUSED = "related-table-refused"
    TABLE_PARTLY_REFUSED = "related-table-partly-refused"
    RIGHTS_UNKNOWN = "rights-unknown"
    EMPTIES_MANY = "empties-many"
    ENDS_MANY = "ends-many"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `row` counts rows from 1; 0 is the mapping itself. Texts name columns and properties, no values."""

    severity: Severity
    code: Code
    text: Phrase
    row: int = 0
    table: PersonTable | None = None

    def __str__(self) -> str:
        place = " ".join(part for part in (f"row {self.row}" if self.row else "", self.table or "") if part)
        return f"{self.severity} {self.code}{f' ({place})' if place else ''}: {self.text}"
