"""Numbers, times and plots as readers of both languages expect them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.administration.people.both_sides import Agreement, FieldSides
from shared.composition.settings import Settings
from shared.console.access.roles import Role
from shared.console.menu import entry_of
from shared.console.pages.settings import GROUPS
from shared.console.rendering.locale import Locale, Times, instant, zone_of
from shared.console.rendering.plots import apart, columns, lateness, log_curve, sparkline, stacked
from shared.console.rendering.templates import asset, render, short, static_file
from shared.domain.records.records import PersonTable, RecordKey

NOW = datetime(2026, 11, 24, 8, 14, tzinfo=UTC)
EN, NL = Locale("en"), Locale("nl")


@pytest.mark.parametrize(
    ("value", "english", "dutch"), [(1284, "1,284", "1.284"), (0.25, "0.25", "0,25"), (7, "7", "7"), (12.6, "13", "13")]
)
def test_a_number_has_the_signs_of_the_language(value: float, english: str, dutch: str) -> None:
    assert (EN.number(value), NL.number(value)) == (english, dutch)


@pytest.mark.parametrize(
    ("part", "of", "text"), [(84, 100, "84 %"), (1, 20_000, "< 0.1 %"), (0, 10, "0 %"), (1, 0, ""), (37, 1000, "3.7 %")]
)
def test_a_share_is_never_nothing_of_something(part: int, of: int, text: str) -> None:
    assert EN.share(part, of) == text


@pytest.mark.parametrize(
    ("seconds", "english", "dutch"),
    [
        (0.2, "0.2 s", "0,2 s"),
        (80, "1 min 20 s", "1 min 20 s"),
        (3600, "1 h", "1 u"),
        (5400, "1 h 30 min", "1 u 30 min"),
        (172_800, "2 days", "2 dagen"),
    ],
)
def test_a_duration_is_short(seconds: float, english: str, dutch: str) -> None:
    assert (EN.span(seconds), NL.span(seconds)) == (english, dutch)


def test_a_moment_is_an_age_for_a_day_and_then_a_date() -> None:
    assert NL.since(NOW - timedelta(minutes=6), NOW) == "6 min geleden"
    assert EN.since(NOW - timedelta(seconds=119), NOW) == "1 min ago"
    assert EN.since(NOW - timedelta(seconds=59), NOW) == "59 s ago"
    assert EN.since(NOW - timedelta(days=3), NOW) == "21 Nov 2026 09:14"
    assert NL.day(NOW) == "Dinsdag 24 november 2026, 09:14 (Amsterdam)"


def test_a_text_with_a_percent_sign_has_one() -> None:
    assert EN.say("95 %%") == "95 %"
    assert EN.say("%(n)s of 95 %%", n=1284) == "1,284 of 95 %"


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    assert len(sparkline([1, 2, None, 3])) == 2
    assert sparkline([None, None]) == ()


def test_one_measurement_between_gaps_is_seen() -> None:
    (piece,) = sparkline([None, 3, None])
    left, right = (float(point.partition(",")[0]) for point in piece.split())

    assert right - left == 4


def test_a_strip_is_low_on_time_full_when_late_and_empty_where_nobody_looked() -> None:
    strip = lateness([60.0, None, 3600.0], late=2700.0, width=30, height=36)

    assert [(x, height, is_late) for x, _, _, height, is_late in strip] == [(0.0, 12, False), (20.0, 36, True)]


def test_columns_begin_at_nothing() -> None:
    assert columns([0, 0]) == []
    assert [height for _, _, _, height in columns([1, 2], height=40)] == [20, 40]


def test_the_smallest_part_of_a_bar_is_seen() -> None:
    parts = stacked([(100_000, "a"), (1, "b"), (0, "c")])

    assert [one.tone for one in parts] == ["a", "b"]
    assert parts[1].width >= 0.3
    assert parts[1].x + parts[1].width <= 100


def test_names_of_curves_do_not_cover_each_other() -> None:
    ends = [one.end for one in apart([log_curve(name, [1.0, 1.0]) for name in ("99 %", "95 %", "50 %")])]

    assert abs(ends[0] - ends[1]) >= 13
    assert abs(ends[1] - ends[2]) >= 13


def test_a_static_file_is_found_by_its_content_and_nothing_else_is() -> None:
    name = asset("console.css").rpartition("/")[2]

    assert static_file(name) is not None
    assert static_file(f"0{name[1:]}"[:12] + "x-console.css") is None
    assert static_file("000000000000-../menu.py") is None
    assert static_file("README.md") is None


def test_an_id_is_shortened_in_the_middle() -> None:
    assert short("6d81597f-0f9f-e711-8122-000d3aa2331c") == "6d81597f…a2331c"
    assert short("short") == "short"


_ASKED = {"is_asked": True, "next": "", "Role": Role, "token": "token-of-the-session", "why_hidden": "No right."}


@pytest.mark.parametrize(("role", "buttons"), [(Role.ADMINISTRATOR, 4), (Role.OPERATOR, 0)])
def test_a_disputed_field_has_a_button_for_each_side_for_whoever_may_decide(role: Role, buttons: int) -> None:
    key = RecordKey(PersonTable.CONTACT, UUID(int=7))
    rows = [(key, ["city", "phoneNumber"], None)]

    text = render("parts/fields.html", EN, NOW, {**_ASKED, "rows": rows, "role": role})

    assert text.count('action="/console/person/contact/00000000-0000-0000-0000-000000000007/side"') == buttons // 2
    assert (text.count(">Dynamics counts<"), text.count(">Spotler counts<")) == (buttons // 2, buttons // 2)
    assert 'name="field" value="phoneNumber"' in text or not buttons
    assert "No right." in text


def test_a_disputed_field_shows_name_and_both_values_to_whoever_may_see_them() -> None:
    key = RecordKey(PersonTable.CONTACT, UUID(int=7))
    city = FieldSides("city", "City", "address1_city", "↔", Agreement.TO_DECIDE, "Den Haag", "'s-Gravenhage")
    rows = [(key, ["city"], ("Noor de Vries", {"city": city}))]

    text = render("parts/fields.html", EN, NOW, {**_ASKED, "rows": rows, "role": Role.ADMINISTRATOR})

    assert all(shown in text for shown in ("Noor de Vries", "City", "Den Haag", "&#39;s-Gravenhage"))
    assert "No right." not in text


@pytest.mark.parametrize(
    ("days", "mark"),
    [(None, None), (-1, "Expired"), (29, "Expires soon"), (31, None)],
    ids=["secret", "past", "soon", "later"],
)
def test_the_end_of_a_certificate_is_shown_and_marked_a_month_before(days: int | None, mark: str | None) -> None:
    end = None if days is None else NOW + timedelta(days=days)
    values = {
        "credentials": [("Certificate", "Entra knows", "an-id", end)],
        "soon": NOW + timedelta(days=30),
    }

    text = render("parts/credentials.html", EN, NOW, values)

    assert ("Entra knows" in text, "Valid until " in text) == (end is None, end is not None)
    assert [one for one in ("Expired", "Expires soon") if one in text] == ([mark] if mark else [])


def test_a_value_of_a_page_cannot_hide_what_every_page_writes_with() -> None:
    with pytest.raises(ValueError, match="would lose number"):
        render("parts/failed.html", EN, NOW, {"number": 7, "cause": "", "cure": ""})


def test_times_are_in_the_zone_of_the_reader_who_may_want_them_in_full() -> None:
    reader = Locale("nl", zone_of("America/Curacao"), Times.ABSOLUTE)

    assert reader.since(instant("2026-11-24T08:08:00Z"), NOW) == "24 nov 2026 04:08"
    assert reader.exact(NOW) == "24 nov 2026 04:14:00 (Curacao)"
    assert reader.calendar_day(NOW) == "24 nov 2026"


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "a" * 5000, "Europe"])
def test_an_unknown_time_zone_is_the_one_of_the_netherlands(name: str) -> None:
    assert zone_of(name) == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("segment", "name"), [("", "Overview"), ("person", "People"), ("run", "Runs"), ("runs", "Runs"), ("list", "Lists")]
)
def test_a_page_of_one_thing_belongs_to_the_menu_entry_of_all(segment: str, name: str) -> None:
    entry = entry_of(segment)

    assert entry is not None
    assert entry.name == name


def test_a_page_outside_the_menu_has_no_entry() -> None:
    assert entry_of("you") is None


def test_every_setting_is_shown_in_one_group() -> None:
    assert sorted(name for kind in GROUPS for name in kind.model_fields) == sorted(Settings.model_fields)
