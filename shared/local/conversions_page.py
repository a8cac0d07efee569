"""`python -m shared.local.conversions_page`: write docs/conversions.md from the code that it describes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.core.mapping.conversions import ColumnKind, Impossible, Lossy, Possible, Way, to_dataverse, to_spotler
from shared.core.marketing import PropertyType

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conversions.md"

_TYPES = [kind for kind in PropertyType if kind is not PropertyType.UNKNOWN]
_KINDS = [kind for kind in ColumnKind if kind is not ColumnKind.OTHER]


def conversions_page() -> str:
    """Return the page: a table for each direction, and what the marks mean."""
    return f"""# Conversions

Which Dataverse columns can be mapped to which Spotler properties. Made from the code by
`python -m shared.local.conversions_page`; a test keeps it fresh.

✓ travels as it is, or as the note says · **lossy** every value would lose something · no: it has no meaning there.
The last two are refused when a mapping is loaded. A single value that does not fit is reported on its record.

- A Spotler property of a type that Spotler got later is treated as `string`.
- An empty value empties the other side, unless the row says `blank: keep`.
- `choices` of a row translate option values on the way to Spotler, and their texts back.
- Labels of choices are those of the mapping's `language`; its `timeZone` is where moments become dates.
- `@concat(…)`, `$CustomerType` and `$value:…` count as text. Of `a;b`, both must fit.
- `@map(…)` fills `set` properties by the names of rows: permissions, marketing lists, periodieken.

## To Spotler

{_table(to_spotler)}

## To Dataverse

{_table(lambda kind, property_type: to_dataverse(property_type, kind))}
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(conversions_page(), encoding="utf-8")


def _table(way: Callable[[ColumnKind, PropertyType], Way]) -> str:
    notes: list[str] = []
    lines = [f"| column | {' | '.join(f'`{kind}`' for kind in _TYPES)} |", "|---" * (len(_TYPES) + 1) + "|"]
    lines += [
        f"| {kind} | {' | '.join(_cell(way(kind, property_type), notes) for property_type in _TYPES)} |"
        for kind in _KINDS
    ]
    return "\n".join([*lines, "", *(f"{number}. {note}" for number, note in enumerate(notes, start=1))])


def _cell(way: Way, notes: list[str]) -> str:
    match way:
        case Possible(""):
            return "✓"
        case Possible(note):
            return f"✓ {_number(note, notes)}"
        case Lossy(reason):
            return f"**lossy** {_number(reason, notes)}"
        case Impossible():
            return "no"


def _number(note: str, notes: list[str]) -> int:
    if note not in notes:
        notes.append(note)
    return notes.index(note) + 1


if __name__ == "__main__":
    main()
