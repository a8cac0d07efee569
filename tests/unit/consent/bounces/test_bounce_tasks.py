"""Whose task a bounce is, and how the task ends (BNC-09, BNC-11, C-14)."""

from __future__ import annotations

import logging

import pytest

from shared.domain.consent.bounce_text import Language, task_text
from shared.domain.consent.bounces import task_id
from shared.domain.records.outcomes import Reason
from shared.engine.bindings.contact_documents import Consent
from shared.errors import ConfigurationError
from tests.twins import CrashError
from tests.unit.consent.bounces.bouncing import ANN, BOB, LEAD, PRINTS, World, bounce, external_id

_PROBLEMS = (Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE)


@pytest.mark.parametrize(("code", "language"), [(1043, "nl"), (2067, "nl"), (1033, "en"), (1031, "en"), (None, "en")])
def test_tasks_are_in_dutch_or_in_english(code: int | None, language: str) -> None:
    assert Language.of(code) == language


def test_a_task_contains_instructions_and_no_address() -> None:
    texts = {(language, reason): task_text(reason, language) for language in Language for reason in _PROBLEMS}
    assert len({text.description for text in texts.values()}) == 4
    assert all(len(text.subject) <= 200 and len(text.description) <= 2000 for text in texts.values())
    assert "correct" in texts[Language.ENGLISH, Reason.HARD_BOUNCE].subject
    assert "corrigeren" in texts[Language.DUTCH, Reason.SOFT_BOUNCE].subject


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
