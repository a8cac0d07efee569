"""Whose values a user sees: by the own rights in Dynamics after a sign-in with Entra, else by the role."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from shared.composition import app
from shared.console.access.roles import Role, User
from shared.console.access.values import readable
from shared.console.rendering.locale import Locale
from shared.console.web import Method, Visit, WebRequest
from shared.domain.records.records import PersonTable, RecordKey

ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
SELLER = UUID(int=20)


class Readers:
    """A Dynamics in which one seller may read one record."""

    async def readable(self, account: UUID, keys: Collection[RecordKey]) -> frozenset[RecordKey]:
        return frozenset({ANN} & {*keys}) if account == SELLER else frozenset()


def visit(user: str, role: Role, *, sign_in_is_on: bool) -> Visit:
    request = WebRequest(Method.GET, (), sign_in_is_on=sign_in_is_on)
    return Visit(request, User(user, role), Locale("en"), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("user", "role", "sign_in_is_on", "seen"),
    [
        (str(SELLER), Role.READER, True, {ANN}),
        (str(UUID(int=21)), Role.ADMINISTRATOR, True, set()),
        ("no id of Entra", Role.ADMINISTRATOR, True, set()),
        ("local", Role.ADMINISTRATOR, False, {ANN, BOB}),
        ("local", Role.READER, False, set()),
    ],
)
async def test_values_are_for_whoever_may_read_the_record(
    user: str, role: Role, *, sign_in_is_on: bool, seen: set[RecordKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def services() -> SimpleNamespace:
        return SimpleNamespace(readers=Readers())

    monkeypatch.setattr(app, "services", services)

    assert await readable(visit(user, role, sign_in_is_on=sign_in_is_on), [ANN, BOB]) == seen
