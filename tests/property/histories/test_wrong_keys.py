"""A key that is wrong, former or too many stops the connector, and the error says what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.storage.keys.key_register import ConfiguredKeys
from shared.errors import ConfigurationError
from shared.ports.state import Document, DocumentKey
from tests.property.histories.key_deployment import (
    ADDRESSES,
    Deployment,
    Process,
    documents_of_today,
    key_of,
    knows_everything,
)


async def test_another_key_alone_stops_the_connector_and_says_what_to_do() -> None:
    world = Deployment()
    await world.process.prints()
    with pytest.raises(ConfigurationError, match="FINGERPRINT_KEY_PREVIOUS"):
        await Process(world, ConfiguredKeys(key_of(2))).prints()


@pytest.mark.parametrize("keys", [ConfiguredKeys(key_of(2)), ConfiguredKeys(key_of(3), key_of(2))])
async def test_before_there_is_a_register_a_wrong_key_is_found_by_what_is_stored(keys: ConfiguredKeys) -> None:
    world = Deployment()
    prints = await documents_of_today(world)
    before = dict(world.store.documents)
    with pytest.raises(ConfigurationError, match="not the key that this state store knows"):
        await Process(world, keys).prints()
    assert world.store.documents == before
    await knows_everything(Process(world, ConfiguredKeys(key_of(2), key_of(1))), prints)


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
