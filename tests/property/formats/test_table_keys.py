"""Escaped keys: accepted by Azure Tables, reversible, and in the same order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.storage.table_keys import escape_key, prefix_bounds, unescape_key

keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("/.~0#1"), max_size=12)


@given(keys)
def test_an_escaped_key_has_no_character_that_tables_forbids(key: str) -> None:
    assert not set(escape_key(key)) & set("/\\#?%")


@given(keys)
def test_escaping_is_reversible(key: str) -> None:
    assert unescape_key(escape_key(key)) == key


@given(keys, keys)
def test_escaping_keeps_the_order(one: str, other: str) -> None:
    assert (escape_key(one) < escape_key(other)) == (one < other)


@given(keys, keys, keys)
def test_the_bounds_of_a_prefix_hold_its_keys_and_no_others(prefix: str, rest: str, other: str) -> None:
    first, beyond = prefix_bounds(prefix)
    assert first <= escape_key(prefix + rest) < beyond
    assert (first <= escape_key(other) < beyond) == other.startswith(prefix)
