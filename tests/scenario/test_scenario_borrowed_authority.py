"""SEC-02: what comes as a message or a job has no authority of its own: neither tags nor jobs stand above people."""

from __future__ import annotations

import pytest

from shared.dataverse.tables import PEOPLE
from shared.settings import OWN_TAG
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_do_not_email_that_is_saved_with_our_tag_ends_the_contact(world: World) -> None:
    person = await world.synchronised()
    await world.dynamics.change(PEOPLE[person.table].entity_set, person.id, {"donotemail": True}, tag=OWN_TAG)
    await world.forgotten(person)


async def test_a_deletion_with_our_tag_ends_the_contact(world: World) -> None:
    person = await world.synchronised()
    await world.dynamics.delete(PEOPLE[person.table].entity_set, person.id, tag=OWN_TAG)
    await world.forgotten(person)
