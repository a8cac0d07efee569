"""The words of the console: English in the code, other languages in `locale/*.po`.

`said` marks a text for the catalogue; a `Locale` says it in the reader's language. A test compares catalogue and code.
"""

from functools import lru_cache
from pathlib import Path
from typing import NewType

LOCALES = Path(__file__).resolve().parents[1] / "locale"
SOURCE = "en"
LANGUAGES = {SOURCE: "English", "nl": "Nederlands"}
"""The languages by code, each in its own language."""

Said = NewType("Said", str)
"""An English text that the catalogues have."""


def said(text: str) -> Said:
    """Mark a text for the catalogues."""
    return Said(text)


@lru_cache
def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """Return the texts of a language by the English one; plurals have a form for one and one for many."""
    if language == SOURCE:
        return {}
    from babel.messages.pofile import read_po  # noqa: PLC0415  # not before the console is used

    with (LOCALES / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language)
    return {
        _singular(message.id): message.string if isinstance(message.string, str) else tuple(message.string)
        for message in found
        if message.id and message.string
    }


def _singular(identifier: str | list[str] | tuple[str, ...]) -> str:
    return identifier if isinstance(identifier, str) else identifier[0]


def translated(language: str, text: str) -> str:
    """Return a text in a language; the English one where the catalogue has none."""
    match catalogue(language).get(text):
        case str(found):
            return found
        case (str(one), *_):
            return one
        case _:
            return text


def counted(language: str, one: str, many: str, number: int) -> str:
    """Return the form of a text for a number. Dutch and English have two forms: for one, and for all others."""
    forms = catalogue(language).get(one)
    if isinstance(forms, tuple) and len(forms) > 1 and all(forms):
        return forms[0] if number == 1 else forms[1]
    return one if number == 1 else many


def language_of(chosen: str, accepted: str) -> str:
    """Return the language of a reader: the chosen one, else the first of the browser's that there is, else English."""
    if chosen in LANGUAGES:
        return chosen
    for part in accepted.split(","):
        code = part.partition(";")[0].strip().partition("-")[0].casefold()
        if code in LANGUAGES:
            return code
    return SOURCE
