"""The state of a list, over both kinds of stores that are here: twins and SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.domain.features.lists import Content, ListKind, ListRules
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConflictError
from shared.lists.list_state import NOTHING, ListRun, ListState, RunSummary
from shared.lists.list_state_repository import BUCKETS, ListStateRepository, MemberPresence
from shared.ports.state import StateStore
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

LIST = UUID(int=7)
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
RUN = ListRun(
    id="run",
    snapshot="new",
    rules=ListRules(exclude_opted_out=False),
    jobs=(UUID(int=9),),
    started_on=NOW,
    alive_on=NOW,
    step=3,
    phase="compare",
    buckets=100,
    is_sending=True,
    resets=2,
    members=60,
    done=50,
)
STATE = ListState(
    id=LIST,
    table=PersonTable.CONTACT,
    is_dynamic=True,
    kind=ListKind.TEMPORARY,
    spotler_id="list-7",
    name="Fans",
    rules=ListRules(ignore_inactive=False),
    is_listed=True,
    snapshots={"old": 1},
    run=RUN,
    waiting=(UUID(int=10),),
    obsolete=("older",),
    history=(
        RunSummary(3, 2, 1, {"inactive": 1}, {"gave-up": 1}, ended_on=NOW, code="OK", taken_at=NOW),
        RunSummary(ended_on=NOW, code="gave-up"),
    ),
)


@pytest.fixture(params=["twin", "sqlite"])
async def repository(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ListStateRepository]:
    if request.param == "twin":
        yield ListStateRepository(TwinStore(), "test")
        return
    store: StateStore = SqliteStateStore(tmp_path / "state.db", clock=ManualClock())
    yield ListStateRepository(store, "test")
    await store.close()


async def test_the_state_is_read_as_it_was_saved(repository: ListStateRepository) -> None:
    assert await repository.read(LIST) is None
    saved = await repository.save(STATE)
    assert await repository.read(LIST) == saved
    again = await repository.save(saved)
    assert again.etag != saved.etag
    for late in (saved, STATE):
        with pytest.raises(ConflictError):
            await repository.save(late)
    await repository.forget(again)
    assert await repository.read(LIST) is None


async def test_pages_of_members_are_read_as_they_were_written(repository: ListStateRepository) -> None:
    members = [UUID(int=number) for number in range(2500)]
    await repository.put_page(LIST, "g", 0, members)
    await repository.put_page(LIST, "g", 1, [])
    assert await repository.page(LIST, "g", 0) == members
    assert await repository.page(LIST, "g", 1) == []


async def test_contacts_of_many_pages_are_found_bucket_by_bucket(repository: ListStateRepository) -> None:
    everybody = {f"C{number}" for number in range(900)}
    for page in range(3):
        part = sorted(everybody)[page * 300 : (page + 1) * 300]
        await repository.put_contacts(LIST, "g", page, part, buckets=BUCKETS)
    found: set[str] = set()
    for bucket in range(BUCKETS):
        content = await repository.content(LIST, "g", BUCKETS, bucket, BUCKETS)
        assert content.certain == content.possible
        assert not content.certain & found
        found |= content.certain
    assert found == everybody


async def test_a_repeated_page_drops_contacts_that_it_no_longer_has(repository: ListStateRepository) -> None:
    await repository.put_contacts(LIST, "g", 0, ["A", "B", "C"], buckets=BUCKETS)
    await repository.put_contacts(LIST, "g", 0, ["B"], buckets=BUCKETS)
    contents = [await repository.content(LIST, "g", BUCKETS, bucket, BUCKETS) for bucket in range(BUCKETS)]
    assert {one for content in contents for one in content.certain} == {"B"}


async def test_a_short_snapshot_is_compared_with_a_long_one(repository: ListStateRepository) -> None:
    await repository.put_contacts(LIST, "short", 0, ["A", "B"], buckets=1)
    await repository.note(LIST, {"short": 1}, ["C"], MemberPresence.IN)
    contents = [await repository.content(LIST, "short", 1, bucket, BUCKETS) for bucket in range(BUCKETS)]
    assert sorted(one for content in contents for one in content.certain) == ["A", "B", "C"]


async def test_a_note_about_a_single_contact_overrides_the_snapshot(repository: ListStateRepository) -> None:
    await repository.put_contacts(LIST, "g", 0, ["A", "B", "C"], buckets=1)
    await repository.note(LIST, {"g": 1}, ["B"], MemberPresence.UNCERTAIN)
    await repository.note(LIST, {"g": 1}, ["C"], MemberPresence.OUT)
    await repository.note(LIST, {"g": 1}, ["D"], MemberPresence.UNCERTAIN)
    await repository.note(LIST, {"g": 1}, ["E", "\u00e9 / #"], MemberPresence.IN)
    content = await repository.content(LIST, "g", 1, 0, 1)
    assert content == Content(frozenset({"A", "E", "\u00e9 / #"}), frozenset({"A", "B", "D", "E", "\u00e9 / #"}))


async def test_an_empty_snapshot_and_an_interrupted_one_share_no_contact(
    repository: ListStateRepository,
) -> None:
    await repository.put_contacts(LIST, "g", 0, ["A"], buckets=1)
    known = await repository.known(LIST, {NOTHING: 1, "g": 1}, 0, 1)
    assert known == Content(frozenset(), frozenset({"A"}))


async def test_members_left_out_are_counted_and_named(repository: ListStateRepository) -> None:
    await repository.put_left_out(LIST, "g", "000000", skipped={ANN: "inactive"}, failed={})
    await repository.put_left_out(LIST, "g", "000001", skipped={BOB: "inactive"}, failed={})
    await repository.put_left_out(LIST, "g", "000002", skipped={}, failed={BOB: "gave-up"})
    await repository.put_left_out(LIST, "g", "000002", skipped={}, failed={})
    assert await repository.counts(LIST, "g") == ({"inactive": 2}, {})
    named = [(what, reason, keys) async for what, reason, keys in repository.left_out(LIST, "g")]
    assert named == [("skipped", "inactive", [str(ANN)]), ("skipped", "inactive", [str(BOB)])]


async def test_old_snapshots_are_forgotten_and_others_stay(repository: ListStateRepository) -> None:
    for page in range(25):
        await repository.put_contacts(LIST, "old", page, [f"C{number}" for number in range(300)], buckets=BUCKETS)
    await repository.put_contacts(LIST, "new", 0, ["A"], buckets=1)
    rounds = 1
    while not await repository.clean(LIST, ["old"]):
        rounds += 1
    assert rounds > 1, "some at a time"
    assert (await repository.content(LIST, "new", 1, 0, 1)).certain == {"A"}
    assert not any(
        [(await repository.content(LIST, "old", BUCKETS, bucket, BUCKETS)).possible for bucket in range(BUCKETS)]
    )
