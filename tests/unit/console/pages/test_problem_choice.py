"""Filters of *Problems* and of the audit log let through what has all that was chosen; other codes are refused."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

import pytest

from shared.console.access.audit import AuditChoice, AuditLog
from shared.console.access.roles import Role, User
from shared.console.pages.problems.choice import ActorCode, Choice, Since, chosen, search
from shared.console.web import Method, Redirect, RefusedError, Visit, WebRequest
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.messages.lane_messages import references_body
from shared.ports.queue import DeadLetter, QueueName
from tests.connector_twin import ConnectorTwin
from tests.unit.console.test_rendering import EN, NOW

ANN = RecordKey(PersonTable.CONTACT, UUID(int=0xA001))


def letter(reason: Reason = Reason.GAVE_UP, hours: float = 0, key: RecordKey = ANN) -> DeadLetter:
    body = references_body([Reference(key, Why.SAVED, "walk-of-monday")])
    return DeadLetter("1", QueueName.LIVE, reason, "", body, "letter-7", NOW - timedelta(hours=hours))


def visit(query: dict[str, str] | None = None, form: dict[str, str] | None = None) -> Visit:
    request = WebRequest(Method.GET, query=query or {}, form=form or {})
    return Visit(request, User("u", Role.ADMINISTRATOR), EN, NOW)


@pytest.mark.parametrize(
    ("choice", "is_included"),
    [
        (Choice(), True),
        (Choice(actor=ActorCode.OPERATOR), True),
        (Choice(actor=ActorCode.OWNER), False),
        (Choice(table=PersonTable.CONTACT), True),
        (Choice(table=PersonTable.LEAD), False),
        (Choice(since=Since.DAY), True),
        (Choice(since=Since.HOUR), False),
        (Choice(id=str(ANN.id).upper()), True),
        (Choice(id="of-monday"), True),
        (Choice(id="letter-7"), True),
        (Choice(id="letter-8"), False),
        (Choice(actor=ActorCode.OPERATOR, table=PersonTable.LEAD), False),
    ],
)
def test_a_letter_must_have_all_that_was_chosen(choice: Choice, *, is_included: bool) -> None:
    assert choice.includes(letter(hours=2), NOW) is is_included


def test_a_choice_survives_in_the_address() -> None:
    choice = Choice(ActorCode.OWNER, PersonTable.LEAD, Since.WEEK, "letter-7")

    assert chosen(visit(choice.query)) == choice
    assert Choice().query == {}


@pytest.mark.parametrize(
    "query", [{"actor": "nobody"}, {"table": "phone"}, {"since": "ever"}, {"id": "short"}, {"id": "ann@example.nl"}]
)
def test_an_address_with_something_else_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as refusal:
        chosen(visit(query))
    assert refusal.value.status is HTTPStatus.BAD_REQUEST


async def test_a_search_leads_to_an_address_with_the_id() -> None:
    found = await search(visit(form={"id": f"contact:{ANN.id}"}))

    assert isinstance(found, Redirect)
    assert found.to == f"/console/problems?id={ANN.id}"


@pytest.mark.parametrize("text", ["", "ann@example.nl", "Ann Jansen", "7"])
async def test_a_search_for_no_id_leads_nowhere(text: str) -> None:
    with pytest.raises(RefusedError):
        await search(visit(form={"id": text}))


# ------------------------------------------------------------------------------------------------------ audit log


@pytest.mark.parametrize(
    ("choice", "subjects"),
    [
        (AuditChoice(), ["c", "b", "a"]),
        (AuditChoice(act="replay"), ["c", "a"]),
        (AuditChoice(user="EVE"), ["b"]),
        (AuditChoice(subject="A"), ["a"]),
        (AuditChoice(is_refused=True), ["b"]),
        (AuditChoice(is_refused=False), ["c", "a"]),
        (AuditChoice(act="replay", is_refused=True), []),
    ],
)
async def test_acts_must_have_all_that_was_chosen(choice: AuditChoice, subjects: list[str]) -> None:
    twin = ConnectorTwin()
    log = AuditLog(twin.store, twin.clock, "test")
    for user, act, subject, result in [
        ("adam", "replay", "a", "ok"),
        ("eve", "discard", "b", "409"),
        ("adam", "replay", "c", "ok"),
    ]:
        twin.clock.advance(timedelta(minutes=1))
        await log.note(user, "operator", act, subject, result)

    assert [one.subject async for one in log.every(choice)] == subjects


async def test_a_page_of_chosen_acts_goes_on_where_the_former_one_ended() -> None:
    twin = ConnectorTwin()
    log = AuditLog(twin.store, twin.clock, "test")
    for number in range(10):
        twin.clock.advance(timedelta(minutes=1))
        await log.note("adam", "operator", "replay" if number % 2 else "discard", f"n{number}")
    since = twin.clock.now() - timedelta(minutes=7, seconds=30)
    choice = AuditChoice(act="replay", since=since)

    first, after = await log.latest(choice, limit=2)
    second, end = await log.latest(choice, limit=2, after=after)

    assert [one.subject for one in first] == ["n9", "n7"]
    assert [one.subject for one in second] == ["n5", "n3"]
    assert end == ""
