"""Sessions: a signed cookie, a token in every form, and the one-time link of a machine without App Service.

The signing key is derived from the fingerprint key, so that every instance of the app has it and none stores it.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.console.access.roles import Role, User, role_of, role_of_code
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.ports.documents import read_one, versioned
from shared.ports.state import DocumentKey, StateStore

SESSION, NOTICE = "console_session", "console_notice"
"""The cookies that are signed."""

LIFETIME = timedelta(hours=12)
_NOTICE_LIFETIME = timedelta(minutes=2)

LINK_TOKEN = "CONSOLE_LINK_TOKEN"  # noqa: S105  # the name of a variable
"""The variable in which `make run` and `python -m shared host` hand the token of their one-time link to the app."""

_LOCAL = "local"
_USED = "used-link"


@dataclass(frozen=True, slots=True)
class Session:
    """A user, and the random id that the tokens of the user's forms depend on."""

    user: User
    id: str


class Sessions:
    """Signs and reads the cookies of one environment."""

    def __init__(self, key: bytes) -> None:
        """`key` is the fingerprint key; another key is derived from it."""
        from itsdangerous import URLSafeTimedSerializer  # noqa: PLC0415  # not before the console is used

        self._key = hmac.new(key, b"console", hashlib.sha256).digest()
        self._cookies = URLSafeTimedSerializer(self._key, salt="session")
        self._notices = URLSafeTimedSerializer(self._key, salt="notice")

    def write(self, session: Session) -> str:
        """Return the value of the session's cookie."""
        return str(self._cookies.dumps([session.id, session.user.id, session.user.role.code]))

    def read(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if it is missing, too old or not signed here."""
        found = _loaded(self._cookies, cookie, LIFETIME)
        match found:
            case [str(identifier), str(user), str(code)] if (role := role_of_code(code)) is not None:
                return Session(User(user, role), identifier)
            case _:
                return None

    def write_notice(self, notice: Any) -> str:
        """Return the value of the cookie that carries the result of an act to the next page."""
        return str(self._notices.dumps(notice))

    def read_notice(self, cookie: str) -> Any:
        """Return what `write_notice` wrote; None if it is missing, too old or not signed here."""
        return _loaded(self._notices, cookie, _NOTICE_LIFETIME)

    def token(self, session: Session) -> str:
        """Return the token that every form of a session sends."""
        text = f"token {session.id} {session.user.id}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    def accepts(self, session: Session, token: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.token(session).encode(), token.encode())


def _loaded(serializer: Any, cookie: str, lifetime: timedelta) -> Any:
    from itsdangerous import BadData  # noqa: PLC0415  # see above

    if not cookie:
        return None
    try:
        return serializer.loads(cookie, max_age=int(lifetime.total_seconds()))
    except BadData:
        return None


def entra_session(known: Session | None, user_id: str, app_roles: frozenset[str]) -> Session | None:
    """Return the session of a caller whom App Service has let in; None without a role of the console.

    The role is read anew at every request. A cookie of somebody else is not used.
    """
    role = role_of(app_roles)
    if role is None:
        return None
    identifier = known.id if known is not None and known.user.id == user_id else secrets.token_urlsafe(16)
    return Session(User(user_id, role), identifier)


def link_token(environment: Mapping[str, str] = os.environ) -> str:
    """Return the token of the one-time link; empty if no link was made."""
    return environment.get(LINK_TOKEN, "")


async def use_link(store: StateStore, environment: str, given: str, role: Role) -> Session | None:
    """Begin a session with the one-time link; None if the token is wrong or was used before."""
    expected = link_token()
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        return None
    key = DocumentKey(f"{environment}-console", _USED)
    digest = hashlib.sha256(given.encode()).hexdigest()
    known = await read_one(store, key)
    if known is not None and known.body["digest"] == digest:
        return None
    (etag,) = await store.write([versioned(key, {"digest": digest}, known.etag if known else None)])
    if etag is None:
        raise ConflictError(StateCause.LINK_USED(), service=Service.STATE)
    return Session(User(_LOCAL, role), secrets.token_urlsafe(16))
