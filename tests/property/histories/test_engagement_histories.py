"""Random histories of mailings: whatever happens, Dataverse holds exactly what the account's own events imply.

People receive, open, click, bounce and unsubscribe, at once or reported late; contacts are erased in Spotler; readings
overlap, are refused, and die at any moment. In the end rows and scores equal a plain recomputation from scratch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.engagement.events import BounceType
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError, ConnectorError, TransientError
from tests.twins import CrashError
from tests.twins.engagement import DAY, HOUR, MINUTE
from tests.unit.engagement.engagement_world import EngagementWorld, open_world

_PEOPLE = 4
_LINKS = ("1", "2", "3", "5")

_ACTS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(MailingKind), st.booleans()),
    st.tuples(st.just("open"), st.integers(0, 9), st.integers(0, _PEOPLE - 1), st.integers(0, 40)),
    st.tuples(st.just("click"), st.integers(0, 9), st.integers(0, _PEOPLE - 1), st.sampled_from(_LINKS)),
    st.tuples(st.just("scan"), st.integers(0, 9), st.integers(0, _PEOPLE - 1)),
    st.tuples(st.just("bounce"), st.integers(0, 9), st.integers(0, _PEOPLE - 1), st.sampled_from(BounceType)),
    st.tuples(st.just("wait"), st.sampled_from([MINUTE / 2, MINUTE, HOUR, DAY])),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("die"), st.integers(1, 60), st.booleans()),
    st.tuples(st.just("refuse"), st.integers(0, _PEOPLE - 1)),
    st.tuples(st.just("night"), st.just(0)),
)


class History:
    """Applies acts to a world; a person who was erased does nothing any more."""

    def __init__(self, world: EngagementWorld) -> None:
        self.world = world
        self.people = list(world.people)
        self.sent: list[str] = []
        self.refused: set[RecordKey] = set()
        world.rows.refuses = lambda _id, record: record in self.refused

    async def act(self, act: tuple) -> None:  # type: ignore[type-arg]
        world, spotler = self.world, self.world.spotler
        match act:
            case ("send", kind, in_feed):
                self.sent.append(spotler.send(self.people, kind=kind, in_feed=in_feed))
            case ("wait", time):
                world.pass_by(time)
            case ("poll", _):
                await self.attempt(world.poll)
            case ("night", _):
                await self.attempt(world.night)
            case ("die", moment, is_crash):
                world.twin.faults.plan(moment, CrashError() if is_crash else TransientError("down"))
            case ("refuse", who):
                self.refused ^= {world.people[self.people[who]]}
            case _ if self.sent:
                self._does(act)

    def _does(self, act: tuple) -> None:  # type: ignore[type-arg]
        spotler, now = self.world.spotler, self.world.now
        handle = self.sent[act[1] % len(self.sent)]
        if spotler.mailings[handle].mailing.kind is MailingKind.SMS:
            return
        who = self.people[act[2]]
        match act:
            case ("open", _, _, late):
                begun = spotler.mailings[handle].mailing.begun or now
                spotler.open(handle, who, max(begun, now - timedelta(minutes=late)))
            case ("click", _, _, link):
                spotler.click(handle, who, link)
            case ("scan", _, _):
                for link in _LINKS:
                    spotler.click(handle, who, link)
            case ("bounce", _, _, kind):
                spotler.bounce(handle, who, kind)

    async def attempt(self, reading: Callable) -> None:  # type: ignore[type-arg]
        with contextlib.suppress(ConflictError, ConnectorError, CrashError):
            await reading()
        self.world.pass_by(7 * MINUTE)  # the lease of a worker that died ends
        self.world.twin.worker = self.world.twin.start_worker()

    async def end(self) -> None:
        """Let everything work again, and read to the end, lists included."""
        self.world.twin.faults.planned.clear()
        self.refused.clear()
        await self.world.twin.quiet()
        self.world.pass_by(7 * MINUTE)
        for _ in range(2):
            await self.world.poll(DAY)
            await self.world.night()
        await self.world.twin.engagement.begin_initial(None)
        await self.world.twin.quiet()
        await self.world.poll(MINUTE)
        await self.world.night()


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTS, min_size=3, max_size=30))
def test_after_any_history_rows_and_scores_are_those_of_a_plain_recomputation(acts: list[tuple]) -> None:  # type: ignore[type-arg]
    async def run() -> None:
        world = await open_world(_PEOPLE, store_sent=False)
        history = History(world)
        for act in acts:
            await history.act(act)
        await history.end()
        assert world.actual_rows() == world.expected_rows()
        scores = {key: score for key, score in world.expected_scores().items() if score.engagement or score.recent}
        shown = {key: score for key, score in world.rows.scores.items() if score.engagement or score.recent}
        assert shown == scores
        assert (await world.twin.engagement.state())["refusedRows"] == 0

    asyncio.run(run())


async def _story(moment: int, error: BaseException) -> bool:
    """A busy reading that dies at a moment; whether it survived, because the moment came too late."""
    world = await open_world(_PEOPLE, create_activities=True)
    history, spotler = History(world), world.spotler
    sent = spotler.send(world.people)
    world.pass_by(HOUR)
    await history.attempt(world.poll)
    first, second, *_ = world.people
    spotler.open(sent, first)
    spotler.click(sent, second, "2")
    spotler.bounce(sent, first)
    world.twin.faults.plan(moment, error)
    await history.attempt(world.poll)
    survived = bool(world.twin.faults.planned)
    world.twin.faults.planned.clear()
    await world.twin.quiet()
    await world.poll(HOUR)
    assert world.actual_rows() == world.expected_rows()
    assert {key: score for key, score in world.rows.scores.items() if score.engagement} == {
        key: score for key, score in world.expected_scores().items() if score.engagement
    }
    marks = {
        str(one.record.id): (one.is_opened, one.is_clicked, one.is_bounced) for one in world.rows.activities.values()
    }
    assert (marks[first], marks[second]) == ((True, False, True), (True, True, False))
    return survived


@pytest.mark.parametrize("error", [CrashError(), TransientError("down")], ids=["crash", "error"])
def test_wherever_a_reading_dies_the_next_one_makes_it_whole(error: BaseException) -> None:
    moments = 0
    while not asyncio.run(_story(moments, error)):
        moments += 1
    assert moments > 40
