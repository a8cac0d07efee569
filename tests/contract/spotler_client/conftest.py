"""Opens an account under both prefixes of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX, VERSIONED_PREFIX
from tests.contract.spotler_client.account import Account, open_account


@pytest.fixture(params=[CURRENT_PREFIX, VERSIONED_PREFIX])
async def account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    async with open_account(request.param) as opened:
        yield opened
