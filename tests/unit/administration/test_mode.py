"""The mode: shadow is a rest and no failure; an allow-list has no address in the state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.administration.mode import Mode, Modes, rested
from shared.domain.recovery.allow_list import AllowList
from tests.connector_twin import RULES, ConnectorTwin
from tests.twins import bodies


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


@pytest.fixture
def modes(twin: ConnectorTwin) -> Modes:
    return Modes(twin.store, twin.clock, "test")


async def test_in_shadow_mode_and_while_the_poll_catches_up_an_old_cursor_is_no_failure(
    twin: ConnectorTwin, modes: Modes
) -> None:
    assert not await modes.polling_rests()
    await modes.change(Mode.SHADOW, by="ann")
    twin.clock.advance(timedelta(days=3))
    assert await modes.polling_rests()

    await modes.change(Mode.LIVE, by="ann")
    assert await modes.polling_rests()
    twin.clock.advance(timedelta(hours=1))

    assert not await modes.polling_rests()


async def test_an_allow_list_is_no_rest(modes: Modes) -> None:
    await modes.change(Mode.ALLOW_LIST, by="ann", allow_list=AllowList.of(["@example.com"], RULES.fingerprints))

    assert not await modes.polling_rests()


async def test_a_part_that_rests_is_well() -> None:
    state = {"until": "2026-03-01T08:00:00+00:00", "ok": False, "cause": "No poll has ended for more than a day"}

    assert rested(state) == {"until": state["until"], "ok": True, "rests": True}


async def test_the_state_holds_fingerprints_instead_of_addresses(twin: ConnectorTwin, modes: Modes) -> None:
    listed = AllowList.of(["Ann@Example.com", "@example.org"], RULES.fingerprints)
    await modes.change(Mode.ALLOW_LIST, by="admin", allow_list=listed)

    found = (await Modes(twin.store, twin.clock, "test").current()).allow_list(RULES.fingerprints)

    assert found == listed
    assert "ann@" not in bodies(twin.store.documents).casefold()
