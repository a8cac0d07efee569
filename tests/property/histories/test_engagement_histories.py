"""Random histories of mailings: whatever happens, Dataverse holds exactly what the account's own events imply.

People receive, open, click, alone or with their colleagues, bounce, unsubscribe, opt out, at once or reported late;
feeds and lists have no order and tell events twice; records are erased; readings overlap, are refused, and die at any
moment. In the end interactions, activities, campaign responses and scores equal a plain recomputation from scratch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.engagement.events import BounceType, EventKind
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import RecordKey
from shared.engagement.choices import ResponseKind
from shared.engagement.keeping.memories import Memories
from shared.errors import ConflictError, ConnectorError, TransientError
from shared.ports.engagement import ActivityWrite, InteractionWrite, ResponseWrite
from tests.examples import sample
from tests.twins import CrashError
from tests.twins.engagement import DAY, HOUR, MINUTE, TwinEvent
from tests.unit.engagement.engagement_world import FREE_MAIL, EngagementWorld, open_world

_PEOPLE = 4
_MOST_MOMENTS = 1000
_LINKS = ("1", "2", "3", "5")
_LATE = st.sampled_from([0, 0, 1, 2, 60, 2400])
"""Seconds between an event and the moment when the account learns of it."""

_FROM_OTHERS = st.sampled_from([-6, -4, 0, 0.001, 1, 2, 4, 5, 5.001, 7])
"""Seconds from the last click of somebody else."""

_MAILING, _WHO = st.integers(0, 2), st.integers(0, _PEOPLE - 1)
Act = tuple[Any, ...]


def one_by_one(acts: Iterable[Act]) -> Iterator[Act]:
    """Replace a crowd by the clicks of everybody in it; some of them become known after a poll."""
    for act in acts:
        match act:
            case ("crowd", mailing, first, *others):
                yield ("click", mailing, first, 0, "1")
                for who, seconds, is_late in others:
                    yield from [("poll", 0)] if is_late else []
                    yield ("beside", mailing, who, "others", seconds, "1")
            case _:
                yield act


_IN_CROWD = st.tuples(_WHO, _FROM_OTHERS, st.booleans())
_ACTS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(MailingKind), st.booleans()),
    st.tuples(st.just("open"), _MAILING, _WHO, _LATE),
    st.tuples(st.just("click"), _MAILING, _WHO, _LATE, st.sampled_from(_LINKS)),
    st.tuples(st.just("scan"), _MAILING, _WHO),
    st.tuples(st.just("beside"), _MAILING, _WHO, st.just("own"), st.integers(0, 2), st.sampled_from(_LINKS)),
    st.tuples(st.just("beside"), _MAILING, _WHO, st.just("others"), _FROM_OTHERS, st.sampled_from(_LINKS)),
    st.tuples(st.just("crowd"), _MAILING, _WHO, _IN_CROWD, _IN_CROWD),
    st.tuples(st.just("crowd"), _MAILING, _WHO, _IN_CROWD, _IN_CROWD, _IN_CROWD),
    st.tuples(st.just("bounce"), _MAILING, _WHO, st.sampled_from(BounceType)),
    st.tuples(st.just("unsubscribe"), _WHO, st.booleans()),
    st.tuples(st.just("erase"), _WHO),
    st.tuples(st.just("wait"), st.sampled_from([MINUTE / 60, MINUTE / 2, MINUTE, HOUR, DAY])),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("poll"), st.just(1)),
    st.tuples(st.just("die"), st.integers(1, 60), st.booleans()),
    st.tuples(st.just("refuse"), _WHO),
    st.tuples(st.just("night"), st.just(0)),
)
_FIRST = st.tuples(st.just("send"), st.just(MailingKind.EMAIL), st.booleans())
_HISTORIES = st.tuples(_FIRST, st.lists(_ACTS, min_size=12, max_size=45)).map(
    lambda acts: [acts[0], *one_by_one(acts[1])]
)
_DOMAINS = st.sampled_from([["acme.example"], ["acme.example"], ["acme.example"] * 3 + [FREE_MAIL], [FREE_MAIL], []])
_WORLDS = st.fixed_dictionaries(
    {
        "store_sent": st.booleans(),
        "create_activities": st.booleans(),
        "in_disorder": st.booleans(),
        "domains": _DOMAINS,
    }
)
_EVERY_RESPONSE = tuple(ResponseKind)


class History:
    """Applies acts to a world; a person who was erased does nothing any more."""

    def __init__(self, world: EngagementWorld) -> None:
        self.world = world
        self.people = list(world.people)
        self.sent: list[str] = []
        self.refused: set[RecordKey] = set()
        self.withdrawn: defaultdict[str, dict[datetime, bool]] = defaultdict(dict)
        """When each person withdrew, and whether the connector knew of a mailing then."""
        world.rows.refuses = lambda _id, record: record in self.refused

    async def act(self, act: Act) -> None:
        world, spotler = self.world, self.world.spotler
        match act:
            case ("send", kind, in_feed):
                self.sent.append(spotler.send(world.people, kind=kind, in_feed=in_feed))
            case ("wait", time):
                world.pass_by(time)
            case ("poll", _):
                await self.attempt(world.poll)
            case ("night", _):
                await self.attempt(world.night)
            case ("die", moment, is_crash):
                world.twin.faults.plan(moment, CrashError() if is_crash else TransientError("down"))
            case (_, who, *_) if act[0] in {"refuse", "unsubscribe", "erase"}:
                if self.people[who] in world.people:
                    await self._concerns(act, self.people[who])
            case _ if self.sent:
                self._does(act)

    async def _concerns(self, act: Act, who: str) -> None:
        world = self.world
        match act:
            case ("refuse", _):
                self.refused ^= {world.people[who]}
            case ("unsubscribe", _, everything):
                with self.undisturbed():
                    await world.withdraw(who, everything=everything)
                    self.withdrawn[who][world.now] = await self._received_before(who)
                if everything:
                    world.opted_out[who] = world.now
                world.pass_by(MINUTE)
            case ("erase", _):
                record = world.people.pop(who)
                with self.undisturbed():
                    world.twin.crm.delete(record)
                    world.rows.delete(record)
                    await world.twin.sync(record)
                world.spotler.erase(who)

    def _does(self, act: Act) -> None:
        spotler, who = self.world.spotler, self.people[act[2]]
        handle = self.sent[act[1] % len(self.sent)]
        mailing = spotler.mailings[handle].mailing
        if who not in self.world.people or mailing.kind is MailingKind.SMS or mailing.begun is None:
            return
        begun, now = mailing.begun, self.world.now
        match act:
            case ("open", _, _, late):
                spotler.open(handle, who, max(begun, now - timedelta(seconds=late)))
            case ("click", _, _, late, link):
                spotler.click(handle, who, link, max(begun, now - timedelta(seconds=late)))
            case ("scan", _, _):
                for link in _LINKS:
                    spotler.click(handle, who, link)
            case ("beside", _, _, whose, seconds, link):  # learned late: it changes what earlier clicks are taken for
                times = [
                    one.event.at
                    for one in spotler.events
                    if _is_click(one, handle) and (one.who == who) is (whose == "own")
                ]
                if times:
                    spotler.click(handle, who, link, max(begun, min(now, times[-1] + timedelta(seconds=seconds))))
            case ("bounce", _, _, kind):
                spotler.bounce(handle, who, kind)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let what others do succeed; the connector's next work dies as planned."""
        faults = self.world.twin.faults
        left, faults.planned = {at - faults.moment: error for at, error in faults.planned.items()}, {}
        yield
        for moment, error in left.items():
            faults.plan(moment, error)

    async def attempt(self, reading: Callable[[], Any]) -> None:
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
        await self._note_unsubscribes()

    async def _note_unsubscribes(self) -> None:
        """The account does not tell who unsubscribed by which mailing: each withdrawal has one that the person got."""
        world = self.world
        known = await Memories(world.twin.store, "test").read(world.people)
        for who, stored in known.items():
            ends = {
                (name, one.at): one
                for name, events in stored.memory.mailings.items()
                for one in events
                if one.kind is EventKind.UNSUBSCRIBED
            }
            times = [at for _, at in ends]
            assert len(times) == len(set(times)), "a withdrawal belongs to one mailing"
            assert set(times) <= self.withdrawn[who].keys()
            assert {name for name, _ in ends} <= world.truth().get(who, {}).keys()
            assert {at for at, is_known in self.withdrawn[who].items() if is_known} <= set(times)
            for (name, _), one in ends.items():
                world.ended.setdefault(who, {}).setdefault(name, []).append(one)

    async def _received_before(self, who: str) -> bool:
        """Whether the connector knows by now of a mailing that the person got within a month."""
        (stored,) = (await Memories(self.world.twin.store, "test").read([who])).values()
        events = [one for events in stored.memory.mailings.values() for one in events]
        return any(one.kind is not EventKind.BOUNCED and self.world.now - one.at < 30 * DAY for one in events)

    def agrees(self) -> None:
        """Compare Dataverse with a plain recomputation."""
        world = self.world
        plan = world.expected_plan()
        assert _rows(world.rows.interactions.values()) == _rows(plan.interactions)
        assert _rows(world.rows.activities.values()) == _rows(plan.activities)
        assert _rows(world.rows.responses.values()) == _rows(plan.responses)
        scores = {key: score for key, score in world.expected_scores().items() if score.engagement or score.recent}
        shown = {key: score for key, score in world.rows.scores.items() if score.engagement or score.recent}
        assert shown == scores


def _is_click(one: TwinEvent, handle: str) -> bool:
    return one.mailing == handle and one.event.kind is EventKind.CLICKED


def _rows(rows: Iterable[InteractionWrite] | Iterable[ActivityWrite] | Iterable[ResponseWrite]) -> dict[UUID, Any]:
    """Rows by id; the number of messages of a mailing is no part of a row."""
    return {one.id: replace(one, mailing=replace(one.mailing, sent=None)) for one in rows}


async def lives_through(acts: list[Act], *, in_disorder: bool, domains: Sequence[str], **what_is_stored: bool) -> None:
    world = await open_world(_PEOPLE, domains=domains, create_campaign_responses=_EVERY_RESPONSE, **what_is_stored)
    world.spotler.in_disorder = in_disorder
    history = History(world)
    await world.poll()  # from the first reading on, nothing is older than what the connector looks at
    for act in acts:
        await history.act(act)
    await history.end()
    history.agrees()
    assert (await world.twin.engagement.state())["refusedRows"] == 0


@settings(max_examples=25, deadline=None)
@given(_HISTORIES, _WORLDS)
def test_after_any_history_dataverse_holds_what_a_plain_recomputation_says(
    acts: list[Act], kind_of_world: dict[str, Any]
) -> None:
    asyncio.run(lives_through(acts, **kind_of_world))


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(_HISTORIES, _WORLDS)
def test_after_thousands_of_histories_dataverse_holds_what_a_plain_recomputation_says(
    acts: list[Act], kind_of_world: dict[str, Any]
) -> None:
    asyncio.run(lives_through(acts, **kind_of_world))


async def _story(moment: int, error: BaseException) -> bool:
    """A busy reading that dies at a moment; whether it survived, because the moment came too late."""
    world = await open_world(_PEOPLE, domains=["acme.example"], create_activities=True)
    history, spotler = History(world), world.spotler
    sent = spotler.send(world.people)
    world.pass_by(HOUR)
    first, second, *colleagues = world.people
    scanned = world.now
    for who in colleagues:
        spotler.click(sent, who, "1", scanned)
    await history.attempt(world.poll)
    spotler.open(sent, first)
    spotler.click(sent, first, "1", scanned)  # learned late: with two colleagues it is a scanner
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
    marks = {str(one.record.id): (one.is_opened, one.is_clicked, one.bounce) for one in world.rows.activities.values()}
    assert (marks[first], marks[second]) == ((True, False, BounceType.SOFT), (True, True, None))
    return survived


@pytest.mark.parametrize("error", [CrashError(), TransientError("down")], ids=["crash", "error"])
def test_wherever_a_reading_dies_the_next_one_makes_it_whole(error: BaseException) -> None:
    moments = sample(range(_MOST_MOMENTS), every=5, first=2 * isinstance(error, CrashError))
    survived = next(moment for moment in moments if asyncio.run(_story(moment, error)))
    assert survived > 40
