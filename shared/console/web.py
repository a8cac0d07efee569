"""Requests and answers of the console, free of Azure Functions, and what a page function receives and returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from shared.console.access.roles import Role, User
from shared.console.rendering.locale import Locale
from shared.console.rendering.words import Said

ROOT = "/console"


class Method(StrEnum):
    """The methods that the console takes: POST for every act, GET for everything else."""

    GET = "GET"
    POST = "POST"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A caller whom App Service Authentication has let in: object id in Entra, and app roles."""

    id: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request as it arrives. `path` has the segments below `/console`; `form` the last value of each field.

    `signed_in` is None where nobody has signed in; `sign_in_is_on` whether App Service could ask somebody to.
    """

    method: Method
    path: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secure: bool = False
    signed_in: SignedIn | None = None
    sign_in_is_on: bool = False


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer. `cookies` are whole `Set-Cookie` values."""

    body: bytes = b""
    status: int = HTTPStatus.OK
    media_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


class Tone(StrEnum):
    """How a chip or a message looks: each tone has its own icon, so that a grey print tells them apart."""

    OK = "ok"
    INFO = "info"
    NEUTRAL = "neutral"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Notice:
    """The result of an act, shown once above the page: words, and numbers, ids or codes to fill in."""

    tone: Tone
    text: Said
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page function receives: who asks for what, when, and in which language.

    `parts` are the values of the placeholders in the route's pattern.
    """

    request: WebRequest
    user: User
    locale: Locale
    now: datetime
    parts: tuple[str, ...] = ()

    def may(self, role: Role) -> bool:
        """Whether the user has this role, or a higher one."""
        return self.user.role >= role

    @property
    def sees_values(self) -> bool:
        """Whether the user may see values of people."""
        return self.may(Role.ADMINISTRATOR)

    def asked(self, name: str) -> str:
        """Return a query parameter, stripped; empty if it is missing."""
        return self.request.query.get(name, "").strip()

    def given(self, name: str) -> str:
        """Return a field of the form, stripped; empty if it is missing."""
        return self.request.form.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that a template renders. A fragment stands without the layout around it."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = HTTPStatus.OK
    is_fragment: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """An act is done: the browser loads `to`, which shows the notice, and keeps the cookies `kept` for some seconds."""

    to: str
    notice: Notice | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    kept_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new for a part that polls; with `ended` it asks no more."""

    ended: bool = False


Reply = Page | Redirect | Download | Unchanged


class RefusedError(Exception):
    """A request that cannot be answered: a status, and a sentence that says what to do instead."""

    def __init__(self, status: HTTPStatus, text: Said, **values: str | int) -> None:
        """`values` fill in the text; they are numbers, ids or codes."""
        super().__init__(text)
        self.status = status
        self.text = text
        self.values = values


def link(*parts: str, **query: str | int) -> str:
    """Return an address of the console: ids, codes and filters only, never a name or an address of a person."""
    path = "/".join((ROOT, *(quote(part, safe=":") for part in parts)))
    asked = {name: value for name, value in query.items() if value != ""}
    return f"{path}?{urlencode(asked)}" if asked else path
