"""A failure during a poll neither stops other contacts nor loses any (S2D-01, OPT-06, NEW-01)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from shared.domain.features.subscriber_import import ImportResult
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.domain.records.marketing_contact import MarketingContact
from shared.errors import ConfigurationError
from tests.connector_twin import ConnectorTwin, person


class _Refusing:
    """Cannot import any subscriber."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.seen: list[MarketingContact] = []

    async def import_page(self, contacts: Sequence[MarketingContact], *, correlation: str) -> Sequence[ImportResult]:
        assert correlation
        if self.error is not None:
            raise self.error
        self.seen += contacts
        return []


def polls_with(twin: ConnectorTwin, new_subscribers: object) -> None:
    twin.new_subscribers = new_subscribers  # type: ignore[assignment]
    twin.worker = twin.start_worker()


@pytest.mark.parametrize("error", [ConfigurationError("SYNC_TABLES does not have lead"), ZeroDivisionError("defect")])
async def test_an_opt_out_is_written_back_although_new_subscribers_cannot_be_imported(error: Exception) -> None:
    """OPT-06: a wrong setting for new subscribers must not hold up the changes of other contacts."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    subscribers = _Refusing(error)
    polls_with(twin, subscribers)
    for number in range(100):  # a page of new subscribers, and then Ann
        twin.platform.sign_up(f"new{number}@example.com")
    twin.clock.advance(timedelta(minutes=1))
    twin.platform.opt_out(twin.contact_of("ann@example.com"))

    for _ in range(9):  # for more than two hours
        with pytest.raises(type(error)):
            await twin.poll()
    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    twin.platform.sign_up("last@example.com")
    subscribers.error = None
    await twin.poll()

    assert {one.properties["email"] for one in subscribers.seen} >= {"new0@example.com", "new99@example.com"}
    cursor = await twin.poller.cursor()
    assert cursor == twin.clock.now()


async def test_a_change_hours_later_is_written_back_although_new_subscribers_cannot_be_imported() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    polls_with(twin, _Refusing(ConfigurationError("SYNC_TABLES does not have lead")))
    twin.platform.sign_up("new@example.com")
    with pytest.raises(ConfigurationError):
        await twin.poll()
    twin.clock.advance(timedelta(hours=3))
    twin.platform.opt_out(twin.contact_of("ann@example.com"))

    with pytest.raises(ConfigurationError):
        await twin.poll()

    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]


async def test_contacts_without_any_id_of_spotler_are_distinguished() -> None:
    """NEW-01: an account that shows no encrypted ids has as many new subscribers as addresses."""
    twin = ConnectorTwin()
    await twin.poll()
    for number in range(3):
        twin.platform.sign_up(f"new{number}@example.com").encrypted_id = ""

    await twin.poll()

    assert {one.properties["email"] for one in twin.new_subscribers.seen} == {
        f"new{number}@example.com" for number in range(3)
    }


def interrupts(twin: ConnectorTwin, act: Callable[[], Awaitable[None]]) -> None:
    """Call a function after each page of Spotler."""
    feed = twin.platform.updated_contacts

    async def meanwhile(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            await act()
            yield page

    twin.platform.updated_contacts = meanwhile  # type: ignore[method-assign]


async def test_more_changes_than_a_poll_has_time_for_are_handled_by_the_next_ones() -> None:
    """S2D-02: after the first synchronisation of all records, all contacts have changed in Spotler within hours."""
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    for _ in range(60):
        twin.clock.advance(timedelta(minutes=1))
        for _ in range(20):
            twin.platform.sign_up(f"{uuid4()}@example.com", external_id=str(uuid4()))
    twin.platform.opt_out(twin.contact_of("ann@example.com"))

    async def takes_long() -> None:
        twin.clock.advance(timedelta(seconds=40))

    interrupts(twin, takes_long)
    polls = [await twin.poll()]
    while polls[-1].is_behind:
        polls.append(await twin.poll())
        assert len(polls) < 40

    assert len(polls) > 1
    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    for _ in range(3):
        await twin.poll()
    assert [one.body["seconds"] >= 3600 for key, one in twin.store.documents.items() if key.row == "contacts"] == [True]


async def test_a_foreign_external_id_is_neither_stored_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may be anything, an e-mail address too. Ours are GUIDs (S2D-09)."""
    caplog.set_level(logging.DEBUG)
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    stranger = twin.platform.sign_up("bea@example.com", external_id="Zaphodqx@example.com")
    stranger.encrypted_id = ""
    twin.platform.bounce(stranger)
    twin.platform.bounce(twin.contact_of("ann@example.com"))
    correlations: list[str] = []

    class _Listens(_Refusing):
        async def import_page(
            self, contacts: Sequence[MarketingContact], *, correlation: str
        ) -> Sequence[ImportResult]:
            self.seen += contacts
            correlations.append(correlation)
            return []

    polls_with(twin, _Listens(ZeroDivisionError()))

    await twin.poll()

    assert twin.status_of(ann)[1] == "hard-bounce"
    assert correlations
    assert "zaphodqx" not in f"{twin.store.documents} {correlations} {caplog.text}".casefold()


class _Odd(tuple[int, ...]):
    """A value on which the connector breaks."""

    __slots__ = ()

    def __iter__(self) -> Iterator[int]:
        raise ValueError("Zaphod" + "qx")


async def test_a_contact_on_which_the_comparison_breaks_does_not_hold_up_the_poll(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    twin = ConnectorTwin()
    ann, bea = twin.crm.create(**person()), twin.crm.create(**person(emailaddress1="bea@example.com"))
    await twin.sync(ann, bea)
    await twin.poll()

    feed = twin.platform.updated_contacts

    async def odd(start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        async for page in feed(start, end):
            yield [
                replace(one, properties={**one.properties, "permissions": _Odd((1,))})
                if one.external_id == str(ann.id)
                else one
                for one in page
            ]

    monkeypatch.setattr(twin.platform, "updated_contacts", odd)
    twin.platform.touch(twin.contact_of("ann@example.com"))
    twin.platform.opt_out(twin.contact_of("bea@example.com"))

    await twin.poll()

    assert twin.crm.people[bea].values[DO_NOT_BULK_EMAIL]
    assert await twin.poller.cursor() == twin.clock.now()
    assert [letter.reason for letter in twin.queue.dead] == ["defect"]
    assert "Zaphodqx" not in caplog.text
