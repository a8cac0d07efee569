"""Opens the organisation for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.dataverse_reading.organisation import ROWS, Organisation, organisation_with


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with organisation_with(ROWS) as opened:
        yield opened
