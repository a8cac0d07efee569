"""A decision between a sign-up and a refusal fails, meets another change, or is repeated."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import ConflictError, TransientError
from shared.inbound.reviews import ReviewReason
from tests.connector_twin import NEWSLETTER
from tests.unit.inbound.subscribers.refusing import ANN, FLAGS, refusing


async def test_a_record_that_was_changed_meanwhile_is_not_lifted() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    read = world.twin.crm.read_people

    async def then_somebody_saves(*args: Any) -> Any:
        found = await read(*args)
        world.twin.crm.edit(ann, firstname="Anna")
        return found

    world.twin.crm.read_people = then_somebody_saves  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        await world.reviews.bind(review.id, ann)
    world.twin.crm.read_people = read  # type: ignore[method-assign]
    assert world.flag(ann, "donotemail")
    await world.reviews.bind(review.id, ann)
    assert not world.flag(ann, "donotemail")


async def test_a_decision_that_failed_after_lifting_may_be_repeated_and_is_recorded_once() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    world.twin.queue.broken["send"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.reviews.bind(review.id, ann)
    world.twin.queue.broken.clear()
    for _ in range(2):
        await world.reviews.bind(review.id, ann)
    await world.twin.quiet()
    lifted = [one for one in await world.twin.consent.of_record(ann) if one.subject == "do-not-email"]
    assert len(lifted) == 1


async def test_consent_is_kept_although_the_ledger_was_out_of_reach_when_the_refusal_was_lifted() -> None:
    world, ann = await refusing("donotemail")
    review = await world.review()
    record, times = world.consent.record, []

    async def once_down(changes: Any) -> None:
        times.append(changes)
        if len(times) == 1:
            raise TransientError("down")
        await record(changes)

    world.consent.record = once_down  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        await world.reviews.bind(review.id, ann)
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]
    assert not world.flag(ann, "donotemail")

    await world.reviews.bind(review.id, ann)

    lifted = [one for one in await world.twin.consent.of_record(ann) if one.subject == "do-not-email"]
    assert len(lifted) == 1


@pytest.mark.parametrize("flag", FLAGS)
async def test_a_dismissal_that_fails_may_be_repeated(flag: str) -> None:
    world, _ = await refusing(flag)
    review = await world.review()
    world.twin.platform.broken["upsert"] = TransientError("down")
    with pytest.raises(TransientError):
        await world.reviews.dismiss(review.id)
    assert await world.are_asked() == [ReviewReason.REFUSES_MAIL]
    world.twin.platform.broken.clear()
    await world.reviews.dismiss(review.id)
    await world.twin.quiet()
    assert [one.options.get(NEWSLETTER) for one in world.twin.platform.having(ANN)] in ([], [False])
    assert world.twin.claims() == []


async def test_a_dismissal_waits_for_the_worker_that_holds_the_contact() -> None:
    world, ann = await refusing("donotemail")
    await world.twin.ledger.claim([str(ann.id)])
    with pytest.raises(ConflictError, match="try again"):
        await world.reviews.dismiss((await world.review()).id)
