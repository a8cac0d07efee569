"""Answers a request: static files, sign-in, access, the token of a form, the page, the audit log.

Every act is a POST with the token of the session. Pages are never stored by a browser; static files always are.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shared.composition import app
from shared.console.access.audit import AuditLog
from shared.console.access.roles import Role, User
from shared.console.access.sessions import NOTICE, SESSION, Session, Sessions, entra_session
from shared.console.answers import SECURITY, cookie, moved, page_answer
from shared.console.messages import failed, recovery_of
from shared.console.rendering.locale import Locale, Times, zone_of
from shared.console.rendering.templates import static_file
from shared.console.rendering.words import language_of, said
from shared.console.routes import NOT_IN_SHADOW, Route, match
from shared.console.sign_in import begin, sign_in_page
from shared.console.web import (
    Download,
    Method,
    Notice,
    Page,
    Redirect,
    RefusedError,
    Reply,
    Tone,
    Unchanged,
    Visit,
    WebAnswer,
    WebRequest,
    link,
)
from shared.errors import ConnectorError

log = logging.getLogger(__name__)

_STATIC, _SIGN_IN = "static", "sign-in"
_FOR_GOOD = "public, max-age=31536000, immutable"
_STOP_POLLING = 286
_ANOTHER_SITE = frozenset({"cross-site", "same-site"})


async def answer(request: WebRequest) -> WebAnswer:
    """Answer a request. Raises nothing but defects."""
    if request.path[:1] == (_STATIC,):
        return _static(request)
    locale = await _locale_of(request)
    try:
        sessions = Sessions((await (await app.services()).keys.ring()).first_key)
        if request.path == (_SIGN_IN,) and request.method is Method.GET and not request.sign_in_is_on:
            return await begin(request, sessions, locale)
        session = _session_of(request, sessions)
        if session is None:
            return sign_in_page(request, locale)
        return await _Turn(request, sessions, session, locale).answer()
    except ConnectorError as error:
        return page_answer(failed(error), request, locale, Role.READER, token="")


class _Turn:
    """One request of a user with a session."""

    def __init__(self, request: WebRequest, sessions: Sessions, session: Session, locale: Locale) -> None:
        self._request = request
        self._sessions = sessions
        self._session = session
        self._locale = locale

    async def answer(self) -> WebAnswer:
        """Find the page, check access, and answer."""
        try:
            route, parts = self._route()
            await self._check(route)
            reply = await self._reply(route, parts)
        except RefusedError as refused:
            values = {"heading": refused.text, "values": refused.values, "title": refused.text}
            reply = Page("refused.html", values, refused.status)
        return await self._written(reply)

    def _route(self) -> tuple[Route, tuple[str, ...]]:
        found = match(self._request.method, self._request.path)
        if found is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such page. The menu has those that there are."))
        return found

    async def _check(self, route: Route) -> None:
        if self._request.method is Method.POST:
            other_site = self._request.headers.get("sec-fetch-site", "") in _ANOTHER_SITE
            if other_site or not self._sessions.accepts(self._session, self._request.form.get("token", "")):
                raise RefusedError(
                    HTTPStatus.FORBIDDEN,
                    said("This form was not made for your session. Load the page again, then repeat what you did."),
                )
        if self._user.role < route.role:
            raise RefusedError(HTTPStatus.FORBIDDEN, _NEEDS[route.role])
        if route.act in NOT_IN_SHADOW and await app.is_shadow():
            raise RefusedError(HTTPStatus.CONFLICT, said("Nothing is written in shadow mode. Go live first."))

    @property
    def _user(self) -> User:
        return self._session.user

    async def _reply(self, route: Route, parts: tuple[str, ...]) -> Reply:
        services = await app.services()
        visit = Visit(self._request, self._user, self._locale, services.clock.now(), parts)
        if not route.act:
            return await _asked(route, visit)
        result = "failed"
        try:
            reply = await route.handler(visit)
            result = "ok"
        except RefusedError as refused:
            result = str(refused.status.value)
            raise
        except ConnectorError as error:
            result = error.recovery
            return _not_done(error, self._locale)
        finally:
            log_ = AuditLog(services.store, services.clock, services.settings.environment)
            await log_.note(self._user.id, self._user.role.code, route.act, ":".join(parts), result)
        return reply

    async def _written(self, reply: Reply) -> WebAnswer:
        match reply:
            case Redirect(to, notice, kept, seconds):
                chosen = [cookie(name, value, self._request, seconds=seconds) for name, value in kept.items()]
                return moved(to, (*(() if kept else self._cookies(notice)), *chosen))
            case Download(content, media_type, name):
                headers = {**SECURITY, "Content-Disposition": f'attachment; filename="{name}"'}
                return WebAnswer(content, HTTPStatus.OK, media_type, headers)
            case Unchanged(ended):
                return WebAnswer(status=_STOP_POLLING if ended else HTTPStatus.NO_CONTENT, headers=SECURITY)
            case Page():
                return await self._page(reply)

    async def _page(self, page: Page) -> WebAnswer:
        settings = (await app.services()).settings
        notice = None if page.is_fragment else self._sessions.read_notice(self._request.cookies.get(NOTICE, ""))
        cookies = list(self._cookies(None))
        if notice is not None:
            cookies.append(cookie(NOTICE, "", self._request, seconds=0))
        answered = page_answer(
            page,
            self._request,
            self._locale,
            self._user.role,
            token=self._sessions.token(self._session),
            environment=settings,
            notice=notice,
            badges={} if page.is_fragment else await _badges(),
            mode=None if page.is_fragment else await app.mode(),
        )
        return WebAnswer(answered.body, answered.status, answered.media_type, answered.headers, tuple(cookies))

    def _cookies(self, notice: Notice | None) -> tuple[str, ...]:
        """Return the session's cookie where the browser has another one, and the notice for the next page."""
        written = []
        if self._sessions.read(self._request.cookies.get(SESSION, "")) != self._session:
            written.append(cookie(SESSION, self._sessions.write(self._session), self._request))
        if notice is not None:
            content = {"tone": notice.tone, "text": notice.text, "values": dict(notice.values)}
            written.append(cookie(NOTICE, self._sessions.write_notice(content), self._request, seconds=120))
        return tuple(written)


_NEEDS = {
    Role.READER: said("Only a reader of the console can see this."),
    Role.OPERATOR: said("Only an operator can do this. Ask for the app role Spotler.Operator."),
    Role.ADMINISTRATOR: said("Only an administrator can do this. Ask for the app role Spotler.Administrator."),
}


async def _asked(route: Route, visit: Visit) -> Reply:
    try:
        return await route.handler(visit)
    except ConnectorError as error:
        page = failed(error)
        return Page("parts/failed.html", page.values, HTTPStatus.OK, is_fragment=True) if route.is_part else page


def _not_done(error: ConnectorError, locale: Locale) -> Redirect:
    """Return to the overview with what went wrong; the text names service and code, no values.

    Cause and cure are in the reader's language here already: the cookie of the notice keeps no templates.
    """
    values = {name: locale.tell(text) for name, text in recovery_of(error).items()}
    return Redirect(link(), Notice(Tone.BAD, said("Not done: %(cause)s. %(cure)s"), values))


def _static(request: WebRequest) -> WebAnswer:
    found = static_file(request.path[1]) if len(request.path) == 2 else None  # noqa: PLR2004  # static/{name}
    if found is None or request.method is not Method.GET:
        return WebAnswer(status=HTTPStatus.NOT_FOUND, headers=SECURITY)
    content, media_type = found
    return WebAnswer(content, HTTPStatus.OK, media_type, {**SECURITY, "Cache-Control": _FOR_GOOD})


def _session_of(request: WebRequest, sessions: Sessions) -> Session | None:
    known = sessions.read(request.cookies.get(SESSION, ""))
    if not request.sign_in_is_on:
        return known
    if request.signed_in is None:
        return None
    return entra_session(known, request.signed_in.id, request.signed_in.roles)


async def _locale_of(request: WebRequest) -> Locale:
    chosen = request.cookies.get("console_language", "")
    language = language_of(chosen, request.headers.get("accept-language", ""))
    times = Times.ABSOLUTE if request.cookies.get("console_times") == Times.ABSOLUTE else Times.AGO
    return Locale(language, zone_of(request.cookies.get("console_zone", "")), times)


async def _badges() -> Mapping[str, Any]:
    from shared.console.pending import badges  # noqa: PLC0415  # reads what the pages read

    return await badges()
