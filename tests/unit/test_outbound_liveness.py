"""A batch that does not fit into its claims is done in smaller parts: slow services slow the connector, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.marketing import ContactWrite, SpotlerContact, WriteVerdict
from shared.core.outcomes import Reason, Result
from shared.core.records import RecordKey, Why
from shared.errors import TransientError
from tests.connector_twin import ConnectorTwin, person
from tests.contract.clocks import ManualClock

PEOPLE = 400
BULK = 100


class RunningClock(ManualClock):
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def slow_twin(*, call: timedelta, claim: timedelta = timedelta(seconds=3)) -> tuple[ConnectorTwin, list[RecordKey]]:
    """A Spotler that answers one call after the other, each in `call`, and many people of whom it has not heard."""
    twin = ConnectorTwin(claim_time=claim)
    twin.platform.before_write = lambda: twin.clock.advance(call)
    return twin, [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(PEOPLE)]


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
async def test_a_batch_that_outlives_its_claims_comes_through_and_nobody_is_given_up(seconds: float) -> None:
    twin, keys = slow_twin(call=timedelta(seconds=seconds))

    await twin.sync(*keys)

    assert {one.email for one in twin.platform.contacts} == {f"{number}@example.com" for number in range(PEOPLE)}
    assert {twin.status_of(key)[1] for key in keys} <= {"created", "updated", "agreed"}
    assert twin.queue.dead == []
    assert twin.claims() == []
    assert twin.platform.calls["insert"] <= 5 * PEOPLE / BULK


async def test_what_does_not_fit_comes_back_in_a_moment_and_counts_as_no_attempt() -> None:
    twin, keys = slow_twin(call=timedelta(seconds=1))

    looks = [await twin.look(*keys) for _ in range(4)]

    assert {len(ended) for ended in looks} == {PEOPLE}
    later = [one for ended in looks for one in ended.values() if one.outcome.result is Result.WAITING]
    assert {one.outcome.reason for one in later} == {Reason.BUSY}
    assert {getattr(one.next, "attempt", None) for one in later} == {1}
    done = [sum(one.outcome.result is not Result.WAITING for one in ended.values()) for ended in looks]
    assert done[-1] >= BULK, "two halvings suffice"


async def test_one_record_that_outlives_its_claim_is_found_in_spotler_by_the_next_look() -> None:
    twin = ConnectorTwin(claim_time=timedelta(seconds=3))
    key = twin.crm.create(**person())
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(seconds=4))

    await twin.sync(key)

    assert twin.status_of(key)[1] == Reason.AGREED
    assert twin.platform.calls["insert"] == 1
    assert twin.queue.dead == []


async def test_a_batch_that_was_cut_into_parts_grows_again_when_services_are_quick_again() -> None:
    twin, keys = slow_twin(call=timedelta(seconds=1))
    await twin.sync(*keys)
    twin.platform.before_write = lambda: None
    calls = 0
    for round_number in range(5):
        for key in keys:
            twin.crm.edit(key, firstname=f"Ann {round_number}")
        before = twin.platform.calls["upsert"]
        await twin.sync(*keys)
        calls = twin.platform.calls["upsert"] - before

    assert calls == PEOPLE / BULK


async def test_no_call_goes_on_when_the_claims_have_run_out_whatever_it_waits_for() -> None:
    """A call waits for its turn, for the end of a pause, and for its repetition: in all longer than a claim is good."""
    twin = ConnectorTwin(claim_time=timedelta(seconds=0.5))
    twin.clock = RunningClock()
    twin.worker = twin.start_worker()
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(3)]
    ended: list[str] = []

    async def insert(contacts: Sequence[ContactWrite]) -> dict[str, WriteVerdict]:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("ended")
            raise
        raise AssertionError(f"{len(contacts)} contacts were written long after others had claimed them")

    twin.platform.insert = insert  # type: ignore[method-assign]
    began = datetime.now(UTC)
    finished = await twin.look(*keys)

    assert ended == ["ended"]
    assert datetime.now(UTC) - began < timedelta(seconds=3)
    assert {one.outcome.result for one in finished.values()} == {Result.WAITING}
    documents = [one.body for key, one in twin.store.documents.items() if key.partition == "test-contact"]
    assert all(body.get("doubt") or body.get("claim") for body in documents), "Spotler may have it all the same"


async def test_a_spotler_that_hangs_while_contacts_are_read_ends_the_round_within_its_claims() -> None:
    """Each contact in doubt is read by itself: many time-outs one after another would outlive claims and functions."""
    twin = ConnectorTwin(claim_time=timedelta(seconds=0.5))
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(3)]
    await twin.sync(*keys)
    twin.clock = RunningClock()
    twin.worker = twin.start_worker()

    async def contact(external_id: str) -> SpotlerContact | None:
        await asyncio.sleep(5)
        raise AssertionError(f"{external_id} was waited for long after others had claimed it")

    twin.platform.contact = contact  # type: ignore[method-assign]
    began = datetime.now(UTC)
    finished = await twin.look(*keys, why=Why.SPOTLER)

    assert datetime.now(UTC) - began < timedelta(seconds=3)
    assert {one.outcome.reason for one in finished.values()} == {Reason.UNAVAILABLE}
    assert twin.claims() == []


async def test_while_spotler_is_down_contacts_in_doubt_are_not_asked_for_one_by_one() -> None:
    twin = ConnectorTwin()
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(PEOPLE)]
    await twin.sync(*keys)
    await twin.poll()
    twin.platform.broken = {"contact": TransientError("down")}
    asked = twin.platform.calls["contact"]

    finished = await twin.look(*keys, why=Why.SPOTLER)

    assert {one.outcome.reason for one in finished.values()} == {Reason.UNAVAILABLE}
    assert twin.platform.calls["contact"] - asked <= 4
