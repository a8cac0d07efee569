"""A history over the twins, which ends with the question whether all is well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.property.histories.test_two_way_histories import TwinHistories


@pytest.fixture
def history() -> Iterator[TwinHistories]:
    state = TwinHistories()
    yield state
    state.teardown()
