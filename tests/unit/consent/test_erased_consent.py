"""Consent of people who were erased: a pseudonym in place of the id, and an end after the retention time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.consent import erased_consent
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.erased_consent import ErasedConsent
from shared.domain.records.records import RecordKey
from tests.connector_twin import ConnectorTwin, person
from tests.twins import bodies

DAY = timedelta(days=1)


class Archive:
    """The ledger, and the consent of erased records."""

    def __init__(self, twin: ConnectorTwin, retention: timedelta | None = 1096 * DAY) -> None:
        self.twin = twin
        self.consents = ConsentLedger(twin.store, twin.clock, "test")

        async def fingerprinter():  # type: ignore[no-untyped-def]  # noqa: ANN202  # what its parameter says
            return twin.rules.fingerprints

        self.erased = ErasedConsent(
            twin.store,
            twin.clock,
            "test",
            consents=self.consents,
            fingerprinter=fingerprinter,
            retention=retention,
        )

    async def in_clear(self, key: RecordKey) -> int:
        return len(await self.consents.of_record(key))

    async def kept(self, key: RecordKey) -> int:
        kept = await self.erased.of_record(key)
        return len(kept.changes) if kept else 0

    def consent_text(self) -> str:
        store = self.twin.store.documents
        return bodies({key: one for key, one in store.items() if key.partition.startswith("test-consent")})


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


@pytest.fixture
def archive(twin: ConnectorTwin) -> Archive:
    return Archive(twin)


async def subscriber(twin: ConnectorTwin, number: int = 1) -> RecordKey:
    key = twin.crm.create(**person(emailaddress1=f"p{number}@example.com", permissions={"Newsletter": True}))
    await twin.sync(key)
    return key


async def erase(twin: ConnectorTwin, key: RecordKey) -> None:
    twin.crm.delete(key)
    await twin.sync(key)


async def test_the_night_puts_a_pseudonym_in_the_place_of_a_deleted_records_id(archive: Archive) -> None:
    ann = await subscriber(archive.twin)
    await erase(archive.twin, ann)
    count = await archive.in_clear(ann)
    assert count
    archive.twin.clock.advance(2 * DAY)

    assert await archive.erased.maintain() == (1, 0)

    assert str(ann.id) not in archive.consent_text()
    assert await archive.kept(ann) == count


async def test_late_messages_about_the_record_may_arrive_for_a_day(archive: Archive) -> None:
    ann = await subscriber(archive.twin)
    await erase(archive.twin, ann)
    assert await archive.erased.maintain() == (0, 0)
    assert await archive.in_clear(ann)
    archive.twin.clock.advance(2 * DAY)
    assert await archive.erased.maintain() == (1, 0)


async def test_an_existing_record_keeps_its_id(archive: Archive) -> None:
    ann, bob = await subscriber(archive.twin, 1), await subscriber(archive.twin, 2)
    await erase(archive.twin, ann)
    archive.twin.clock.advance(2 * DAY)
    await archive.erased.maintain()
    assert await archive.in_clear(bob)
    assert not await archive.kept(bob)


@pytest.mark.parametrize(("days", "is_kept"), [(1090, True), (1100, False)])
async def test_the_proof_ends_three_years_after_the_erasure(archive: Archive, days: int, is_kept: bool) -> None:  # noqa: FBT001
    ann = await subscriber(archive.twin)
    await erase(archive.twin, ann)
    archive.twin.clock.advance(2 * DAY)
    await archive.erased.maintain()
    archive.twin.clock.advance(days * DAY)
    await archive.erased.maintain()
    assert bool(await archive.kept(ann)) is is_kept


async def test_without_a_retention_time_the_proof_stays(twin: ConnectorTwin) -> None:
    archive = Archive(twin, retention=None)
    ann = await subscriber(twin)
    await erase(twin, ann)
    twin.clock.advance(4000 * DAY)
    await archive.erased.maintain()
    assert await archive.kept(ann)


async def test_many_erasures_take_several_nights(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erased_consent, "_MOST_ERASED", 2)
    monkeypatch.setattr(erased_consent, "_PAGE", 2)
    people = [await subscriber(archive.twin, number) for number in range(7)]
    for key in people:
        await erase(archive.twin, key)
    archive.twin.clock.advance(2 * DAY)
    nights = [(await archive.erased.maintain())[0] for _ in range(5)]
    assert nights == [2, 2, 2, 1, 0]
    assert [await archive.in_clear(key) for key in people] == [0] * 7


async def test_a_record_deleted_twice_has_one_proof(archive: Archive) -> None:
    """Dataverse can restore a deleted row, with its id."""
    ann = await subscriber(archive.twin)
    record = archive.twin.crm.people[ann]
    await erase(archive.twin, ann)
    archive.twin.clock.advance(2 * DAY)
    await archive.erased.maintain()
    first = await archive.kept(ann)
    archive.twin.crm.people[ann] = record
    await archive.twin.sync(ann)
    await erase(archive.twin, ann)
    archive.twin.clock.advance(2 * DAY)
    await archive.erased.maintain()
    assert await archive.kept(ann) > first
    assert not await archive.in_clear(ann)
