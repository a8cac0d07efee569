"""The console speaks Dutch and English: every text has its translation, with the same values to fill in."""

from __future__ import annotations

import re

import pytest

from shared.console.rendering.words import LANGUAGES, SOURCE, catalogue, counted, language_of, translated
from tests.unit.console.catalogue import texts

OTHERS = [one for one in LANGUAGES if one != SOURCE]
_VALUE = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def said() -> list[tuple[str, str]]:
    return list(texts())


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(said: list[tuple[str, str]], language: str) -> None:
    assert [text for text, _ in said if text not in catalogue(language)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_the_console_does_not_say(said: list[tuple[str, str]], language: str) -> None:
    assert catalogue(language).keys() - {text for text, _ in said} == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_values_of_its_text(said: list[tuple[str, str]], language: str) -> None:
    wrong = []
    for text, plural in said:
        found = catalogue(language)[text]
        forms = found if isinstance(found, tuple) else (found,)
        wrong += [text for form in forms if set(_VALUE.findall(form)) != set(_VALUE.findall(plural or text))]

    assert wrong == []


def test_a_plural_has_two_forms() -> None:
    assert [counted("nl", "%(n)s day", "%(n)s days", n) for n in (1, 2)] == ["%(n)s dag", "%(n)s dagen"]
    assert [counted("en", "%(n)s day", "%(n)s days", n) for n in (1, 0)] == ["%(n)s day", "%(n)s days"]


def test_a_text_that_no_catalogue_has_stays_english() -> None:
    assert translated("nl", "untranslated") == "untranslated"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("nl", "en-GB", "nl"),
        ("", "fr-FR, nl-BE;q=0.8, en;q=0.5", "nl"),
        ("", "fr", "en"),
        ("xx", "", "en"),
        ("../nl", "nl", "nl"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers(chosen: str, accepted: str, language: str) -> None:
    assert language_of(chosen, accepted) == language
