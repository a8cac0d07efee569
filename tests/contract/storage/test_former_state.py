"""The table that a restore replaced is read as a whole: its suppression list, and its consent ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.adapters.storage.tables import TableStateStore
from shared.composition.former_state import former_state
from shared.composition.settings import Settings
from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import DO_NOT_EMAIL, ConsentChange, ConsentSource, ConsentState
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.records import RecordKey
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConfigurationError
from tests.contract.clocks import ManualClock

KEY = "bXk3nQ-9fLw2_TzP0vRa-and-more-than-that"
CLOCK = ManualClock()
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    connection = request.getfixturevalue("azurite")
    present = f"state{uuid4().hex[:12]}"
    return Settings(
        state_storage=connection, state_table=present, fingerprint_key=KEY, environment="test",
        dataverse_url="https://org.crm4.dynamics.com",
    )  # fmt: skip


@pytest_asyncio.fixture
async def former(settings: Settings) -> AsyncIterator[str]:
    """A table with one refusal and one change of consent."""
    name = f"state{uuid4().hex[:12]}"
    store = TableStateStore.from_connection_string(settings.state_storage.get_secret_value(), table=name)
    address = Fingerprinter(KEY.encode()).address("ann@example.com")
    await SuppressionList(store, CLOCK, "test").record(
        {address: [AddressRefusal(DO_NOT_EMAIL, NOW, ConsentSource.DO_NOT_EMAIL)]}
    )
    key = RecordKey.parse("contact:6d81597f-0000-4000-8000-000000000001")
    change = ConsentChange(
        NOW, key, "1", DO_NOT_EMAIL, ConsentState.NO, ConsentState.YES, ConsentSource.DO_NOT_EMAIL, "c-1"
    )
    await ConsentLedger(store, CLOCK, "test").record([change])
    yield name
    await store.close()


async def test_refusals_and_consent_of_the_former_table_are_read(settings: Settings, former: str) -> None:
    async with former_state(settings, former, CLOCK) as state:
        assert state is not None
        pages = [page async for page in state.suppressions.everything()]
        changes = [one async for page in state.consents.export() for one in page]

    assert [one.subjects for page in pages for one in page.values()] == [{DO_NOT_EMAIL}]
    assert [one.subject for one in changes] == [DO_NOT_EMAIL]


async def test_the_present_table_is_no_former_one(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="another table"):
        async with former_state(settings, settings.state_table, CLOCK):
            pass
