"""Sign-in: Entra through App Service Authentication; on a machine without it, the one-time link of `make run`."""

from http import HTTPStatus

from shared.composition import app
from shared.console.access.roles import Role, role_of_code
from shared.console.access.sessions import SESSION, Sessions, link_token, use_link
from shared.console.answers import cookie, moved, page_answer
from shared.console.rendering.locale import Locale
from shared.console.rendering.words import said
from shared.console.web import ROOT, Page, WebAnswer, WebRequest

_LOGIN = f"/.auth/login/aad?post_login_redirect_uri={ROOT}"
"""App Service's own page; it returns to the console."""


async def begin(request: WebRequest, sessions: Sessions, locale: Locale) -> WebAnswer:
    """Begin a session with the one-time link: `?token=…`, and `&as=reader` to see what a reader sees."""
    role = role_of_code(request.query.get("as", "")) or Role.ADMINISTRATOR
    services = await app.services()
    session = await use_link(services.store, services.settings.environment, request.query.get("token", ""), role)
    if session is None:
        return sign_in_page(request, locale)
    return moved(ROOT, (cookie(SESSION, sessions.write(session), request),))


def sign_in_page(request: WebRequest, locale: Locale) -> WebAnswer:
    """Say how to sign in; with App Service Authentication, go there."""
    if request.sign_in_is_on and request.signed_in is None:
        return moved(_LOGIN)
    if request.sign_in_is_on:
        text, status = (
            said(
                "Your account has no role in the console. Somebody assigns Spotler.Reader, Spotler.Operator or "
                "Spotler.Administrator under Enterprise applications in Microsoft Entra."
            ),
            HTTPStatus.FORBIDDEN,
        )
    elif link_token():
        text, status = (
            said("Open the link that the connector printed when it started. It works once; a restart prints another."),
            HTTPStatus.UNAUTHORIZED,
        )
    else:
        text, status = (
            said("Switch on App Service Authentication for this app: the console lets nobody in without it."),
            HTTPStatus.UNAUTHORIZED,
        )
    page = Page("sign_in.html", {"title": said("Sign in"), "text": text}, status)
    return page_answer(page, request, locale, Role.READER, token="")
