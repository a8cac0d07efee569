"""The fingerprint key changes at any moment: no refusal is lost, no address, and no agreed value.

Workers with the former key may go on for a while, the walk that re-keys may be interrupted, and writes may be lost.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.key_ring import version_of
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.binding import Binding
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConfigurationError, ConflictError
from shared.ports.state import Document, DocumentKey
from tests.contract.clocks import ManualClock
from tests.examples import examples
from tests.twins import TwinStore

PLACES = fingerprint_places("test")
ADDRESSES = [f"somebody{number}@example.nl" for number in range(6)]
SUBJECTS = [OPT_OUT, DO_NOT_EMAIL, BULK_EMAIL, "permissions:1"]
RECORDS = [f"contact:00000000-0000-0000-0000-00000000000{number}" for number in range(4)]
SECOND = timedelta(seconds=1)


def key_of(generation: int) -> bytes:
    return f"key number {generation} of this deployment".encode()


class Deployment:
    """A state store, and processes that were started with the keys of their time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = TwinStore()
        self.generation = 1
        self.process = self.start()
        self.former: Process | None = None
        self.refused: set[tuple[str, str, str]] = set()

    def start(self) -> Process:
        previous = key_of(self.generation - 1) if self.generation > 1 else b""
        return Process(self, ConfiguredKeys(key_of(self.generation), previous))

    def stored(self) -> list[Document]:
        return [one for key, one in self.store.documents.items() if key.partition in PLACES]

    def versions(self) -> set[int | None]:
        places = ((PLACES[one.key.partition], one) for one in self.stored())
        return {version_of(text) for place, one in places for text in place.prints(one.key.row, one.body)} - {None}


class Process:
    """What one process makes of the store."""

    def __init__(self, deployment: Deployment, keys: ConfiguredKeys) -> None:
        clock = deployment.clock
        self.register = KeyRegister(deployment.store, clock, "test", keys)
        self.store = SealedStore(deployment.store, self.register, PLACES)
        self.suppressions = SuppressionList(self.store, clock, "test")
        self.ledger = Ledger(self.store, clock, "test")
        self.rekeying = Rekeying(deployment.store, self.register, PLACES, clock, "test", page=2)

    async def prints(self) -> Fingerprinter:
        return await self.register.fingerprinter()


async def rekey(process: Process, clock: ManualClock, *, steps: int = 10_000) -> bool:
    for _ in range(steps):
        progress = await process.rekeying.step()
        if progress.is_done:
            return True
        clock.advance(progress.wait)
    return False


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


# ----------------------------------------------------------------------------------------------- documents of today

KEY = RecordKey.parse(RECORDS[1])
CONTACT = str(KEY.id)


async def _documents_of_today(world: Deployment) -> Fingerprinter:
    """Write what the version without keys in a register writes: plain fingerprints."""
    prints = Fingerprinter(key_of(1))
    given = {f"permissions:{number}": number % 2 == 0 for number in range(1, 11)}
    base = prints.values(CONTACT, {"city": "Delft", **given})
    binding = Binding(CONTACT, is_live=True, base=base, address=prints.address(ADDRESSES[0]))
    ledger = Ledger(world.store, world.clock, "test")
    await ledger.reserve({prints.address(ADDRESSES[0]): CONTACT}, held=())
    await ledger.save({KEY: BindingUpdate(binding, Outcome(KEY, Result.WRITTEN, Reason.CREATED), "")}, (), {KEY: ""})
    refusal = AddressRefusal(OPT_OUT, world.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
    await SuppressionList(world.store, world.clock, "test").record({prints.address(ADDRESSES[0]): [refusal]})
    return prints


async def _knows_everything(process: Process, prints: Fingerprinter) -> None:
    assert (await process.suppressions.at([prints.address(ADDRESSES[0])]))[prints.address(ADDRESSES[0])].has_opted_out
    binding = (await process.ledger.entries([KEY]))[KEY].binding
    assert binding.base["city"] == prints.value(CONTACT, "city", "Delft")
    assert binding.address == prints.address(ADDRESSES[0])
    assert (await process.ledger.owners_of([binding.address]))[binding.address].contact == CONTACT


async def test_documents_of_today_are_read_with_one_key_as_they_are() -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    before = world.stored()
    await _knows_everything(world.process, prints)
    assert world.stored() == before


async def test_documents_of_today_are_read_while_the_key_changes_and_afterwards_without_the_former_key() -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    world.generation = 2
    changing = world.start()
    await _knows_everything(changing, await changing.prints())
    assert await rekey(changing, world.clock)
    after = Process(world, ConfiguredKeys(key_of(2)))
    await _knows_everything(after, await after.prints())
    assert world.versions() == {2}
    assert not {prints.address(ADDRESSES[0]), prints.value(CONTACT, "city", "Delft")} & _texts(world)


async def test_fingerprints_read_while_the_key_changes_are_stored_under_the_new_key() -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    world.generation = 2
    changing = world.start()
    entry = (await changing.ledger.entries([KEY]))[KEY]
    await changing.ledger.save(
        {KEY: BindingUpdate(entry.binding, Outcome(KEY, Result.UNCHANGED, Reason.AGREED), "")}, (), {KEY: entry.etag}
    )
    await changing.suppressions.at([prints.address(ADDRESSES[0])])
    partitions = {one.key.partition for one in world.stored() if prints.address(ADDRESSES[0]) in _texts_of(one)}
    assert partitions == {"test-address"}, "nobody has asked for it yet"


@pytest.mark.parametrize("generation", [2, 3, 4])
async def test_key_follows_key_and_every_one_but_the_last_may_be_forgotten(generation: int) -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    for number in range(2, generation + 1):
        world.generation = number
        assert await rekey(world.start(), world.clock)
    await _knows_everything(Process(world, ConfiguredKeys(key_of(generation))), prints)
    assert world.versions() == {generation}


async def test_without_the_current_key_a_former_one_tells_nothing() -> None:
    """Who has a copy of the store, and the key that leaked, cannot tell whether an address is in it."""
    world = Deployment()
    await _documents_of_today(world)
    world.generation = 2
    assert await rekey(world.start(), world.clock)
    leaked = Fingerprinter(key_of(1))
    guesses = {leaked.address(address) for address in ADDRESSES} | {leaked.value(CONTACT, "city", "Delft")}
    assert not guesses & _texts(world)
    assert not any(key_of(1).decode() in text for text in _texts(world))


# --------------------------------------------------------------------------------------------------- wrong settings


async def test_another_key_alone_stops_the_connector_and_says_what_to_do() -> None:
    world = Deployment()
    await world.process.prints()
    with pytest.raises(ConfigurationError, match="FINGERPRINT_KEY_PREVIOUS"):
        await Process(world, ConfiguredKeys(key_of(2))).prints()


@pytest.mark.parametrize("keys", [ConfiguredKeys(key_of(2)), ConfiguredKeys(key_of(3), key_of(2))])
async def test_before_there_is_a_register_a_wrong_key_is_found_by_what_is_stored(keys: ConfiguredKeys) -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    before = dict(world.store.documents)
    with pytest.raises(ConfigurationError, match="not the key that this state store knows"):
        await Process(world, keys).prints()
    assert world.store.documents == before
    await _knows_everything(Process(world, ConfiguredKeys(key_of(2), key_of(1))), prints)


async def test_a_former_key_stops_the_connector() -> None:
    world = Deployment()
    await world.process.prints()
    world.generation = 2
    await world.start().prints()
    with pytest.raises(ConfigurationError, match="former key"):
        await Process(world, ConfiguredKeys(key_of(1))).prints()


async def test_a_third_key_waits_until_the_second_one_is_everywhere() -> None:
    world = Deployment()
    await world.process.prints()
    world.generation = 2
    await world.start().prints()
    with pytest.raises(ConfigurationError, match="rekey"):
        await Process(world, ConfiguredKeys(key_of(3), key_of(2))).prints()


async def test_a_process_with_the_former_key_stops_within_half_a_minute() -> None:
    world = Deployment()
    prints = await world.process.prints()
    world.generation = 2
    await world.start().prints()
    world.clock.advance(timedelta(seconds=31))
    with pytest.raises(ConfigurationError, match="former key"):
        await world.process.suppressions.at([prints.address(ADDRESSES[0])])


async def test_a_damaged_register_is_no_reason_to_guess() -> None:
    world = Deployment()
    await world.process.prints()
    world.generation = 2
    await world.start().prints()
    key = DocumentKey("test-keys", "fingerprints")
    known = world.store.documents[key]
    world.store.documents[key] = Document(key, {**known.body, "former": "gAAAAA"}, known.etag)
    with pytest.raises(ConfigurationError, match="backup"):
        await world.start().prints()


async def test_a_refusal_that_is_entered_under_the_former_key_during_a_move_counts() -> None:
    """The copy stands, the original was changed before it could go."""
    world = Deployment()
    prints = await _documents_of_today(world)
    address = prints.address(ADDRESSES[0])
    world.generation = 2
    changing = world.start()
    real = world.store.write

    async def meddling(changes: Any) -> Any:
        etags = await real(changes)
        if any(type(one).__name__ == "Insert" and one.key.partition == "test-suppressed" for one in changes):
            world.store.write = real  # type: ignore[method-assign]  # once
            refusal = AddressRefusal(DO_NOT_EMAIL, world.clock.now(), ConsentSource.DO_NOT_EMAIL, RECORDS[0])
            await SuppressionList(world.store, world.clock, "test").record({address: [refusal]})
        return etags

    world.store.write = meddling  # type: ignore[method-assign]
    assert (await changing.suppressions.at([address]))[address].subjects == {OPT_OUT, DO_NOT_EMAIL}
    assert {one.key.row[:2] for one in world.stored() if one.key.partition == "test-suppressed"} == {"2."}


async def test_moves_that_are_always_disturbed_are_given_up_and_lose_nothing() -> None:
    world = Deployment()
    prints = await _documents_of_today(world)
    address = prints.address(ADDRESSES[0])
    world.generation = 2
    changing = world.start()
    await changing.prints()
    real, number = world.store.write, iter(range(100))

    async def meddling(changes: Any) -> Any:
        old = DocumentKey("test-suppressed", address)
        world.store.documents[old] = Document(old, world.store.documents[old].body, f"meddled {next(number)}")
        return await real(changes)

    world.store.write = meddling  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        await changing.suppressions.at([address])
    world.store.write = real  # type: ignore[method-assign]
    assert (await changing.suppressions.at([address]))[address].has_opted_out


def _texts(world: Deployment) -> set[str]:
    return {text for one in world.store.documents.values() for text in _texts_of(one)}


def _texts_of(value: Any) -> set[str]:
    match value:
        case Document(key, body):
            return {key.row} | _texts_of(body)
        case str():
            return {value}
        case dict():
            return {text for one in value.values() for text in _texts_of(one)}
        case list():
            return {text for one in value for text in _texts_of(one)}
        case _:
            return set()
