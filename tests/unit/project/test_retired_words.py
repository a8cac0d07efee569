"""Retired words are found in texts and in identifiers, except where a list of exceptions allows them."""

from __future__ import annotations

import pytest

from tests.scripts import script

words = script("words")

LIST = words.read_words("seats?\trecord context\n(come|came) home\twrite back\n")


@pytest.mark.parametrize(
    "line",
    ["a seat for each", "_seat = 1", "class TwinSeats:", "two_seats", "Seat", "it came home", "came_seat_2", "seat2"],
)
def test_a_retired_word_is_found_in_texts_and_identifiers(line: str) -> None:
    assert len(list(words.findings("x.py", line, LIST, []))) == 1


@pytest.mark.parametrize("line", ["seating is another word", "nauseate", "a home that came", "Reseat"])
def test_parts_of_other_words_are_none(line: str) -> None:
    assert list(words.findings("x.py", line, LIST, [])) == []


def test_a_finding_has_place_word_and_replacement() -> None:
    (finding,) = words.findings("docs/x.md", "fine\nThe Seats", LIST, [])
    assert finding == "docs/x.md:2: Seats: say record context"


def test_the_name_of_a_file_is_checked() -> None:
    assert list(words.findings("shared/seats.py", "", LIST, [])) == ["shared/seats.py:0: seats: say record context"]


def test_exceptions_hold_for_their_files_only() -> None:
    allowed = words.read_allowed('docs/*\t"seat"\ta stored value\n')
    assert list(words.findings("docs/x.md", 'the key "seat"', LIST, allowed)) == []
    assert len(list(words.findings("x.py", 'the key "seat"', LIST, allowed))) == 1
    assert len(list(words.findings("docs/x.md", 'a seat, the key "seat"', LIST, allowed))) == 1


def test_a_word_without_a_replacement_is_an_error() -> None:
    with pytest.raises(ValueError, match="no replacement"):
        words.read_words("seat\n")


def test_the_list_can_be_read() -> None:
    assert words.read_words((words.ROOT / ".ci/retired_words.txt").read_text(encoding="utf-8"))
