"""The comparison of Spotler's contacts with Dynamics is paused, resumed and stopped by a person (INI-04, INI-10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest

from shared.domain.records.marketing_contact import MarketingContact
from shared.errors import ConflictError
from tests.connector_twin import ConnectorTwin
from tests.unit.inbound.comparing import DAY, bound, unseen
from tests.unit.inbound.two_way.exchanging import two_way, value


async def begun() -> ConnectorTwin:
    """A comparison that would find a city which the polls have missed."""
    twin = ConnectorTwin(two_way())
    await bound(twin, 2)
    changed = twin.clock.now() - 100 * DAY
    unseen(twin.contact_of("p0@example.com"), city="Gouda")
    twin.contact_of("p0@example.com").last_changed = changed
    await twin.comparison.since(changed - DAY)
    return twin


async def test_a_paused_comparison_compares_nothing_and_goes_on_where_it_was() -> None:
    twin = await begun()
    ann = next(iter(twin.crm.people))
    await twin.comparison.pause()
    await twin.quiet()
    state = (await twin.comparison.state())["since"]
    assert (state["paused"], state["finished"], value(twin, ann, "address1_city")) == (True, None, None)
    with pytest.raises(ConflictError, match="it is paused"):
        await twin.comparison.pause()

    await twin.comparison.resume()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"
    assert (await twin.comparison.state())["since"]["finished"] is not None


async def test_a_stopped_comparison_is_over_for_good() -> None:
    twin = await begun()

    await twin.comparison.stop()
    await twin.quiet()

    state = (await twin.comparison.state())["since"]
    assert (state["stopped"], state["found"]) == (True, {})
    with pytest.raises(ConflictError, match="no such comparison"):
        await twin.comparison.resume()


async def test_a_window_in_hand_while_somebody_pauses_is_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = await begun()
    ann = next(iter(twin.crm.people))
    real = twin.platform.updated_contacts

    async def pausing(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        monkeypatch.setattr(twin.platform, "updated_contacts", real)
        async for page in real(start, end):
            yield page
        await twin.comparison.pause()

    monkeypatch.setattr(twin.platform, "updated_contacts", pausing)
    await twin.quiet()
    assert (await twin.comparison.state())["since"]["finished"] is None

    await twin.comparison.resume()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"
    assert (await twin.comparison.state())["since"]["finished"] is not None
