"""Questions about new subscribers: which record is meant, and who decides it (NEW-04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain.features.subscriber_import import ImportOutcome, ImportResult
from shared.domain.records.records import PersonTable, RecordKey, Why
from shared.errors import ConflictError, DataError, NotFoundError
from shared.messages.lane_messages import ReferenceBatch, read_lane_message
from tests.import_setup import ImportSetup, new_subscriber
from tests.twins import bodies


async def two_anns(setup: ImportSetup) -> tuple[RecordKey, RecordKey, UUID]:
    first, second = (setup.crm.create(emailaddress1="new1@example.com") for _ in range(2))
    (one,) = await setup.import_page(new_subscriber(1))
    assert (one.outcome, one.key, one.candidates) == (ImportOutcome.AMBIGUOUS, None, (first, second))
    (review,) = (await setup.reviews.page()).reviews
    assert (review.contact, review.candidates, review.correlation) == ("encrypted1", (first, second), "poll-1")
    return first, second, review.id


async def test_new_04_several_contacts_are_a_question_and_no_guess() -> None:
    setup = ImportSetup()
    await two_anns(setup)
    assert len(setup.crm.people) == 2
    assert "new1@" not in bodies(setup.store.documents)
    since = (await setup.reviews.page()).reviews[0].since
    setup.clock.advance(timedelta(minutes=15))
    writes = setup.store.calls["write"]
    await setup.import_page(new_subscriber(1))
    assert (await setup.reviews.page()).reviews[0].since == since
    assert setup.store.calls["write"] <= writes + 1


async def test_the_chosen_record_is_synchronised_at_once_and_asked_about_no_more() -> None:
    setup = ImportSetup()
    _, second, review = await two_anns(setup)
    assert (await setup.reviews.bind(review, second)).chosen == second
    (waiting,) = setup.queue.waiting
    message = read_lane_message(waiting.message.body)
    assert isinstance(message, ReferenceBatch)
    assert [(one.key, one.why) for one in message.unfold()] == [(second, Why.PLATFORM)]
    assert await setup.open_reviews() == []
    assert await setup.import_page(new_subscriber(1)) == [ImportResult("encrypted1", ImportOutcome.MATCHED, second)]
    assert await setup.open_reviews() == []


async def test_a_record_with_another_address_cannot_be_chosen() -> None:
    setup = ImportSetup()
    *_, review = await two_anns(setup)
    stranger = setup.crm.create(emailaddress1="stranger@example.com")
    with pytest.raises(DataError, match="another email address"):
        await setup.reviews.bind(review, stranger)
    with pytest.raises(NotFoundError):
        await setup.reviews.bind(review, RecordKey(PersonTable.CONTACT, UUID(int=999)))
    with pytest.raises(NotFoundError):
        await setup.reviews.bind(UUID(int=1), stranger)
    assert setup.queue.waiting == []


async def test_a_dismissed_contact_is_left_alone() -> None:
    setup = ImportSetup()
    *_, review = await two_anns(setup)
    assert (await setup.reviews.dismiss(review)).dismissed
    assert await setup.outcomes(new_subscriber(1)) == [ImportOutcome.DISMISSED]
    assert await setup.open_reviews() == []
    with pytest.raises(NotFoundError):
        await setup.reviews.dismiss(UUID(int=1))


async def test_of_two_simultaneous_decisions_one_is_a_conflict() -> None:
    setup = ImportSetup()
    *_, review = await two_anns(setup)
    before = await setup.reviews._review(review)
    await setup.reviews.dismiss(review)
    with pytest.raises(ConflictError):
        await setup.reviews._decide(before, "dismissed")


def decides_while_matching(setup: ImportSetup, review: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dismiss a review after a poll has read it, and before the poll writes its own."""
    matching = setup.records.matching

    async def meanwhile(*arguments: Any) -> Any:
        await setup.reviews.dismiss(review)
        return await matching(*arguments)

    monkeypatch.setattr(setup.records, "matching", meanwhile)


@pytest.mark.parametrize("third", [True, False])
async def test_a_decision_stands_against_a_poll_that_is_under_way(
    third: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The poll would write the review anew since a third contact matches, or delete it since only one does."""
    setup = ImportSetup()
    _, second, review = await two_anns(setup)
    if third:
        setup.crm.create(emailaddress1="new1@example.com")
    else:
        setup.crm.delete(second)
    decides_while_matching(setup, review, monkeypatch)
    await setup.import_page(new_subscriber(1))
    monkeypatch.undo()

    assert await setup.open_reviews() == []
    assert await setup.outcomes(new_subscriber(1)) == [ImportOutcome.DISMISSED]


async def test_a_question_that_answered_itself_is_taken_back() -> None:
    setup = ImportSetup()
    first, second, _ = await two_anns(setup)
    setup.crm.delete(second)
    assert await setup.import_page(new_subscriber(1)) == [ImportResult("encrypted1", ImportOutcome.MATCHED, first)]
    assert await setup.open_reviews() == []
