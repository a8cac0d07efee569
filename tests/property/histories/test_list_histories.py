"""Marketing lists under crashes: wherever the worker dies, Spotler's list ends equal to the marketing list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.features.lists import ListKind
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import RecordKey
from shared.errors import TransientError
from shared.lists import steps
from shared.messages.lane_messages import Jobs
from shared.messages.list_messages import ListLook, ListMembers
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.examples import examples, sample
from tests.twins import CrashError

_MOST_MOMENTS = 2000


@pytest.fixture(autouse=True, scope="module")
def _buckets_for_a_dozen_people() -> Iterator[None]:
    """As the pages are small, so are the buckets few: several people in each, and each is read, sent and replaced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "BUCKETS", 5)
        yield


@dataclass
class Story:
    """A list that is in Spotler already, or not, and its members of now."""

    twin: ConnectorTwin
    marketing_list: UUID
    people: Sequence[RecordKey]
    survived: bool = False

    def over(self) -> None:
        """The act is over: whoever has not died by now does not die any more."""
        self.survived = bool(self.twin.faults.planned)
        self.twin.faults.planned.clear()

    @property
    def wanted(self) -> set[str]:
        return {str(key.id) for key in self.twin.marketing_lists.listed[self.marketing_list]}

    @property
    def there(self) -> set[str]:
        kind = self.twin.marketing_lists.lists[self.marketing_list].kind
        place = self.twin.temporary_lists if kind is ListKind.TEMPORARY else self.twin.audiences
        return place.members[f"list-{self.marketing_list}"]

    async def order(self) -> UUID:
        job = self.twin.crm.order(Operation.SYNC_LIST, marketing_list=self.marketing_list)
        await self.twin.lanes.send(QueueName.BULK, Jobs(jobs=[job]))
        return job

    async def sync(self) -> JobStatus:
        job = await self.order()
        await self.twin.quiet()
        return self.twin.crm.jobs[job].status


async def begin(*, page: int, kind: ListKind = ListKind.AUDIENCE, before: int = 6, count: int = 12) -> Story:
    twin = ConnectorTwin()
    twin.marketing_lists.page = page
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(count)]
    story = Story(twin, twin.marketing_lists.add("Fans", people[:before], kind=kind), people)
    if before:
        assert await story.sync() is JobStatus.COMPLETED
    return story


async def at_every_moment(begun: Story, act: Callable[[Story], Awaitable[None]], every: int, first: int = 0) -> int:
    """Let the worker die at every moment of an act (in `make test`: a sample); returns how many moments there are."""
    for moment in sample(range(_MOST_MOMENTS), every=every, first=first):
        story = replace(begun, twin=begun.twin.copy())
        story.twin.faults.plan(moment, CrashError())
        await act(story)
        if story.survived:
            return moment
    raise AssertionError("the act never ends")


@pytest.mark.parametrize(("page", "kind"), [(100, ListKind.AUDIENCE), (4, ListKind.TEMPORARY)])
async def test_a_crash_at_any_moment_of_a_sync_ends_with_the_list_as_it_is(page: int, kind: ListKind) -> None:
    async def act(story: Story) -> None:
        story.twin.marketing_lists.listed[story.marketing_list] = list(story.people[3:])
        job = await outliving(story, story.order)
        await story.twin.quiet()
        story.over()
        assert story.there == story.wanted
        assert story.twin.crm.jobs[job].status is JobStatus.COMPLETED
        text = story.twin.crm.job_reports[job].result_text
        assert text.startswith("9 people are in the list")
        story.twin.marketing_lists.listed[story.marketing_list] = list(story.people[5:7])
        assert await story.sync() is JobStatus.COMPLETED
        assert story.there == story.wanted, "and the next sync knows what is there"

    assert await at_every_moment(await begin(page=page, kind=kind), act, every=5, first=page) > 40


async def test_a_crash_at_any_moment_of_the_first_sync_and_of_new_members() -> None:
    async def act(story: Story) -> None:
        story.twin.marketing_lists.listed[story.marketing_list] = list(story.people[:7])
        await outliving(story, story.order)
        await story.twin.quiet()
        story.over()
        assert story.there == story.wanted

    assert await at_every_moment(await begin(page=5, before=0), act, every=5, first=2) > 40


async def test_a_sync_whose_first_step_was_never_sent_begins_with_the_next_job() -> None:
    """The list was deactivated meanwhile, which has failed the job; a worker died before the rest of it."""
    story = await begin(page=3, before=0)
    acts = (("join", 0), ("sync", 0), ("fail", 14), ("sync", 0), ("deliver", 2), ("crash", 11), ("deactivate", 0))
    for what, number in acts:
        await _happen(story, what, number)
    await story.twin.quiet()
    story.over()

    assert await story.sync() is JobStatus.COMPLETED
    assert story.there == story.wanted


async def test_a_crash_at_any_moment_of_filling_a_list_with_unknown_content() -> None:
    story = await begin(page=100, before=0)
    ghost = story.people[11]
    await story.twin.sync(*story.people)
    story.twin.audiences.names[f"list-{story.marketing_list}"] = "Fans"
    story.twin.audiences.members[f"list-{story.marketing_list}"] = {str(ghost.id)}
    story.twin.marketing_lists.listed[story.marketing_list] = list(story.people[:5])

    async def act(story: Story) -> None:
        await outliving(story, story.order)
        await story.twin.quiet()
        story.over()
        assert story.there == story.wanted

    assert await at_every_moment(story, act, every=3) > 20


async def test_a_crash_at_any_moment_of_a_single_member_is_healed_and_remembered() -> None:
    async def act(story: Story) -> None:
        story.twin.marketing_lists.join(story.marketing_list, story.people[8])
        message = ListMembers(list=story.marketing_list, members=(story.people[8].id,))
        await outliving(story, lambda: story.twin.lanes.send(QueueName.LIVE, message))
        await story.twin.quiet()
        story.over()
        assert story.there == story.wanted
        story.twin.marketing_lists.leave(story.marketing_list, story.people[8])
        await story.sync()
        assert story.there == story.wanted

    assert await at_every_moment(await begin(page=100), act, every=3, first=1) > 10


async def test_a_crash_at_any_moment_of_a_removal_ends_with_no_list() -> None:
    async def act(story: Story) -> None:
        story.twin.marketing_lists.change(story.marketing_list, is_active=False)
        message = ListLook(list=story.marketing_list)
        await outliving(story, lambda: story.twin.lanes.send(QueueName.LIVE, message))
        await story.twin.quiet()
        story.over()
        assert story.twin.audiences.members == {}

    assert await at_every_moment(await begin(page=100), act, every=1) > 5


async def test_a_list_that_changes_at_any_moment_of_a_sync_ends_as_it_is_then() -> None:
    """Its members change once, between any two calls, without an event."""
    moments = 0
    begun = await begin(page=4)
    for moment in sample(range(_MOST_MOMENTS), every=3, first=2):
        story = replace(begun, twin=begun.twin.copy())
        story.twin.marketing_lists.listed[story.marketing_list] = list(story.people[2:8])
        job = await story.order()
        start = story.twin.faults.moment
        real = story.twin.faults.pass_by

        async def pass_by(
            story: Story = story, at: int = start + moment, real: Callable[[], Awaitable[None]] = real
        ) -> None:
            if story.twin.faults.moment == at:
                story.twin.marketing_lists.listed[story.marketing_list] = [story.people[0], *story.people[6:11]]
            await real()

        story.twin.faults.pass_by = pass_by  # type: ignore[method-assign]
        await story.twin.quiet()
        before = {str(key.id) for key in story.people[2:8]}
        after = {str(key.id) for key in (story.people[0], *story.people[6:11])}
        assert story.there in (before, after), "one of the two, never a mixture"
        assert story.twin.crm.jobs[job].status is JobStatus.COMPLETED
        if story.twin.faults.moment - start <= moment:
            moments = moment
            break
    assert moments > 20


async def outliving(story: Story, act: Callable[[], Awaitable[UUID | None]]) -> UUID:
    """Send a message, again if the sender dies."""
    while True:
        try:
            result = await act()
        except CrashError:
            continue
        return result or UUID(int=0)


# ----------------------------------------------------------------------------------------------------------- histories

_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, 11)),
        st.tuples(st.just("leave"), st.integers(0, 11)),
        st.tuples(st.just("sync"), st.just(0)),
        st.tuples(st.just("deliver"), st.integers(1, 3)),
        st.tuples(st.just("crash"), st.integers(0, 30)),
        st.tuples(st.just("fail"), st.integers(0, 30)),
        st.tuples(st.just("vanish"), st.just(0)),
        st.tuples(st.just("deactivate"), st.just(0)),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=examples(30))
@given(acts=_ACTS, page=st.sampled_from([3, 100]), kind=st.sampled_from([ListKind.AUDIENCE, ListKind.TEMPORARY]))
def test_after_whatever_happened_a_sync_makes_the_list_equal(
    acts: Sequence[tuple[str, int]], page: int, kind: ListKind
) -> None:
    asyncio.run(_live_through(acts, page, kind))


async def _live_through(acts: Sequence[tuple[str, int]], page: int, kind: ListKind) -> None:
    story = await begin(page=page, kind=kind, before=0)
    for what, number in acts:
        await _happen(story, what, number)
    await story.twin.quiet()
    story.over()
    assert await story.sync() is JobStatus.COMPLETED
    assert story.there == story.wanted


async def _happen(story: Story, what: str, number: int) -> None:
    lists, identifier, somebody = story.twin.marketing_lists, story.marketing_list, story.people[number % 12]
    match what:
        case "join" | "leave":
            lists.leave(identifier, somebody)
            if what == "join":
                lists.join(identifier, somebody)
            await _tell(story, ListMembers(list=identifier, members=(somebody.id,)))
        case "sync":
            with contextlib.suppress(CrashError, TransientError):
                await story.order()
        case "deliver":
            await _deliver(story, number)
        case "crash":
            story.twin.faults.plan(number, CrashError())
        case "fail":
            story.twin.faults.plan(number, TransientError("out of reach"))
        case "vanish":
            for place in (story.twin.audiences, story.twin.temporary_lists):
                place.members.clear()
                place.names.clear()
        case "deactivate":
            lists.change(identifier, is_active=False)
            await _tell(story, ListLook(list=identifier))
            await _deliver(story, 2)
            lists.change(identifier, is_active=True)


async def _tell(story: Story, message: ListMembers | ListLook) -> None:
    for _ in range(20):
        try:
            await story.twin.lanes.send(QueueName.LIVE, message)
        except (CrashError, TransientError):
            continue
        return


async def _deliver(story: Story, number: int) -> None:
    for _ in range(number):
        due = story.twin.queue.due()
        if not due:
            return
        try:
            await story.twin.receive(due[:1])
        except (CrashError, TransientError):
            story.twin.worker = story.twin.start_worker()
