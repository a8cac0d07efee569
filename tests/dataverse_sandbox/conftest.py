"""A server for each suite, and a fresh organisation for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.dataverse_sandbox.session import Dataverse, Exchangeable, running


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Exchangeable, str]]:
    with running() as server:
        yield server


@pytest.fixture
def dataverse(server: tuple[Exchangeable, str]) -> Iterator[Dataverse]:
    session = Dataverse(*server)
    with closing(session.http):
        yield session
