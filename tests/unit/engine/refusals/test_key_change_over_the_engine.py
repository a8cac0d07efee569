"""The fingerprint key changes under a running connector: people notice nothing on either side."""

from __future__ import annotations

import hmac

import pytest

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.domain.records import fingerprints
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.records import PersonTable
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person, rules
from tests.twins import bodies

FIRST, SECOND = b"the first key of a deployment", b"another key which follows it"
PLACES = fingerprint_places("test")


def deployment() -> ConnectorTwin:
    """Start as connectors did before there were versions of keys."""
    return ConnectorTwin(rules(fingerprints=Fingerprinter(FIRST)))


def change_the_key(twin: ConnectorTwin) -> Rekeying:
    """Start workers with another key, beside what the first one has stored."""
    plain = twin.store
    register = KeyRegister(plain, twin.clock, "test", ConfiguredKeys(SECOND, FIRST))
    twin.store = SealedStore(plain, register, PLACES)  # type: ignore[assignment]  # as the composition root does
    twin.worker = twin.start_worker()
    return Rekeying(plain, register, PLACES, twin.clock, "test")


async def bring_over(twin: ConnectorTwin, rekeying: Rekeying) -> None:
    while not (progress := await rekeying.step()).is_done:
        twin.clock.advance(progress.wait)


async def test_a_look_at_what_both_sides_agreed_on_writes_nothing() -> None:
    twin = deployment()
    ann = twin.crm.create(**person(address1_city="Delft"))
    await twin.sync(ann)
    rekeying = change_the_key(twin)
    await twin.sync(ann)
    await bring_over(twin, rekeying)
    await twin.sync(ann)
    assert len(twin.platform.writes) == 1


async def test_the_side_that_changed_a_value_is_still_known() -> None:
    """What was agreed decides which side is newer: a change in Spotler is not overwritten."""
    twin = deployment()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(ann)
    rekeying = change_the_key(twin)
    twin.contact_of("ann@example.com").options[NEWSLETTER] = False
    await twin.sync(ann)
    await bring_over(twin, rekeying)
    await twin.sync(ann)
    assert twin.contact_of("ann@example.com").options[NEWSLETTER] is False


async def test_an_address_that_was_refused_by_somebody_who_is_gone_stays_refused() -> None:
    twin = deployment()
    ann = twin.crm.create(**person(permissions={"Newsletter": True}, donotbulkemail=True))
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)
    rekeying = change_the_key(twin)
    again = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(again)
    assert twin.contact_of("ann@example.com").options.get(NEWSLETTER) is not True
    await bring_over(twin, rekeying)
    third = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(third)
    assert twin.contact_of("ann@example.com").options.get(NEWSLETTER) is not True


async def test_no_fingerprint_is_stored_as_it_is_once_the_key_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of document that `fingerprint_places` does not know would keep its fingerprints under the former key."""
    made: set[str] = set()
    real = fingerprints._text

    def noting(keyed: hmac.HMAC) -> str:
        made.add(text := real(keyed))
        return text

    monkeypatch.setattr(fingerprints, "_text", noting)
    twin = deployment()
    plain = twin.store
    rekeying = change_the_key(twin)
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))
    lead = twin.crm.create(PersonTable.LEAD, **person(permissions={"Newsletter": True}))
    bob = twin.crm.create(**person(emailaddress1="bob@example.com"))
    await twin.sync(ann, lead, bob)
    twin.platform.opt_out(twin.contact_of("bob@example.com"))
    await twin.poll()
    twin.crm.edit(ann, emailaddress1="moved@example.com", donotbulkemail=True)
    await twin.sync(ann)
    twin.crm.delete(ann)
    await twin.sync(ann)
    assert len(made) > 20

    await bring_over(twin, rekeying)

    assert not [text for text in made if text in bodies(plain.documents)]
