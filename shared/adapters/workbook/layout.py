"""The layout of a workbook: a sheet of rows and a sheet of settings per environment.

Titles of columns are the names that the specification gives to the parameters of a row (MAP-07..MAP-13).
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction, OnInvalid, Outside
from shared.domain.records.records import PersonTable


class CellKind(StrEnum):
    """The form of a value in its cell."""

    TEXT = "text"
    CHOICES = "choices"
    """Translations of option values, one to a line."""
    COMMENT = "comment"
    """Text for people, which is kept unchanged."""
    SPOTLER = "spotler"
    """The name of a property; the workbook offers those of the account."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A column of the sheet of rows, or a line of the sheet of settings. `path` is its path in the document."""

    path: tuple[str, ...]
    title: str
    meaning: str
    width: int = 30
    options: tuple[str, ...] = ()
    kind: CellKind = CellKind.TEXT


_EXPRESSION = (
    "The column's logical name on {table}, or: lookup(table).column, a;b for the first that is not empty, "
    '@concat(a, " ", b), @child(table).first(createdon DESC).column, $CustomerType, $value:text, '
    "@map(permissions), @odata:query with $ID."
)

ROWS = (
    Parameter(("spotler",), "Spotler Column", "The property's database name in Spotler, not its label.", 24,
              kind=CellKind.SPOTLER),
    *(
        Parameter((table,), f"{table.capitalize()} Column", _EXPRESSION.format(table=table), 34)
        for table in PersonTable
    ),
    Parameter(("entity",), "Entity Column", "The column of the table for new subscribers, if there is one.", 22),
    Parameter(("direction",), "Sync Direction", "-> to Spotler (also when empty), <- to Dataverse, <-> both.", 14,
              tuple(Direction)),
    Parameter(("filter",), "Filter", "A record goes to Spotler only while the column has this value.", 18),
    Parameter(("conflict",), "Conflict", "Whose value stands when both sides changed it; empty: crm.", 12,
              tuple(ConflictPolicy)),
    Parameter(("blank",), "Blank", "What an empty value does to the other side; empty: clear.", 10, tuple(BlankPolicy)),
    Parameter(("choices",), "Choices", "What an option value becomes in Spotler, one to a line: 1 = M", 18,
              kind=CellKind.CHOICES),
    Parameter(("foreign",), "Foreign Column", "The property for a value that is fine but not Dutch.", 22,
              kind=CellKind.SPOTLER),
    Parameter(("invalid",), "Invalid", "fail: the record is not written; omit: it goes on without this field.", 10,
              tuple(OnInvalid)),
    Parameter(("comment",), "Comment", "For people; the connector ignores it.", 50,
              kind=CellKind.COMMENT),
)  # fmt: skip  # one parameter, one line

SETTINGS = (
    *(
        Parameter(("filters", table), f"Filter {table}",
                  f'Which {table}s may be in Spotler, such as: statuscode = 1 and address1_country in ("NL", "BE")', 60)
        for table in PersonTable
    ),
    Parameter(("outside",), "Outside the filter", "What happens to a person who is in Spotler and leaves the filter.",
              options=tuple(Outside)),
    Parameter(("language",), "Language", "Language code of the labels of choices, such as 1043; empty: the user's."),
    Parameter(("timeZone",), "Time zone", "Where moments become dates, such as Europe/Amsterdam (also when empty)."),
    Parameter(("entityTable",), "Entity table", "The table of the Entity Column."),
    Parameter(("periodiek", "table"), "Periodiek table", "Has one row per person and subscription: @map(periodiek)."),
    Parameter(("periodiek", "name"), "Periodiek name", "Its column, or related column, with the option's name."),
    Parameter(("periodiek", "subscribed"), "Periodiek subscribed", "Its two options column: subscribed or not."),
    *(
        Parameter(("periodiek", table), f"Periodiek {table}", f"Its lookup that leads to the {table}.")
        for table in PersonTable
    ),
)  # fmt: skip  # one parameter, one line

HIDDEN = "Spotler"
"""The sheet with the names of the account's properties, for the drop-downs."""


def settings_sheet(environment: str) -> str:
    """Return the name of the sheet with the settings of an environment."""
    return f"{environment} settings"
