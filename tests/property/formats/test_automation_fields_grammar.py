"""The grammar of Automation Fields: what is written is what is read, and nothing makes the parser stumble."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.features.automation_fields import Assignment, AutomationFieldsError, Position, parse, write

_AT = Position(1, 1)
_TEXTS = st.text(st.characters(exclude_characters=";\r\n", exclude_categories=("Cs",)), max_size=20).map(str.strip)
_VALUES = _TEXTS.filter(lambda text: not text.startswith("{"))
_NAMES = _TEXTS.filter(lambda text: bool(text) and "=" not in text)
_ITEMS = st.text(st.characters(exclude_characters=",};\r\n", exclude_categories=("Cs",)), max_size=8).map(
    lambda text: " ".join(text.split())
)
_LISTS = st.lists(_ITEMS, max_size=4).map(tuple).map(lambda items: items if any(items) else ())
_ASSIGNMENTS = st.lists(
    st.builds(Assignment, _NAMES, _VALUES | _LISTS, st.just(_AT)), max_size=5, unique_by=lambda one: one.name
)


def _content(assignments: object) -> list[tuple[str, str | tuple[str, ...]]]:
    return [(one.name, one.value) for one in assignments]  # type: ignore[attr-defined]


@given(_ASSIGNMENTS)
def test_written_fields_are_read_again(assignments: list[Assignment]) -> None:
    assert _content(parse(write(assignments))) == _content(assignments)


@given(_ASSIGNMENTS, st.sampled_from(["\n", "\r\n", " ; ", ";\n;"]))
def test_any_separator_will_do(assignments: list[Assignment], separator: str) -> None:
    assert _content(parse(separator.join(map(str, assignments)))) == _content(assignments)


@given(st.text(max_size=60) | st.text("a={},;\n ", max_size=30))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    with contextlib.suppress(AutomationFieldsError):
        for assignment in parse(text):
            assert assignment.at.line <= text.count("\n") + text.count("\r") + 1
            assert 1 <= assignment.at.column <= len(text)
