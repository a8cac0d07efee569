"""A contact that breaks the connector does not stop the poll: it is isolated under its own id (S2D-01, NEW-01)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.features.subscriber_import import ImportOutcome, ImportResult
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.marketing_contact import Bounce, MarketingContact
from shared.errors import ConfigurationError, TransientError
from shared.inbound.page_counts import ChangeKind
from tests.connector_twin import ConnectorTwin, TwinSubscriberRecords, person
from tests.import_setup import ImportSetup, new_subscriber
from tests.unit.inbound.two_way.exchanging import two_way, value


class _BreaksOn(TwinSubscriberRecords):
    """Imports all subscribers but one."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    async def import_page(self, contacts: Sequence[MarketingContact], *, correlation: str) -> Sequence[ImportResult]:
        if any(one.properties["email"] == self.address for one in contacts):
            raise ZeroDivisionError("Zaphod" + "qx")
        return await super().import_page(contacts, correlation=correlation)

    @property
    def addresses(self) -> set[Any]:
        return {one.properties["email"] for one in self.seen}


def polls_with(twin: ConnectorTwin, new_subscribers: TwinSubscriberRecords) -> None:
    twin.new_subscribers = new_subscribers
    twin.worker = twin.start_worker()


async def started(rules: Any = None) -> tuple[ConnectorTwin, Any]:
    twin = ConnectorTwin(rules) if rules is not None else ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    return twin, ann


async def test_a_new_subscriber_that_breaks_the_connector_is_isolated_and_the_poll_moves_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    twin, _ = await started()
    hosts = _BreaksOn("poison@example.com")
    polls_with(twin, hosts)
    poison = twin.platform.sign_up("poison@example.com")
    for number in range(40):
        twin.platform.sign_up(f"new{number}@example.com")

    polled = await twin.poll()

    assert polled.until == twin.clock.now()
    assert hosts.addresses == {f"new{number}@example.com" for number in range(40)}
    assert hosts.refused == [poison.encrypted_id]
    assert (polled.handled.reviews, polled.handled.defects) == (1, 1)
    assert "Zaphodqx" not in caplog.text


async def test_beside_a_new_subscriber_that_breaks_the_connector_echoes_stay_echoes() -> None:
    """Every contact since the cursor would be handled in full, every quarter of an hour, in a growing window."""
    twin, _ = await started()
    polls_with(twin, _BreaksOn("poison@example.com"))
    twin.platform.sign_up("poison@example.com")
    await twin.poll()
    twin.platform.touch(twin.contact_of("ann@example.com"))
    reads = twin.crm.calls["read_people"]

    polled = await twin.poll()

    assert polled.seen[ChangeKind.ECHO] == 1
    assert twin.crm.calls["read_people"] == reads


async def test_the_night_compares_what_changed_since_yesterday_although_new_subscribers_cannot_be_imported() -> None:
    twin, ann = await started(two_way())
    polls_with(twin, _BreaksOn("poison@example.com"))
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.contact_of("ann@example.com").last_changed = twin.clock.now() - timedelta(hours=3)
    twin.platform.sign_up("poison@example.com")
    await twin.poll()

    await twin.reconciliation.begin()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"


@pytest.mark.parametrize("error", [ConfigurationError("SYNC_TABLES does not have lead"), TransientError("down")])
async def test_new_subscribers_that_cannot_be_imported_wait_and_other_contacts_do_not(error: Exception) -> None:
    twin, _ = await started()

    class _Closed(TwinSubscriberRecords):
        is_closed = True

        async def import_page(
            self, contacts: Sequence[MarketingContact], *, correlation: str
        ) -> Sequence[ImportResult]:
            if self.is_closed:
                raise error
            return await super().import_page(contacts, correlation=correlation)

    hosts = _Closed()
    polls_with(twin, hosts)
    twin.platform.sign_up("new@example.com")
    calls = 0
    for _ in range(8):
        twin.platform.touch(twin.contact_of("ann@example.com"))
        before = sum(twin.platform.calls.values())
        with pytest.raises(type(error)):
            await twin.poll()
        assert await twin.poller.cursor() == twin.clock.now()
        calls = sum(twin.platform.calls.values()) - before
        assert (await twin.poller.state())["newSubscribersWaitSince"]
    assert calls <= 4  # it does not grow with the time that they wait
    hosts.is_closed = False

    polled = await twin.poll()

    assert {one.properties["email"] for one in hosts.seen} == {"new@example.com"}
    assert not polled.waits
    assert (await twin.poller.state())["newSubscribersWaitSince"] is None


async def test_a_bounce_that_breaks_the_connector_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    twin, ann = await started()
    odd = twin.platform.sign_up("odd@example.com")
    twin.platform.bounce(odd)
    twin.platform.bounce(twin.contact_of("ann@example.com"))
    note = twin.bounces.note

    async def breaks(bounces: Sequence[Bounce]) -> Any:
        if any(one.contact.encrypted_id == odd.encrypted_id for one in bounces):
            raise ZeroDivisionError
        return await note(bounces)

    monkeypatch.setattr(type(twin.bounces), "note", lambda _, bounces: breaks(bounces))

    polled = await twin.poll()

    assert polled.until == twin.clock.now()
    assert twin.status_of(ann)[1] == "hard-bounce"


class _Odd:
    """A value on which the connector breaks."""

    def __str__(self) -> str:
        raise ValueError("Zaphod" + "qx")


async def test_a_subscriber_whose_return_breaks_the_connector_becomes_a_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals at its address are read before it is imported."""
    twin, ann = await started()
    poison = twin.platform.sign_up("poison@example.com")
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    feed = twin.platform.updated_contacts

    async def odd(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            yield [replace(one, properties=_odd(one)) if one.external_id == "" else one for one in page]

    def _odd(contact: MarketingContact) -> Any:
        return {**contact.properties, "email": _Odd()}

    monkeypatch.setattr(twin.platform, "updated_contacts", odd)

    await twin.poll()

    assert twin.new_subscribers.refused == [poison.encrypted_id]
    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert await twin.poller.cursor() == twin.clock.now()


async def test_a_contact_that_cannot_be_read_in_a_list_is_read_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    twin, ann = await started()
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    poison = twin.platform.sign_up("new@example.com")
    feed = twin.platform.updated_contacts

    async def odd(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            yield [MarketingContact(one.external_id, one.encrypted_id, is_readable=False) for one in page]

    monkeypatch.setattr(twin.platform, "updated_contacts", odd)

    await twin.poll()

    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert twin.new_subscribers.refused == [poison.encrypted_id]


# ------------------------------------------------------------------------------------------------------------- reviews


async def test_a_subscriber_that_breaks_the_connector_becomes_a_review_refused() -> None:
    setup = ImportSetup()
    contact = new_subscriber(1)

    await setup.new_subscribers.refuse(contact, text="The connector itself failed.", correlation="poll-1")
    await setup.new_subscribers.refuse(contact, text="The connector itself failed.", correlation="poll-2")

    (review,) = (await setup.reviews.page()).reviews
    assert (review.reason, review.contact, review.text) == ("refused", "encrypted1", "The connector itself failed.")
    assert await setup.outcomes(contact) == [ImportOutcome.CREATED]  # it works again: the review is deleted
    assert (await setup.reviews.page()).reviews == []


async def test_the_decision_of_a_person_about_it_stands() -> None:
    setup = ImportSetup()
    contact = new_subscriber(1)
    await setup.new_subscribers.refuse(contact, text="The connector itself failed.", correlation="poll-1")
    (review,) = (await setup.reviews.page()).reviews
    await setup.reviews.dismiss(review.id)

    await setup.new_subscribers.refuse(contact, text="The connector itself failed.", correlation="poll-2")

    assert (await setup.reviews.page()).reviews == []


async def test_a_defect_that_breaks_all_new_subscribers_makes_no_reviews() -> None:
    """A bug of a new version must not fill the reviews: they wait, and are imported once it is corrected."""
    twin, _ = await started()

    class _Broken(TwinSubscriberRecords):
        async def import_page(
            self, contacts: Sequence[MarketingContact], *, correlation: str
        ) -> Sequence[ImportResult]:
            assert contacts
            assert correlation
            raise ZeroDivisionError

    hosts = _Broken()
    polls_with(twin, hosts)
    for number in range(200):
        twin.platform.sign_up(f"new{number}@example.com")

    with pytest.raises(ZeroDivisionError):
        await twin.poll()

    assert hosts.refused == []
    assert await twin.poller.cursor() == twin.clock.now()
    assert (await twin.poller.state())["newSubscribersWaitSince"]
