"""What the connector stores of one person can be exported as a whole, and erased (GDPR 15, 17)."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.bounce_repository import BounceRepository
from shared.consent.erased_consent import ErasedConsent
from shared.console.access.audit import AuditLog
from shared.domain.consent.bounces import BounceKind
from shared.domain.consent.changes import DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.binding import MassChange
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.keeping.row_plan import RowPlan
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConflictError, DataError
from shared.lists.list_state_repository import ListStateRepository, MemberPresence
from shared.messages.lane_messages import references_body
from shared.ports.engagement import Refused
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, Put
from shared.privacy.person_data import PersonData
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError, bodies
from tests.twins.engagement import TwinInteractionRows, TwinScoreRows

LIST, TASK = UUID(int=77), UUID(int=78)
BOB, CAS = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (501, 502))
OWN_REVIEW, SHARED_REVIEW = UUID(int=601), UUID(int=602)

PERSONAL = {
    *("binding", "contact", "address", "suppressed", "bounce", "brake", "review", "lists", "list-", "consent"),
    *("consent-erased", "engaged", "engagement-refused", "clicks"),
    *("run", "console-audit", "shadow", "forecast"),
}
"""Kinds of documents that may name a person."""

IMPERSONAL = {
    *("capability", "permissions", "reconcile", "drift", "poll", "mapping", "keys", "consent-walk"),
    *("circuit", "compare", "walk"),  # a comparison notes the contacts in hand, as a poll does, until the next step
    *("mailing", "mailing-tally", "engagement-weights"),  # numbers of people, and points
    *("engagement",),  # the nightly walk over people notes where it is, until its end
    *("activity", "standing", "console", "mode"),  # counts; the proposal of a mapping, and the digest of a used link
    *("round-trip", "nights", "timer"),  # times and counts
    *("sweep", "job"),  # ids of Spotler Jobs; their rows in Dataverse name the people
}


class Office:
    """Handles access and erasure requests."""

    def __init__(self, twin: ConnectorTwin) -> None:
        self.twin = twin
        self.consents = ConsentLedger(twin.store, twin.clock, "test")
        self.erased = ErasedConsent(
            twin.store,
            twin.clock,
            "test",
            consents=self.consents,
            fingerprinter=self._fingerprinter,
            retention=timedelta(days=1096),
        )
        self.data = PersonData(
            store=twin.store,
            ledger=Ledger(twin.store, twin.clock, "test"),
            suppressions=twin.suppressions,
            consents=self.consents,
            erased=self.erased,
            crm=twin.crm,
            interactions=TwinInteractionRows(twin.rows),
            scores=TwinScoreRows(twin.rows),
            queue=twin.queue,
            rules=twin.rules,
            clock=twin.clock,
            environment="test",
        )

    async def _fingerprinter(self):  # type: ignore[no-untyped-def]  # noqa: ANN202  # what its parameter says
        return self.twin.rules.fingerprints

    @property
    def stored(self) -> str:
        """Everything in the state store as one text, packed ids unpacked."""
        packed = [one.body["ids"] for one in self.twin.store.documents.values() if "ids" in one.body]
        return bodies(self.twin.store.documents) + "".join(b64decode(text).hex() for text in packed)


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


@pytest.fixture
def office(twin: ConnectorTwin) -> Office:
    return Office(twin)


@pytest.fixture
async def ann(twin: ConnectorTwin) -> RecordKey:
    """A person with a document of every kind, among others."""
    key = twin.crm.create(**person(permissions={"Newsletter": True}, donotbulkemail=True))
    await twin.sync(key)
    external_id, now = str(key.id), twin.clock.now()

    def bounce(note):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return note.__class__(note.external_id, kind=BounceKind.HARD, since=now, last=now, tasks={key: TASK})

    await BounceRepository(twin.store, "test").change([external_id], bounce)
    await twin.brake.keep(MassChange.ERASURE, [str(BOB)])
    address = twin.rules.fingerprints.address("ann@example.com")
    await twin.suppressions.record({address: [AddressRefusal(DO_NOT_EMAIL, now, ConsentSource.DO_NOT_EMAIL, str(key))]})
    for identifier, candidates in ((OWN_REVIEW, [key]), (SHARED_REVIEW, [BOB, key])):
        question = {"contact": "x", "reason": "ambiguous", "text": "", "address": address, "since": "", "given": []}
        body = {**question, "correlation": "c-1", "candidates": [str(one) for one in candidates]}
        await twin.store.write([Put(DocumentKey("test-review", str(identifier)), body)])
    twin.mailings.open(sent := twin.mailings.send([external_id]), external_id)
    await twin.engagement.poll()
    assert {row.record for row in twin.rows.interactions.values()} == {key}
    await RefusedRows(twin.store, "test", twin.clock).note(
        RowPlan(list(twin.rows.interactions.values())),
        [Refused(next(iter(twin.rows.interactions)), DataError("refused", code=sent))],
    )
    colleagues = {"of-acme": {external_id: [5, 900], str(BOB.id): [7]}, "of-others": {str(CAS.id): [8]}}
    await twin.store.write([Put(DocumentKey("test-clicks", f"029000000-{sent}"), colleagues)])
    lists = ListStateRepository(twin.store, "test")
    await twin.store.write([Put(DocumentKey("test-lists", str(LIST)), {"name": "Friends"})])
    await lists.put_page(LIST, "g1", 0, [BOB.id, key.id, CAS.id])
    await lists.put_contacts(LIST, "g1", 0, [external_id, str(BOB.id)], buckets=1)
    await lists.note(LIST, {"g1": 1}, [external_id], MemberPresence.IN)
    await lists.put_left_out(LIST, "g1", "p1", skipped={key: "no-email", CAS: "no-email"}, failed={})
    left_out = {"records": {"skipped/no-email": [str(BOB), str(key)]}}
    await twin.store.write([Put(DocumentKey("test-run", "7"), {}), Put(DocumentKey("test-run-7", "000001"), left_out)])
    await twin.store.write([Put(DocumentKey("test-shadow", str(key)), {"action": "write", "reason": "created"})])
    tally = {"done": 2, "samples": {"city": [str(BOB), str(key)]}}
    await twin.store.write([Put(DocumentKey("test-forecast", "mapping"), {"tally": tally})])
    await AuditLog(twin.store, twin.clock, "test").note("somebody", "operator", "sync-person", str(key))
    for others in ([], [BOB]):
        letter = references_body([Reference(one, Why.SAVED) for one in (key, *others)])
        await twin.queue.dead_letter(QueueName.LIVE, letter, reason="defect", description="", correlation_id="c-2")
    return key


async def erase_in_dataverse(twin: ConnectorTwin, key: RecordKey) -> None:
    twin.crm.delete(key)
    await twin.sync(key)
    await twin.brake.keep(MassChange.ERASURE, [str(key)])


# ------------------------------------------------------------------------------------------------------------- access


async def test_a_person_gets_everything_that_is_remembered(office: Office, ann: RecordKey) -> None:
    await office.twin.brake.keep(MassChange.ERASURE, [str(ann)])
    answer = await office.data.export(ann)

    assert answer["record"] == str(ann)
    assert answer["synchronised"]
    assert answer["inDataverse"]
    assert answer["binding"]["contact"] == str(ann.id)
    assert answer["contacts"] == [{"externalId": str(ann.id), "says": "no-bulk", "primary": True, "others": 0}]
    assert [one["contact"] for one in answer["addresses"]] == [str(ann.id)]
    assert {one["subject"] for one in answer["refusals"]} >= {DO_NOT_EMAIL}
    assert answer["consent"]
    assert [one["kind"] for one in answer["bounces"]] == ["hard"]
    assert [one["kind"] for one in answer["held"]] == ["erasure"]
    assert {one["id"] for one in answer["reviews"]} == {str(OWN_REVIEW), str(SHARED_REVIEW)}
    assert {one["as"] for one in answer["lists"]} == {"member", "in", "left out"}
    assert len(answer["interactions"]) == 3
    assert {"minute": "029000000-m1", "clicks": [[5, 900]]} in answer["interactions"]
    assert answer["runs"] == [{"run": "7", "reasons": ["skipped/no-email"]}]
    assert answer["plans"] == [{"action": "write", "reason": "created"}, {"forecast": "mapping", "as": ["city"]}]
    assert [one["act"] for one in answer["acts"]] == ["sync-person"]
    assert len(answer["deadLetters"]) == 2


async def test_the_export_contains_nothing_of_others(office: Office, ann: RecordKey) -> None:
    text = str(await office.data.export(ann))
    assert str(BOB.id) not in text
    assert str(CAS.id) not in text


async def test_access_changes_nothing(office: Office, ann: RecordKey) -> None:
    before = dict(office.twin.store.documents)
    await office.data.export(ann)
    assert office.twin.store.documents == before


async def test_an_unknown_record_has_an_empty_export(office: Office) -> None:
    answer = await office.data.export(RecordKey(PersonTable.LEAD, uuid4()))
    assert not any(answer[name] for name in answer if name not in {"record", "exportedAt"})


async def test_a_former_address_is_found_if_it_is_given(office: Office, ann: RecordKey) -> None:
    former = office.twin.rules.fingerprints.address("former@example.com")
    refusal = AddressRefusal(OPT_OUT, office.twin.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
    await office.twin.suppressions.record({former: [refusal]})
    assert former not in str(await office.data.export(ann))
    assert former in str(await office.data.export(ann, "Former@example.com"))


# ------------------------------------------------------------------------------------------------------------ erasure


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


def test_every_kind_of_document_is_listed_as_naming_people_or_not() -> None:
    """A new kind of document is decided here, and `person_documents` finds people in it."""
    root = Path(__file__).parents[3] / "shared"
    found = {
        kind.rstrip("-") if kind != "list-" else kind
        for path in root.rglob("*.py")
        if "local" not in path.parts
        for kind in re.findall(r'f"\{(?:self\._?)?environment\}-([a-z-]+)', path.read_text(encoding="utf-8"))
    }
    assert found == PERSONAL | IMPERSONAL
