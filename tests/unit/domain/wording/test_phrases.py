"""A phrase is its English text, keeps its template and values, and can be stored and read again."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy

import pytest

from shared.domain.wording.expectations import Expectation
from shared.domain.wording.findings import FilterCure, FindingText, GapText
from shared.domain.wording.phrase import Grouped, Phrase, Wording, either, sentences, series
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.domain.wording.stored import WORDINGS, code_of, from_data, template_data

NESTED = FindingText.FILTER_GAP(
    problem=GapText.LEADS_ELSEWHERE(
        lookup="task.ownerid", table="contact", cure=GapText.WRITE_ONE_OF(names=("dh_personid", "regardingobjectid"))
    )
)


def test_a_phrase_is_its_english_text() -> None:
    assert NESTED == "Filter: task.ownerid does not lead to contact: write one of dh_personid, regardingobjectid"
    assert f"{Expectation.AT_MOST(most=4000)}." == "at most 4000 characters."
    assert FilterCure.LETTERS().startswith("% and * stand")
    assert Expectation.AT_MOST(most=Grouped(4000)) == "at most 4,000 characters"


def test_a_phrase_without_one_of_its_values_is_not_made() -> None:
    with pytest.raises(KeyError, match="cure"):
        FindingText.NO_PROPERTY(name="city")


def test_another_language_renders_the_template_and_all_phrases_within_it() -> None:
    dutch = {
        FindingText.FILTER_GAP: "Filter: %(problem)s",
        GapText.LEADS_ELSEWHERE: "%(lookup)s verwijst niet naar %(table)s: %(cure)s",
        GapText.WRITE_ONE_OF: "schrijf een van %(names)s",
    }

    told = NESTED.told({str(template): text for template, text in dutch.items()}.__getitem__, str)

    assert told == "Filter: task.ownerid verwijst niet naar contact: schrijf een van dh_personid, regardingobjectid"


def test_alternatives_and_series_are_joined() -> None:
    assert either("a") == "a"
    assert either("a", "b", Expectation.DATE()) == "a or b or a date"
    assert series(Expectation.DATE(), Expectation.WHOLE()) == "a date; a whole number, such as 1250"
    refusals = sentences(ChoiceRefusal.DO_NOT_EMAIL(), ChoiceRefusal.BULK_EMAIL())
    assert refusals == "Do Not Email is set. Do Not Bulk Email is set."
    assert series(*[Expectation.DATE()] * 5000).told(str, str).count("a date") == 5000


def test_a_copy_keeps_template_and_values() -> None:
    copy = deepcopy(NESTED)

    assert (copy, copy.wording, copy.values) == (NESTED, NESTED.wording, NESTED.values)


def test_a_stored_phrase_is_read_with_its_template() -> None:
    stored = json.loads(json.dumps({"text": NESTED, **template_data(NESTED)}))
    read = from_data(stored["text"], stored)

    assert (read, read.wording, read.values) == (NESTED, NESTED.wording, NESTED.values)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"wording": "FindingText.OF_A_LATER_VERSION", "values": {"name": "city"}},
        {"wording": "FindingText.NO_PROPERTY", "values": {"column": "of an earlier template"}},
    ],
    ids=["stored without a template", "an unknown template", "a template with other values"],
)
def test_a_stored_phrase_whose_template_cannot_be_filled_keeps_its_text(stored: dict[str, object]) -> None:
    read = from_data("Spotler has no city", stored)

    assert (read, read.wording, template_data(read)) == ("Spotler has no city", None, {})
    assert isinstance(read, Phrase)
    assert read.told(str.upper, str) == "Spotler has no city"


def test_all_templates_are_listed_and_each_code_names_one() -> None:
    assert set(WORDINGS) == set(Wording.__subclasses__())
    names = [name for wording in WORDINGS for name in wording.__members__]
    members = [code_of(one) for wording in WORDINGS for one in wording]
    assert len(names) == len(members), "two codes of one enumeration have the same template"
    assert Counter(members).most_common(1)[0][1] == 1
