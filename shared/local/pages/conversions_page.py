"""`python -m shared.local.pages.conversions_page`: write docs/conversions.md from the code that it describes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.domain.mapping.conversions import ColumnKind, Impossible, Lossy, Possible, Way, to_dataverse, to_platform
from shared.domain.records.marketing_contact import PropertyType

PAGE = Path(__file__).resolve().parents[3] / "docs" / "conversions.md"

_TYPES = [kind for kind in PropertyType if kind is not PropertyType.UNKNOWN]
_KINDS = [kind for kind in ColumnKind if kind is not ColumnKind.OTHER]


def conversions_page() -> str:
    """Return the page: a table for each direction, and what the marks mean."""
    return f"""# Conversions

Which Dataverse columns can be mapped to which Spotler properties. Made from the code by
`python -m shared.local.pages.conversions_page`; a test keeps it fresh.

✓ is converted, with the restriction of the note · **lossy** every value would lose something · no: not convertible.
The last two are refused when a mapping is loaded. A single value that does not fit is reported on its record.

- A Spotler property of an unknown, later type is treated as `string`. The text property `phoneNumber` is a type of its
  own here: it accepts the values of `mobNr`.
- An empty value clears the other side, unless the row has `blank: keep`.
- `choices` of a row translate option values to Spotler, and texts back to Dataverse.
- Labels of choices are those of the mapping's `language`; its `timeZone` converts moments to dates.
- `@concat(…)`, `$CustomerType` and `$value:…` count as text. Of `a;b`, both must fit.
- `@map(…)` fills `set` properties by the names of rows: permissions, marketing lists, periodieken.
- Dutch phone numbers have ten digits, perhaps a dash, no blanks: `06 1859 6225`, `+31 6 18596225` and `(079)
  363.29.21` are converted to that form. 0900, 0800 and 14 numbers do not fit. Numbers with another country code are
  foreign, and so are numbers without one that exist in the country of the address.
- Dutch post codes are converted to the form `3511 AB` (from `NL-3511AB`, `3511  ab`). Post codes of an address with
  another country are foreign. Without a country, other post codes are foreign unless they resemble a mistyped Dutch one
  (`3511 A8`). A text without digits (`n.v.t.`) is no post code.
- The country is read from the column next to the post code (`address1_country` for `address1_postalcode`), else from
  the row for Spotler's `country`: a name in Dutch, English, German, French, Spanish or Italian, or a code.
- A text such as `1.250` or `1,250` may mean 1250 or 1¼: it is no number. Numeric columns of Dataverse are unambiguous.
- A column that shows days is read and written as the day that users see, also where Dataverse stores a moment;
  Dataverse applies today's rule of summer time to all years. Moments have offsets in whole minutes.
- A deleted option is not converted, unless `choices` contains its number.
- Invisible characters (zero-width spaces, byte order marks, soft hyphens) are no part of addresses, phone numbers and
  post codes.
- A free text that a new record requires, such as the last name, is cut to the length of its column. Spotler keeps the
  whole text, and Spotler Status reports the cut.

## To Spotler

{_table(to_platform)}

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
