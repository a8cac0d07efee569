"""Documents of a version without a register of keys are read and re-keyed, whatever disturbs the move."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.storage.keys.key_register import ConfiguredKeys
from shared.domain.consent.changes import DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConflictError
from shared.ports.state import Document, DocumentKey
from tests.property.histories.key_deployment import (
    ADDRESSES,
    CONTACT,
    KEY,
    RECORDS,
    Deployment,
    Process,
    documents_of_today,
    key_of,
    knows_everything,
    rekey,
)


async def test_documents_of_today_are_read_with_one_key_as_they_are() -> None:
    world = Deployment()
    prints = await documents_of_today(world)
    before = world.stored()
    await knows_everything(world.process, prints)
    assert world.stored() == before


async def test_documents_of_today_are_read_while_the_key_changes_and_afterwards_without_the_former_key() -> None:
    world = Deployment()
    prints = await documents_of_today(world)
    world.generation = 2
    changing = world.start()
    await knows_everything(changing, await changing.prints())
    assert await rekey(changing, world.clock)
    after = Process(world, ConfiguredKeys(key_of(2)))
    await knows_everything(after, await after.prints())
    assert world.versions() == {2}
    assert not {prints.address(ADDRESSES[0]), prints.value(CONTACT, "city", "Delft")} & _texts(world)


async def test_fingerprints_read_while_the_key_changes_are_stored_under_the_new_key() -> None:
    world = Deployment()
    prints = await documents_of_today(world)
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
    prints = await documents_of_today(world)
    for number in range(2, generation + 1):
        world.generation = number
        assert await rekey(world.start(), world.clock)
    await knows_everything(Process(world, ConfiguredKeys(key_of(generation))), prints)
    assert world.versions() == {generation}


async def test_without_the_current_key_a_former_one_tells_nothing() -> None:
    """Who has a copy of the store, and the key that leaked, cannot tell whether an address is in it."""
    world = Deployment()
    await documents_of_today(world)
    world.generation = 2
    assert await rekey(world.start(), world.clock)
    leaked = Fingerprinter(key_of(1))
    guesses = {leaked.address(address) for address in ADDRESSES} | {leaked.value(CONTACT, "city", "Delft")}
    assert not guesses & _texts(world)
    assert not any(key_of(1).decode() in text for text in _texts(world))


async def test_a_refusal_that_is_entered_under_the_former_key_during_a_move_counts() -> None:
    """The copy stands, the original was changed before it could go."""
    world = Deployment()
    prints = await documents_of_today(world)
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
    prints = await documents_of_today(world)
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
