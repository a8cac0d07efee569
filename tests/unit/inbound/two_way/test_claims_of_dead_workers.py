"""Claims that a dead worker left are released by the next poll, though the contact agrees with its record by then."""

from __future__ import annotations

from shared.domain.planning.plan_input import BaseState
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import two_way


async def test_an_expired_claim_on_a_contact_that_agrees_is_released_by_the_next_poll() -> None:
    twin = ConnectorTwin(two_way())
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    external_id = twin.contact_of("ann@example.com").external_id
    (held,) = (await twin.ledger.claim([external_id])).values()
    assert held.base_state is BaseState.BASE
    assert twin.claims() != []
    twin.clock.advance(twin.ledger.claim_time)

    await twin.poll()
    await twin.quiet()

    assert twin.claims() == []
