"""What the connector stores of one person can be erased, and the refusals stay (GDPR 17)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConflictError
from shared.lists.list_state_repository import ListStateRepository
from shared.messages.lane_messages import references_body
from shared.ports.state import DocumentKey, Put
from tests.connector_twin import person
from tests.twins import CrashError, bodies
from tests.unit.privacy.office import BOB, CAS, LIST, SHARED_REVIEW, Office, erase_in_dataverse


async def test_after_an_erasure_the_id_is_nowhere(office: Office, ann: RecordKey) -> None:
    await erase_in_dataverse(office.twin, ann)
    assert str(ann.id) in office.stored

    done = await office.data.forget(ann)

    assert str(ann.id) not in office.stored
    assert ann.id.hex not in office.stored
    assert not any(str(ann.id).encode() in letter.body for letter in office.twin.queue.dead)
    assert done.consent
    assert not done.is_in_dataverse


async def test_others_lose_nothing(office: Office, ann: RecordKey) -> None:
    await erase_in_dataverse(office.twin, ann)
    await office.data.forget(ann)

    lists = ListStateRepository(office.twin.store, "test")
    assert await lists.page(LIST, "g1", 0) == [BOB.id, CAS.id]
    assert (await lists.content(LIST, "g1", 1, 0, 1)).certain == {str(BOB.id)}
    assert [one async for one in lists.left_out(LIST, "g1")] == [("skipped", "no-email", [str(CAS)])]
    assert set(office.twin.store.documents) >= {
        DocumentKey("test-review", str(SHARED_REVIEW)),
        DocumentKey("test-brake", f"held-erasure-{BOB}"),
    }
    assert [letter.body for letter in office.twin.queue.dead] == [references_body([Reference(BOB, Why.SAVED)])]


async def test_refusals_at_the_address_stay(office: Office, ann: RecordKey) -> None:
    twin = office.twin
    await erase_in_dataverse(twin, ann)
    address = twin.rules.fingerprints.address("ann@example.com")
    before = (await twin.suppressions.at([address]))[address].subjects
    assert before

    done = await office.data.forget(ann)

    assert (await twin.suppressions.at([address]))[address].subjects == before
    assert done.refused_addresses == 1
    again = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(again)
    assert not any(twin.contact_of("ann@example.com").options.values())


async def test_the_proof_of_consent_stays_under_a_pseudonym(office: Office, ann: RecordKey) -> None:
    await erase_in_dataverse(office.twin, ann)
    before = (await office.data.export(ann))["consent"]

    await office.data.forget(ann)

    answer = await office.data.export(ann)
    told = [{name: one[name] for name in ("at", "subject", "old", "new", "source")} for one in before]
    assert answer["consentAfterErasure"]["changes"] == told
    assert not answer["consent"]
    assert not answer["binding"]


async def test_a_record_that_is_synchronised_is_not_forgotten_by_mistake(office: Office, ann: RecordKey) -> None:
    before = office.stored
    with pytest.raises(ConflictError, match="still synchronised"):
        await office.data.forget(ann)
    assert office.stored == before


async def test_an_administrator_may_insist(office: Office, ann: RecordKey) -> None:
    done = await office.data.forget(ann, although_synchronised=True)
    assert done.is_in_dataverse
    assert str(ann.id) not in office.stored


async def test_notes_of_earlier_synchronisations_are_deleted_as_well(office: Office, ann: RecordKey) -> None:
    """A former address that was never freed, and a refusal noted at the contact of another record."""
    store = office.twin.store
    former = office.twin.rules.fingerprints.address("former@example.com")
    await store.write(
        [
            Put(DocumentKey("test-address", former), {"contact": str(ann.id)}),
            Put(DocumentKey("test-contact", str(BOB.id)), {"users": {str(BOB): "ok", str(ann): "no-mail"}}),
        ]
    )
    await erase_in_dataverse(office.twin, ann)

    await office.data.forget(ann, although_synchronised=True)

    assert str(ann.id) not in office.stored
    assert office.twin.users()[str(BOB.id)] == {str(BOB): "ok"}


async def test_records_that_share_the_contact_keep_it(office: Office, ann: RecordKey) -> None:
    twin = office.twin
    twin_sister = twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(twin_sister)
    assert set(twin.users()[str(ann.id)]) == {str(ann), str(twin_sister)}

    await office.data.forget(ann, although_synchronised=True)

    assert set(twin.users()[str(ann.id)]) == {str(twin_sister)}
    await twin.sync(twin_sister)
    assert twin.contact_of("ann@example.com").external_id == str(ann.id)


async def test_while_a_worker_holds_the_contact_nothing_is_erased(office: Office, ann: RecordKey) -> None:
    claimed = await Ledger(office.twin.store, office.twin.clock, "test").claim([str(ann.id)])
    assert claimed
    with pytest.raises(ConflictError, match="being synchronised"):
        await office.data.forget(ann, although_synchronised=True)
    assert (await office.data.export(ann))["consent"]


@pytest.mark.parametrize("moment", range(60))
async def test_a_crash_is_made_up_for_by_a_repetition(office: Office, ann: RecordKey, moment: int) -> None:
    twin = office.twin
    await erase_in_dataverse(twin, ann)
    address = twin.rules.fingerprints.address("ann@example.com")
    before = (await twin.suppressions.at([address]))[address].subjects
    consent = len((await office.data.export(ann))["consent"])
    twin.faults.plan(moment, CrashError())
    try:
        await office.data.forget(ann)
    except CrashError:
        twin.clock.advance(timedelta(minutes=5))  # its claim ends
    twin.faults.planned.clear()
    await office.data.forget(ann, although_synchronised=True)
    assert str(ann.id) not in office.stored
    assert (await twin.suppressions.at([address]))[address].subjects == before
    assert len((await office.data.export(ann))["consentAfterErasure"]["changes"]) == consent


async def test_an_erasure_during_a_change_of_the_key_keeps_the_refusal(office: Office, ann: RecordKey) -> None:
    twin = office.twin
    await erase_in_dataverse(twin, ann)
    address = twin.rules.fingerprints.address("ann@example.com")
    before = (await twin.suppressions.at([address]))[address].subjects
    plain, places = twin.store, fingerprint_places("test")
    keys = ConfiguredKeys(b"another key which follows it", twin.rules.fingerprints.key)
    register = KeyRegister(plain, twin.clock, "test", keys)
    twin.store = SealedStore(plain, register, places)  # type: ignore[assignment]  # as the composition root does
    twin.worker = twin.start_worker()
    later = Office(twin)

    await later.data.forget(ann)
    rekeying = Rekeying(plain, register, places, twin.clock, "test")
    while not (progress := await rekeying.step()).is_done:
        twin.clock.advance(progress.wait)

    assert str(ann.id) not in bodies(plain.documents)
    assert (await twin.suppressions.at([address]))[address].subjects == before
    answer = await later.data.export(ann, "ann@example.com")
    assert answer["consentAfterErasure"]["changes"]
    assert {one["subject"] for one in answer["refusals"]} >= before
