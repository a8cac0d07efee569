"""Bounces: when an address is a problem, whose task it is, and how it ends (BNC-01..BNC-14, C-14, C-15, P-01)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.consent.bounce_service import BounceService, bounce_rows
from shared.domain.consent.bounce_text import Language, task_text
from shared.domain.consent.bounces import BounceKind, BounceNote, noted, reopened, solved, task_id
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import Bounce, MarketingContact
from shared.domain.records.outcomes import TEXTS, Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConfigurationError
from tests.contract.clocks import ManualClock
from tests.twins import CrashError, Faults, TwinStore, bodies
from tests.twins.consent import TwinBounceTasks

START = datetime(2026, 2, 1, tzinfo=UTC)
ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
LEAD = RecordKey(PersonTable.LEAD, UUID(int=3))
PRINTS = Fingerprinter(b"a key for nothing but tests")
INACTIVE: Mapping[str, bool] = {"EMAIL": False, "SMS": True}


def external_id(number: int) -> str:
    """Ids of ours are GUIDs."""
    return str(UUID(int=0xE000 + number))


def bounce(
    contact: str = external_id(1),
    kind: str = "HARDBOUNCE",
    day: int = 0,
    *,
    email: str = "ann@example.com",
    channels: Mapping[str, bool] = INACTIVE,
    mailing: str = "m-1",
) -> Bounce:
    person = MarketingContact(contact, "enc", {"email": email} if email else {}, channels)
    return Bounce(kind, START + timedelta(days=day), mailing, person)


def after(*bounces: Bounce) -> BounceNote:
    note = BounceNote(external_id(1))
    for one in bounces:
        kind = BounceKind.read(one.kind)
        assert kind is not None
        address = PRINTS.address(str(one.contact.properties.get("email", "")))
        note = noted(note, one, kind, address=address, now=START)
    return note


# ---------------------------------------------------------------------------------------------- when it is a problem


def test_bnc_05_one_hard_bounce_is_enough() -> None:
    assert after(bounce()).reason is Reason.HARD_BOUNCE


def soft(count: int, channels: Mapping[str, bool]) -> list[Bounce]:
    return [bounce(kind="SOFTBOUNCE", day=day, channels=channels) for day in range(count)]


@pytest.mark.parametrize(("count", "reason"), [(1, None), (3, None), (4, Reason.SOFT_BOUNCE), (9, Reason.SOFT_BOUNCE)])
def test_bnc_04_soft_bounces_are_a_problem_the_fourth_time(count: int, reason: Reason | None) -> None:
    note = after(*soft(count, channels={}))
    assert (note.reason, note.soft_bounces) == (reason, count)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_bnc_04_while_the_contact_can_be_reached_they_were_not_four_in_a_row(count: int) -> None:
    assert after(*soft(count, channels={"EMAIL": True})).reason is None


def test_bnc_04_a_contact_closed_by_a_soft_bounce_had_three_unread_ones_before() -> None:
    assert after(*soft(1, channels=INACTIVE)).reason is Reason.SOFT_BOUNCE


@pytest.mark.parametrize(("count", "reason"), [(1, None), (4, Reason.SOFT_BOUNCE)])
def test_a_contact_that_is_closed_long_after_a_soft_bounce_may_have_opted_out(
    count: int, reason: Reason | None
) -> None:
    note = BounceNote(external_id(1))
    for one in soft(count, channels=INACTIVE):
        note = noted(note, one, BounceKind.SOFT, address="a", now=START + timedelta(days=30))
    assert note.reason is reason


def test_a_hard_bounce_outweighs_soft_ones_whichever_comes_first() -> None:
    soft, hard = bounce(kind="SOFTBOUNCE", day=1), bounce(day=2)
    for note in (after(soft, hard), after(hard, soft)):
        assert (note.kind, note.reason) == (BounceKind.HARD, Reason.HARD_BOUNCE)
        assert (note.since, note.last) == (soft.date, hard.date)


def test_the_same_bounce_read_twice_counts_once() -> None:
    one = bounce(kind="SOFTBOUNCE")
    assert after(one, one, one) == after(one)
    assert after(one, replace(one, mailing="m-2")).soft_bounces == 2


@pytest.mark.parametrize(("text", "kind"), [("HARD", "hard"), ("SOFTBOUNCE", "soft"), ("hardbounce ", "hard")])
def test_either_spelling_of_a_kind_is_read(text: str, kind: str) -> None:
    assert BounceKind.read(text) == kind
    assert BounceKind.read("MEDIUM") is None


def test_bnc_11_bounces_before_the_address_was_changed_do_not_count() -> None:
    note = solved(after(bounce(day=3)), START + timedelta(days=5))
    assert (note.reason, note.is_open) == (None, False)
    late = noted(note, bounce(day=4, mailing="late"), BounceKind.HARD, address="new", now=START)
    assert late == note
    again = noted(note, bounce(day=6), BounceKind.HARD, address="new", now=START)
    assert (again.reason, again.since) == (Reason.HARD_BOUNCE, START + timedelta(days=6))


def test_the_bounce_that_closed_a_contact_counts_whatever_bounces_follow() -> None:
    assert after(*soft(3, channels={})).closed is None
    assert after(*soft(6, channels={})).closed == START + timedelta(days=3)
    assert after(bounce(day=1), bounce(day=5, mailing="late")).closed == START + timedelta(days=1)


def test_a_contact_that_is_mailed_again_is_no_problem_until_the_next_bounce() -> None:
    note = after(bounce())
    assert reopened(note, START + timedelta(seconds=60)) == note, "seen before Spotler had closed it"
    again = reopened(note, START + timedelta(days=1))
    assert (again.reason, again.is_open) == (None, True)
    assert noted(
        again, bounce(day=2, mailing="m-2"), BounceKind.HARD, address="", now=START
    ).closed == START + timedelta(days=2)


def test_soft_bounces_of_an_address_do_not_count_for_the_next_one() -> None:
    old = soft(3, channels={})
    new = [bounce(kind="SOFTBOUNCE", day=day, email="new@example.com", channels={}) for day in (4, 5)]
    note = after(*old, *new)
    assert (note.soft_bounces, note.reason) == (2, None)


def test_the_reasons_are_failures_with_words_for_people() -> None:
    for reason in (Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE):
        outcome = Outcome(ANN, Result.FAILED, reason)
        assert outcome.status is SyncStatus.FAILED
        assert outcome.text == TEXTS[reason]


@pytest.mark.parametrize(("code", "language"), [(1043, "nl"), (2067, "nl"), (1033, "en"), (1031, "en"), (None, "en")])
def test_tasks_are_in_dutch_or_in_english(code: int | None, language: str) -> None:
    assert Language.of(code) == language


def test_a_task_contains_instructions_and_no_address() -> None:
    texts = {(language, reason): task_text(reason, language) for language in Language for reason in _PROBLEMS}
    assert len({text.description for text in texts.values()}) == 4
    assert all(len(text.subject) <= 200 and len(text.description) <= 2000 for text in texts.values())
    assert "correct" in texts[Language.ENGLISH, Reason.HARD_BOUNCE].subject
    assert "corrigeren" in texts[Language.DUTCH, Reason.SOFT_BOUNCE].subject


_PROBLEMS = (Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE)


# --------------------------------------------------------------------------------------------------------- the book


class World:
    """A service over twins; `use` sets which records use a contact."""

    def __init__(self, *, creates_tasks: bool = True) -> None:
        self.clock = ManualClock(START + timedelta(days=30))
        self.store = TwinStore(Faults())
        self.tasks = TwinBounceTasks()
        self.ledger = Ledger(self.store, self.clock, "test")
        self.service = BounceService(
            store=self.store,
            ledger=self.ledger,
            tasks=self.tasks,
            fingerprints=PRINTS,
            clock=self.clock,
            environment="test",
            creates_tasks=creates_tasks,
            language=Language.ENGLISH,
        )

    async def use(self, contact: str, *keys: RecordKey, consent: Consent = Consent.ALLOWS) -> None:
        held = (await self.ledger.claim([contact]))[contact]
        await self.ledger.release([replace(held, users=dict.fromkeys(keys, consent))])

    async def reason(self, contact: str = external_id(1)) -> Reason | None:
        return (await self.service.reasons([contact])).get(contact)


@pytest.fixture
async def world() -> World:
    opened = World()
    await opened.use(external_id(1), ANN)
    return opened


async def test_bnc_09_c_14_the_owner_of_each_record_gets_a_task(world: World) -> None:
    await world.use(external_id(1), ANN, LEAD)
    await world.use(external_id(2), BOB)
    concerned = await world.service.note([bounce(external_id(1)), bounce(external_id(2), "SOFTBOUNCE")])
    assert list(concerned) == [ANN, BOB, LEAD]
    assert world.tasks.open_tasks() == [ANN, LEAD]
    assert world.tasks.task_of(ANN).subject == task_text(Reason.HARD_BOUNCE, Language.ENGLISH).subject
    assert (await world.reason(external_id(1)), await world.reason(external_id(2))) == (Reason.HARD_BOUNCE, None)


async def test_a_repetition_never_makes_a_second_task_and_names_the_same_records(world: World) -> None:
    first = await world.service.note([bounce(day=1)])
    assert await world.service.note([bounce(day=1), bounce(day=2, mailing="m-2")]) == first == [ANN]
    assert world.tasks.created == [1]


@pytest.mark.parametrize("moment", range(7))
async def test_a_worker_that_dies_anywhere_leaves_one_task_behind(world: World, moment: int) -> None:
    world.store.faults.plan(moment, CrashError())
    try:
        await world.service.note([bounce()])
    except CrashError:
        await world.service.note([bounce()])
    assert world.tasks.open_tasks() == [ANN]
    assert await world.reason() is Reason.HARD_BOUNCE


async def test_bnc_11_the_task_is_completed_when_the_address_changes(world: World) -> None:
    await world.service.note([bounce()])
    await world.service.solved([external_id(1), external_id(99)])
    assert world.tasks.open_tasks() == []
    assert await world.reason() is None
    await world.service.solved([external_id(1)])
    assert world.tasks.completed == [1]


async def test_a_task_that_a_person_completed_is_not_created_again_for_the_same_address(world: World) -> None:
    await world.service.note([bounce()])
    world.tasks.open.clear()
    await world.service.note([bounce(day=1, mailing="m-2")])
    assert world.tasks.open_tasks() == []


async def test_the_next_address_that_does_not_work_gets_a_task_of_its_own(world: World) -> None:
    await world.service.note([bounce(day=1)])
    await world.service.solved([external_id(1)])
    await world.service.note([bounce(day=40, email="wrong@example.com")])
    assert world.tasks.open_tasks() == [ANN]
    assert len(world.tasks.tasks) == 2


async def test_an_address_changed_in_spotler_alone_ends_the_task_of_the_old_one(world: World) -> None:
    await world.service.note([bounce(day=1), bounce(day=2, email="wrong@example.com")])
    await world.service.note([bounce(day=3, email="worse@example.com")])
    assert world.tasks.open_tasks() == [ANN]
    assert world.tasks.task_of(ANN).id == task_id(ANN, PRINTS.address("worse@example.com"))


async def test_c_14_without_the_setting_there_are_no_tasks_but_notes() -> None:
    world = World(creates_tasks=False)
    await world.use(external_id(1), ANN)
    assert await world.service.note([bounce()]) == [ANN]
    assert not world.tasks.tasks
    assert await world.reason() is Reason.HARD_BOUNCE


async def test_a_record_that_refuses_all_mail_needs_no_task(world: World) -> None:
    await world.use(external_id(1), ANN, consent=Consent.NO_MAIL)
    await world.service.note([bounce()])
    assert not world.tasks.tasks


async def test_a_bounce_without_an_address_gets_a_task_too(world: World) -> None:
    await world.service.note([bounce(email="")])
    await world.service.note([bounce(email="", day=1, mailing="m-2")])
    assert len(world.tasks.tasks) == 1


async def test_contacts_that_cannot_be_ours_and_unknown_kinds_are_passed_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await world.service.note([bounce(""), bounce("Zoë"), bounce(kind="MEDIUM")]) == []
    assert caplog.messages == ["1 bounces of a kind that the connector does not know"]
    assert await world.service.note([]) == []
    assert await world.service.of(["", "Zoë"]) == {}


async def test_tasks_that_cannot_be_written_hold_nothing_up_and_are_made_up_for_at_night(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.tasks.broken = ConfigurationError("the role may not create tasks")
    with caplog.at_level(logging.WARNING):
        assert await world.service.note([bounce()]) == [ANN]
    assert "the role may not create tasks" in caplog.text
    world.tasks.broken = None
    await world.service.maintain()
    assert world.tasks.open_tasks() == [ANN]
    world.tasks.broken = ConfigurationError("the role may not complete tasks")
    await world.service.solved([external_id(1)])
    world.tasks.broken = None
    await world.service.maintain()
    assert world.tasks.open_tasks() == []


async def test_a_record_that_found_another_contact_is_not_asked_for_an_address_any_more(world: World) -> None:
    await world.use(external_id(1), ANN, LEAD)
    await world.service.note([bounce()])
    await world.use(external_id(1), LEAD)
    await world.service.maintain()
    assert world.tasks.open_tasks() == [LEAD]


async def test_a_record_that_joins_later_gets_its_task_at_night(world: World) -> None:
    await world.service.note([bounce()])
    await world.use(external_id(1), ANN, LEAD)
    await world.service.maintain()
    assert world.tasks.open_tasks() == [ANN, LEAD]


UNUSED = external_id(77)


@pytest.mark.parametrize(("days", "kept"), [(20, {external_id(1), UNUSED}), (130, {external_id(1)})])
async def test_notes_of_contacts_without_records_are_deleted_after_a_while(
    world: World, days: int, kept: set[str]
) -> None:
    await world.service.note([bounce(), bounce(UNUSED)])
    world.clock.advance(timedelta(days=days))

    await world.service.maintain()

    assert set(await world.service.of([external_id(1), UNUSED])) == kept


async def test_a_hundred_bounces_cost_two_requests_to_dataverse_and_a_few_to_the_store(world: World) -> None:
    for number in range(100):
        await world.use(external_id(number), RecordKey(PersonTable.CONTACT, UUID(int=number + 1)))
    world.store.calls.clear()
    await world.service.note([bounce(external_id(number)) for number in range(100)])
    assert world.tasks.created == [100]
    assert sum(world.store.calls.values()) <= 5
    world.store.calls.clear()
    assert len(await world.service.of([external_id(number) for number in range(100)])) == 100
    assert world.store.calls == {"read": 1}


async def test_bnc_13_the_report_lists_records_with_a_problem(world: World) -> None:
    await world.use(external_id(2), BOB, LEAD)
    await world.service.note(
        [bounce(external_id(1)), bounce(external_id(3)), *(bounce(external_id(2), "SOFT", day) for day in range(4))]
    )
    await world.service.note([bounce(external_id(4), "SOFT")])
    rows = bounce_rows(await world.service.report())
    assert [(row["record"], row["externalId"], row["kind"]) for row in rows] == [
        (str(ANN), external_id(1), "hard"),
        (str(BOB), external_id(2), "soft"),
        (str(LEAD), external_id(2), "soft"),
        ("", external_id(3), "hard"),
    ]
    assert rows[0]["since"] == "2026-02-01T00:00:00+00:00"
    assert rows[1]["softBounces"] == "4"
    assert rows[0]["task"] == str(world.tasks.task_of(ANN).id)
    assert rows[3]["task"] == ""


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_the_report_comes_in_portions(world: World, limit: int) -> None:
    await world.service.note([bounce(external_id(number)) for number in range(5)])
    found: list[str] = []
    after_this = ""
    while True:
        part = await world.service.report(after=after_this, limit=limit)
        found += [row["externalId"] for row in bounce_rows(part)]
        if not (after_this := part.following):
            break
    assert found == [external_id(number) for number in range(5)]


async def test_nothing_personal_is_kept(world: World) -> None:
    await world.service.note([bounce()])
    assert "ann@" not in bodies(world.store.documents)
