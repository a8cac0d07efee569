"""What the nights found is kept for a month: of how many records that were compared, how many differed."""

from __future__ import annotations

from datetime import timedelta

from shared.inbound.night_results import Nights
from tests.connector_twin import ConnectorTwin
from tests.unit.inbound.test_reconcile import bound, night
from tests.unit.inbound.two_way.exchanging import two_way


async def test_each_night_has_the_share_of_records_that_differed() -> None:
    twin = ConnectorTwin(two_way())
    ann, *_ = await bound(4, twin)
    twin.crm.edit(ann, firstname="Anna")
    await night(twin)
    twin.clock.advance(timedelta(days=1))
    await night(twin)

    first, second = await twin.reconciliation.nights.latest()

    assert (first.rate, second.rate) == (0.25, 0.0)
    assert first.compared == {"account": 0, "contact": 4, "lead": 0}
    assert first.day < second.day


async def test_night_results_are_kept_for_a_month() -> None:
    twin = ConnectorTwin(two_way())
    await bound(1, twin)
    await night(twin)
    twin.clock.advance(timedelta(days=40))
    await night(twin)

    assert len(await Nights(twin.store, twin.clock, "test").latest()) == 1
