"""The truth table of the permissions of new records, however a list is written (ENV-11..ENV-15)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.consent.permission_defaults import permission_defaults
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, SetEntry

_LABELS = st.text(st.characters(exclude_characters=";", exclude_categories=("Cs",)), min_size=1, max_size=6).filter(
    lambda text: bool(text.strip()) and text.strip().casefold() != "[all]"
)
_ACCOUNTS = st.lists(_LABELS, max_size=5, unique_by=lambda text: text.strip().casefold())
_BLANKS = st.sampled_from(["", " ", "\t", "  "])


def _spotler(labels: list[str]) -> PropertyDefinition:
    entries = tuple(SetEntry(2**number, label) for number, label in enumerate(labels))
    return PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries)


@st.composite
def _written(draw: st.DrawFn, names: list[str]) -> str:
    """The same list of names, as somebody may have typed it: blanks, repetitions, empty parts."""
    parts = [f"{draw(_BLANKS)}{name}{draw(_BLANKS)}" for name in names]
    parts += [draw(st.sampled_from(names)) for _ in range(draw(st.integers(0, 2))) if names]
    parts += [""] * draw(st.integers(0, 2))
    return ";".join(parts)


@given(st.data())
def test_the_truth_table(data: st.DataObject) -> None:
    labels = data.draw(_ACCOUNTS)
    pool = [*labels, "not in Spotler"]
    listed = data.draw(st.lists(st.sampled_from(pool), unique=True))
    named = data.draw(st.lists(st.sampled_from(pool), unique=True))
    has_keyword = data.draw(st.booleans())
    first = data.draw(_written(listed))
    second = data.draw(_written([*(["[All]"] if has_keyword else []), *named]))

    found = permission_defaults(first, second, _spotler(labels))

    expected = {
        label.strip(): (label not in named) if has_keyword else (label in named) for label in listed if label in labels
    }
    assert {row.name: row.subscribed for row in found.rows} == expected
    assert len(found.rows) == len(expected)


@given(st.text(max_size=30) | st.none(), st.text(max_size=30) | st.none(), _ACCOUNTS)
def test_whatever_is_written_only_permissions_of_spotler_come_out(
    first: str | None, second: str | None, labels: list[str]
) -> None:
    found = permission_defaults(first, second, _spotler(labels))
    names = [row.name for row in found.rows]
    assert set(names) <= {label.strip() for label in labels}
    assert len(set(names)) == len(names)


@given(st.text(max_size=20), _ACCOUNTS)
def test_an_empty_variable_enables_no_permission(first: str, labels: list[str]) -> None:
    for nothing in (None, "", ";"):
        assert not any(row.subscribed for row in permission_defaults(first, nothing, _spotler(labels)).rows)
