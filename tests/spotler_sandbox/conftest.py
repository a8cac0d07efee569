"""A server for each suite, and a fresh account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.spotler_sandbox.session import Sandbox, Spotler, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    return sandbox.open()
