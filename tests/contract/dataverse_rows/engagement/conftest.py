"""An organisation for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.dataverse_organisation import open_organisation
from tests.contract.dataverse_rows.engagement.engagement_rows import PEOPLE, Rows


@pytest.fixture
async def rows() -> AsyncIterator[Rows]:
    async with open_organisation(PEOPLE) as opened:
        yield Rows(opened)
