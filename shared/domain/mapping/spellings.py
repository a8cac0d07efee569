"""Accepts variants of the words and arrows of a mapping: blanks around them, capitals, other dashes and arrows.

Spreadsheet and text programs replace `->` by one character and short dashes by long ones, and leave blanks at the end.
"""

import re

from shared.domain.values.texts import trimmed

_RIGHT = "\u2192\u2794\u279c\u279d\u279e\u27f6\u21d2\u27f9\u21e8\u21a6"
_LEFT = "\u2190\u27f5\u21d0\u27f8\u21e6\u21a4"
_BOTH = "\u2194\u27f7\u21d4\u27fa\u21c4\u21c6\u21cb\u21cc\u2b0c"
_ARROWS = str.maketrans(
    {**dict.fromkeys(_RIGHT, "->"), **dict.fromkeys(_LEFT, "<-"), **dict.fromkeys(_BOTH, "<->"), "\ufe0f": ""}
)
_SHAFT = re.compile(r"[-\u2010-\u2015\u2212]+")


def bare(value: object) -> object:
    """Return a text without blanks and invisible characters around it; anything else as it is."""
    return trimmed(value) if isinstance(value, str) else value


def word(value: object) -> object:
    """Return a word of a list in lower case: all words of a mapping but `clearPermissions` are."""
    if not isinstance(value, str):
        return value
    text = trimmed(value)
    return "clearPermissions" if text.casefold() == "clearpermissions" else text.casefold()


def arrow(value: object) -> object:
    """Return the arrow that a text means, such as `->`; other texts are left to the check."""
    if not isinstance(value, str):
        return value
    text = "".join(value.translate(_ARROWS).split())
    return _SHAFT.sub("-", trimmed(text))
