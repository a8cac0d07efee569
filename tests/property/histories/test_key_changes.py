"""The fingerprint key changes at any moment: no refusal is lost, no address, and no agreed value.

Workers with the former key may go on for a while, the walk that re-keys may be interrupted, and writes may be lost.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.errors import ConfigurationError
from tests.examples import examples
from tests.property.histories.key_deployment import ADDRESSES, RECORDS, Deployment, Process, rekey

SUBJECTS = [OPT_OUT, DO_NOT_EMAIL, BULK_EMAIL, "permissions:1"]
SECOND = timedelta(seconds=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refuse"), st.sampled_from(ADDRESSES), st.sampled_from(SUBJECTS), st.sampled_from(RECORDS)),
        st.tuples(st.just("lift"), st.sampled_from(ADDRESSES), st.sampled_from(SUBJECTS)),
        st.tuples(st.just("reserve"), st.sampled_from(ADDRESSES), st.sampled_from(RECORDS)),
        st.tuples(st.just("change the key")),
        st.tuples(st.just("walk"), st.integers(1, 6)),
        st.tuples(st.just("walk to the end")),
        st.tuples(st.just("restart")),
        st.tuples(st.just("time passes"), st.integers(1, 90)),
    ),
    min_size=5,
    max_size=40,
)


@settings(deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, old=st.lists(st.booleans(), min_size=40, max_size=40))
def test_no_refusal_is_lost_whenever_the_key_changes(steps: list[tuple[Any, ...]], old: list[bool]) -> None:
    asyncio.run(_history(steps, old))


async def _history(steps: list[tuple[Any, ...]], old: list[bool]) -> None:
    world = Deployment()
    for step, by_former in zip(steps, old, strict=False):
        # Its ring is half a minute old at most: until then a process with the former key writes as it always did.
        worker = world.former if by_former and world.former else world.process
        try:
            await _act(world, worker, step)
        except ConfigurationError:
            assert worker is world.former, "the current process works on"
            world.former = None
            await _act(world, world.process, step)
        await _check(world)
    await rekey(world.process, world.clock)
    await _check(world)
    assert world.versions() <= {world.generation}


async def _act(world: Deployment, worker: Process, step: tuple[Any, ...]) -> None:
    prints = await worker.prints()
    world.clock.advance(SECOND)
    match step:
        case ("refuse", address, subject, record):
            refusal = AddressRefusal(subject, world.clock.now(), ConsentSource.DATAVERSE_ROW, record)
            await worker.suppressions.record({prints.address(address): [refusal]})
            world.refused.add((address, subject, record))
        case ("lift", address, subject):
            place = prints.address(address)
            # A process with the former key does not see what was refused since under the new one: that stands.
            seen = {one.record for one in (await worker.suppressions.at([place]))[place].refusals if one.is_active}
            await worker.suppressions.lift(place, [subject], ConsentSource.FORM)
            world.refused -= {(address, subject, record) for record in seen}
        case ("reserve", address, record):
            await worker.ledger.reserve({prints.address(address): record[8:]}, held=())
        case ("change the key",):
            ring = await world.process.register.ring()
            if not ring.is_changing:
                world.former = world.process
                world.generation += 1
                world.process = world.start()
                await world.process.register.ring()
        case ("walk", count):
            await rekey(world.process, world.clock, steps=count)
        case ("walk to the end",):
            assert await rekey(world.process, world.clock)
        case ("restart",):
            world.process = world.start()
        case ("time passes", seconds):
            world.clock.advance(timedelta(seconds=seconds))


async def _check(world: Deployment) -> None:
    prints = await world.process.prints()
    known = await world.process.suppressions.at([prints.address(address) for address in ADDRESSES])
    active = {
        (address, one.subject, one.record)
        for address in ADDRESSES
        for one in known[prints.address(address)].refusals
        if one.is_active
    }
    assert active == world.refused
