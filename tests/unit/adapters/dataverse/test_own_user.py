"""Our own user is learnt from Dataverse, and its absence costs reads, not events (decision 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import cast
from uuid import UUID

from shared.adapters.dataverse.events.own_user import OwnUser
from shared.adapters.dataverse.web_api.client import DataverseClient, WhoAmI
from shared.errors import TransientError
from tests.contract.clocks import ManualClock

US = WhoAmI(user_id=UUID(int=1), organisation_id=UUID(int=2))


class TwinClient:
    """Knows who we are after the first call that is answered."""

    def __init__(self) -> None:
        self.identity: WhoAmI | None = None
        self.is_away = False
        self.calls = 0

    async def who_am_i(self) -> WhoAmI:
        self.calls += 1
        if self.is_away:
            raise TransientError("Dataverse is away")
        self.identity = US
        return US


def own_user(client: TwinClient, clock: ManualClock) -> OwnUser:
    return OwnUser(cast("DataverseClient", client), clock)


async def test_the_own_user_is_requested_once() -> None:
    client = TwinClient()
    own = own_user(client, ManualClock())
    await own.learn()
    await own.learn()
    assert (own.id, client.calls) == (US.user_id, 1)


async def test_the_own_user_is_not_requested_again_after_any_other_call_named_it() -> None:
    client = TwinClient()
    await client.who_am_i()
    own = own_user(client, ManualClock())
    await own.learn()
    assert (own.id, client.calls) == (US.user_id, 1)


async def test_while_dataverse_is_away_it_is_asked_once_a_minute() -> None:
    client, clock = TwinClient(), ManualClock()
    client.is_away = True
    own = own_user(client, clock)
    await own.learn()
    await own.learn()
    assert (own.id, client.calls) == (None, 1)
    client.is_away = False
    clock.advance(timedelta(seconds=61))
    await own.learn()
    assert (own.id, client.calls) == (US.user_id, 2)
