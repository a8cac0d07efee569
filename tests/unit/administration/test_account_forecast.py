"""Before all contacts of Spotler go to Dynamics: what is known without reading either side (INI-04)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import uuid4

from shared.administration.account_forecast import WHOLE_ACCOUNT, AccountForecast, AccountForecasts, Origin
from shared.administration.people.standing import Standings
from shared.domain.features.subscriber_import import ImportTarget
from tests.connector_twin import ConnectorTwin
from tests.unit.inbound.comparing import DAY, bound, night


def _standings(twin: ConnectorTwin) -> Standings:
    return Standings(store=twin.store, clock=twin.clock, environment="test")


async def _forecast(twin: ConnectorTwin, target: ImportTarget = ImportTarget.NONE) -> AccountForecast:
    asked = Counter(twin.platform.calls), Counter(twin.crm.calls)
    forecasts = AccountForecasts(compared=twin.comparison.runs, standings=_standings(twin), target=target)
    found = await forecasts.forecast()
    assert (twin.platform.calls, twin.crm.calls) == asked  # neither side is read
    return found


async def _account(twin: ConnectorTwin, *, people: int, subscribers: int, deleted: int) -> None:
    await bound(twin, people)
    for number in range(subscribers):
        twin.platform.sign_up(f"s{number}@example.com")
    for number in range(deleted):
        twin.platform.sign_up(f"d{number}@example.com", external_id=str(uuid4()))
    for contact in twin.platform.contacts:
        twin.clock.advance(timedelta(minutes=1))
        contact.last_changed = twin.clock.now()
    twin.clock.advance(2 * DAY)


async def test_nothing_is_known_before_anything_was_read_or_counted() -> None:
    forecast = await _forecast(ConnectorTwin())

    assert forecast == AccountForecast(Origin.UNKNOWN, ImportTarget.NONE)
    assert forecast.as_json()["contacts"] is None


async def test_the_count_of_the_bindings_stands_in_before_the_first_comparison() -> None:
    twin = ConnectorTwin()
    await _account(twin, people=3, subscribers=2, deleted=0)
    await _standings(twin).count()

    forecast = await _forecast(twin)

    assert (forecast.origin, forecast.contacts, forecast.bound) == (Origin.BINDINGS, 3, 3)
    assert forecast.at == twin.clock.now()
    assert (forecast.held, forecast.ended, forecast.without_record) == (0, 0, None)


async def test_the_comparison_of_the_nights_tells_how_many_contacts_and_how_many_without_a_record() -> None:
    twin = ConnectorTwin(days=2)
    await _account(twin, people=100, subscribers=150, deleted=50)

    await night(twin)
    during = await _forecast(twin)
    ended = await night(twin)
    after = await _forecast(twin)
    await night(twin)
    second = await _forecast(twin)

    assert during.origin is Origin.READ_SO_FAR
    assert during.contacts is not None
    assert 100 <= during.contacts < 300
    assert after.origin is Origin.ACCOUNT_READ
    assert after.as_json()["contactsFrom"]["at"] == ended["finished"]
    assert (after.contacts, after.without_record, after.deleted) == (ended["contacts"], 150, 50)
    assert after.with_record in {100, 101}  # the last second of a slice is read again
    assert (second.origin, second.contacts) == (Origin.READ_BEFORE, ended["contacts"])


async def test_the_estimated_calls_are_those_of_the_run_and_grow_with_imported_subscribers() -> None:
    twin = ConnectorTwin()
    await _account(twin, people=100, subscribers=500, deleted=0)
    before = twin.platform.calls.total()
    await twin.comparison.since(WHOLE_ACCOUNT)
    await twin.quiet()
    spent = twin.platform.calls.total() - before

    ignored, imported = await _forecast(twin), await _forecast(twin, ImportTarget.LEAD)

    assert ignored.spotler_calls is not None
    assert spent <= ignored.spotler_calls <= spent + 2
    assert ignored.dataverse_calls == 0
    assert (imported.spotler_calls, imported.dataverse_calls) == (9 + 19, 15)


async def test_a_comparison_that_was_stopped_has_not_read_the_account() -> None:
    twin = ConnectorTwin()
    await _account(twin, people=3, subscribers=0, deleted=0)
    await twin.comparison.since(WHOLE_ACCOUNT)
    await twin.comparison.stop()

    assert (await _forecast(twin)).origin is Origin.UNKNOWN
