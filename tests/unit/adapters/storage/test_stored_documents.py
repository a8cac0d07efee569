"""Documents that a version before wrote are read, and written again with the same members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.administration.mapping_repository import MappingRepository, Version
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.bounce_repository import BounceRepository
from shared.dispatch.walks import UnderWay, Walks
from shared.domain.consent.bounces import BounceKind, BounceNote
from shared.domain.consent.changes import ConsentChange, ConsentSource, ConsentState
from shared.domain.features.lists import ListKind, ListRules
from shared.domain.merging.comparison_window import ComparisonRun, Span
from shared.domain.records.records import PersonTable, RecordKey
from shared.inbound.comparison import _RUN
from shared.inbound.poll_cursor import CursorPosition, PollCursor
from shared.inbound.reviews import _CODEC as REVIEW
from shared.inbound.reviews import Review, ReviewReason
from shared.lists.list_state import LIST_STATE, ListRun, ListState, RunSummary
from shared.ports.state import DocumentKey, Put
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

AT, LATER = datetime(2026, 11, 7, 10, tzinfo=UTC), datetime(2026, 11, 7, 10, 0, 0, 250_000, tzinfo=UTC)
ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
JOB, LIST = UUID(int=2), UUID(int=3)
ANN_TEXT, JOB_TEXT = "contact:00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


async def store_with(partition: str, row: str, body: Mapping[str, Any]) -> TwinStore:
    store = TwinStore()
    await store.write([Put(DocumentKey(partition, row), body)])
    return store


async def body_of(store: TwinStore, partition: str, row: str) -> Mapping[str, Any]:
    key = DocumentKey(partition, row)
    return (await store.read([key]))[key].body


async def test_a_poll_cursor() -> None:
    body = {
        "until": "2026-11-07T10:00:00.250000+00:00",
        "seconds": 240.0,
        "doubtful": ["a", "b"],
        "open": True,
        "held": "2026-11-07T10:00:00+00:00",
        "tried": "2026-11-07T10:00:00+00:00",
    }
    store = await store_with("test-poll", "contacts", body)
    cursor = PollCursor(store, "test", "contacts")

    position = await cursor.read()

    assert position is not None
    assert position == CursorPosition(
        LATER, timedelta(minutes=4), frozenset("ab"), doubts_all=True, held_until=AT, tried=AT, etag=position.etag
    )
    await cursor.hold(position, AT)
    assert await body_of(store, "test-poll", "contacts") == body


async def test_a_poll_cursor_of_the_first_version() -> None:
    store = await store_with("test-poll", "contacts", {"until": "2026-11-07T10:00:00+00:00"})

    position = await PollCursor(store, "test", "contacts").read()

    assert position is not None
    assert position == CursorPosition(AT, timedelta(hours=1), etag=position.etag)


async def test_a_note_of_bounces() -> None:
    contact = str(UUID(int=9))
    body = {
        "kind": "hard",
        "since": "2026-11-07T10:00:00+00:00",
        "last": "2026-11-07T10:00:00.250000+00:00",
        "mailing": "m",
        "soft": 2,
        "address": "fp",
        "reachable": False,
        "closed": "2026-11-07T10:00:00+00:00",
        "solved": None,
        "seen": ["x"],
        "tasks": {ANN_TEXT: JOB_TEXT},
        "done": [JOB_TEXT],
    }
    store = await store_with("test-bounce", contact, body)
    repository = BounceRepository(store, "test")

    assert await repository.read([contact]) == {
        contact: BounceNote(
            contact,
            BounceKind.HARD,
            AT,
            LATER,
            "m",
            2,
            "fp",
            reachable=False,
            closed=AT,
            seen=("x",),
            tasks={ANN: JOB},
            done=(JOB,),
        )
    }
    await repository.change([contact], lambda note: replace(note, mailing="n"))
    assert await body_of(store, "test-bounce", contact) == {**body, "mailing": "n"}


@pytest.mark.parametrize(
    ("news", "fields"),
    [
        ({}, {}),
        ({"decision": "dismissed", "decided": "2026-11-07T10:00:00+00:00"}, {"decision": "dismissed"}),
        (
            {"decision": ANN_TEXT, "decided": "2026-11-07T10:00:00+00:00", "lifted": ANN_TEXT, "lifting": ["opt-out"]},
            {"decision": ANN, "lifted": ANN, "lifting": ("opt-out",)},
        ),
    ],
)
def test_a_review(news: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    body = {
        "contact": "enc",
        "reason": "refuses-mail",
        "text": "It refuses.",
        "candidates": [ANN_TEXT],
        "address": "fp",
        "since": "2026-11-07T10:00:00+00:00",
        "correlation": "c",
        "given": ["permissions:4"],
        **news,
    }

    review = REVIEW.read(body, id=str(JOB), etag="1")

    assert review == Review(
        id=JOB,
        contact="enc",
        reason=ReviewReason.REFUSES_MAIL,
        text="It refuses.",
        candidates=(ANN,),
        address="fp",
        since="2026-11-07T10:00:00+00:00",
        correlation="c",
        given=("permissions:4",),
        decided=news.get("decided", ""),
        etag="1",
        **fields,
    )
    assert REVIEW.body(review) == body


async def test_an_entry_of_the_consent_ledger() -> None:
    body = {
        "record": ANN_TEXT,
        "externalId": "ext",
        "subject": "permissions:4",
        "old": "unknown",
        "new": "yes",
        "source": "form",
        "correlation": "c",
    }
    change = ConsentChange(
        AT, ANN, "ext", "permissions:4", ConsentState.UNKNOWN, ConsentState.YES, ConsentSource.FORM, "c"
    )
    store, row = TwinStore(), f"{change.moment}|{change.digest}"
    ledger = ConsentLedger(store, ManualClock(AT), "test")
    await ledger.record([change])
    assert await body_of(store, "test-consent-2026-11", row) == body

    store = await store_with("test-consent-2026-11", row, body)
    await store.write([Put(DocumentKey("test-consent-months", "2026-11"), {})])

    ledger = ConsentLedger(store, ManualClock(AT), "test")
    assert [one async for page in ledger.export() for one in page] == [change]


async def test_a_version_of_the_mapping() -> None:
    body = {"replaces": 6, "at": "2026-11-07T10:00:00.250000+00:00", "by": "admin", "comment": "c", "text": "t"}
    store = await store_with("test-mapping", "version:000007", body)

    version = await MappingRepository(store, ManualClock(AT), "test").version(7)

    assert version == Version(7, 6, LATER, "admin", "c", "t")


def test_the_state_of_a_list() -> None:
    body = {
        "table": "contact",
        "dynamic": True,
        "kind": "temporary",
        "spotler": "list-1",
        "name": "Friends",
        "rules": {"optedOut": False, "inactive": True},
        "listed": True,
        "generations": {"old": 100},
        "run": {
            "id": "r",
            "generation": "new",
            "rules": {"optedOut": True, "inactive": False},
            "jobs": [JOB_TEXT],
            "startedOn": "2026-11-07T10:00:00+00:00",
            "aliveOn": "2026-11-07T10:00:00.250000+00:00",
            "correlation": "c",
            "step": 3,
            "phase": "compare",
            "buckets": 100,
            "sending": True,
            "resets": 1,
            "members": 5,
            "done": 4,
        },
        "waiting": [JOB_TEXT],
        "obsolete": ["older"],
        "history": [
            {
                "endedOn": "2026-11-07T10:00:00+00:00",
                "code": "OK",
                "takenAt": "2026-11-07T10:00:00+00:00",
                "sent": 3,
                "added": 2,
                "removed": 1,
                "skipped": {"inactive": 1},
                "failed": {},
            },
            {
                "endedOn": "2026-11-07T10:00:00+00:00",
                "code": "gave-up",
                "takenAt": None,
                "sent": 0,
                "added": 0,
                "removed": 0,
                "skipped": {},
                "failed": {},
            },
        ],
    }

    state = LIST_STATE.read(body, id=LIST, etag="1")

    rules, of_run = ListRules(exclude_opted_out=False), ListRules(ignore_inactive=False)
    run = ListRun(
        "r", "new", of_run, (JOB,), AT, LATER, "c", 3, "compare", 100, is_sending=True, resets=1, members=5, done=4
    )
    history = (
        RunSummary(3, 2, 1, {"inactive": 1}, ended_on=AT, code="OK", taken_at=AT),
        RunSummary(ended_on=AT, code="gave-up"),
    )
    assert state == ListState(
        LIST,
        PersonTable.CONTACT,
        is_dynamic=True,
        kind=ListKind.TEMPORARY,
        spotler_id="list-1",
        name="Friends",
        rules=rules,
        is_listed=True,
        snapshots={"old": 100},
        run=run,
        waiting=(JOB,),
        obsolete=("older",),
        history=history,
        etag="1",
    )
    assert LIST_STATE.body(state) == body
    assert LIST_STATE.read({**body, "generations": None, "run": None}, id=LIST).run is None


def test_a_comparison() -> None:
    """Times once ended in Z."""
    body = {
        "id": "r",
        "span": "account",
        "begun": "2026-11-07T10:00:00Z",
        "since": "2026-11-07T10:00:00Z",
        "until": "2026-11-07T10:00:00.250000Z",
        "end": "2026-11-07T10:00:00+00:00",
        "seconds": 60.0,
        "doubtful": ["a"],
        "contacts": 5,
        "found": {"value": 1},
        "finished": None,
        "night": 2,
        "tonight": 3,
        "slice": 4,
        "size": 5,
    }
    run = ComparisonRun("r", Span.ACCOUNT, AT, AT, LATER, AT, 60.0, ("a",), 5, {"value": 1}, None, 2, 3, 4, 5)

    assert _RUN.read(body) == run
    assert _RUN.body(run).keys() == body.keys() | {"paused", "stopped"}
    assert _RUN.read(_RUN.body(run)) == run


async def test_a_walk() -> None:
    body = {"correlation": "c", "since": "2026-11-07T10:00:00+00:00", "last_page": "2026-11-07T10:00:00+00:00"}
    store = await store_with("test-walk", "contact", body)
    walks = Walks(store, ManualClock(AT), "test")

    assert await walks.begin(PersonTable.CONTACT, "other") == UnderWay("c", AT, AT)
    assert await walks.begin(PersonTable.CONTACT, "c") is None
    assert await body_of(store, "test-walk", "contact") == body
