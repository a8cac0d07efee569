"""What the connector stores of one person can be exported as a whole (GDPR 15)."""

from __future__ import annotations

from uuid import uuid4

from shared.domain.consent.changes import DO_NOT_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import PersonTable, RecordKey
from tests.unit.privacy.office import BOB, CAS, OWN_REVIEW, SHARED_REVIEW, Office


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
    assert [one["act"] for one in answer["acts"]] == ["sync-person", "replay"]
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
