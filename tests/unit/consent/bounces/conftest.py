"""A service that knows one contact of one record."""

from __future__ import annotations

import pytest

from tests.unit.consent.bounces.bouncing import ANN, World, external_id


@pytest.fixture
async def world() -> World:
    opened = World()
    await opened.use(external_id(1), ANN)
    return opened
