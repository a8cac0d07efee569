"""Sessions are signed, end, and belong to one user; the link of a machine works once."""

from __future__ import annotations

import pytest

from shared.console.access.roles import Role, User, role_of
from shared.console.access.sessions import LINK_TOKEN, Session, Sessions, entra_session, use_link
from tests.twins.state import TwinStore

KEY = b"0123456789abcdef"
ANN = Session(User("ann", Role.OPERATOR), "random")


def test_a_cookie_is_read_by_whoever_has_the_key() -> None:
    assert Sessions(KEY).read(Sessions(KEY).write(ANN)) == ANN
    assert Sessions(b"another key which").read(Sessions(KEY).write(ANN)) is None


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "WyJhIl0.aaaa.bbbb"])
def test_what_was_not_signed_is_no_session(cookie: str) -> None:
    assert Sessions(KEY).read(cookie) is None


def test_a_notice_is_no_session_and_the_other_way_round() -> None:
    sessions = Sessions(KEY)

    assert sessions.read(sessions.write_notice(["random", "ann", "administrator"])) is None
    assert sessions.read_notice(sessions.write(ANN)) is None


def test_a_token_belongs_to_one_session_of_one_user() -> None:
    sessions = Sessions(KEY)
    token = sessions.token(ANN)

    assert sessions.accepts(ANN, token)
    assert not sessions.accepts(Session(ANN.user, "other"), token)
    assert not sessions.accepts(Session(User("bob", Role.OPERATOR), "random"), token)
    assert not sessions.accepts(ANN, "")
    assert not sessions.accepts(ANN, "é")


@pytest.mark.parametrize(
    ("app_roles", "role"),
    [
        ({"Spotler.Reader"}, Role.READER),
        ({"Spotler.Reader", "Spotler.Administrator"}, Role.ADMINISTRATOR),
        ({"Administrator"}, None),
        (set(), None),
    ],
)
def test_the_highest_role_of_entra_counts(app_roles: set[str], role: Role | None) -> None:
    assert role_of(app_roles) is role


def test_a_role_that_was_taken_away_is_gone_at_the_next_request() -> None:
    known = Session(User("ann", Role.ADMINISTRATOR), "random")

    later = entra_session(known, "ann", frozenset({"Spotler.Reader"}))
    assert later == Session(User("ann", Role.READER), "random")
    assert entra_session(known, "ann", frozenset()) is None
    other = entra_session(known, "bob", frozenset({"Spotler.Reader"}))
    assert other is not None
    assert other.id != "random", "the cookie of somebody else is not used"


async def test_a_link_works_once_and_only_where_one_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TwinStore()
    assert await use_link(store, "test", "", Role.ADMINISTRATOR) is None
    monkeypatch.setenv(LINK_TOKEN, "secret")

    assert await use_link(store, "test", "guess", Role.ADMINISTRATOR) is None
    session = await use_link(store, "test", "secret", Role.READER)
    assert session is not None
    assert session.user.role is Role.READER
    assert await use_link(store, "test", "secret", Role.ADMINISTRATOR) is None
