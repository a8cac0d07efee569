"""What suites of contract tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina


@pytest.fixture
def repetitions_do_not_wait() -> Iterator[None]:
    """A client that repeats does so at once, and not more than four times."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield
