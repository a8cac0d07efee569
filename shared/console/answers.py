"""Writes answers: security headers, cookies, and a page in its layout."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from shared.console.access.roles import Role
from shared.console.menu import MENU, entry_of
from shared.console.rendering.locale import Locale
from shared.console.rendering.templates import render
from shared.console.rendering.words import LANGUAGES, said
from shared.console.web import ROOT, Page, WebAnswer, WebRequest

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No inline script or style, nothing from another host, in nobody's frame."""

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

ROLE_NAMES = {
    Role.READER: said("Reader"),
    Role.OPERATOR: said("Operator"),
    Role.ADMINISTRATOR: said("Administrator"),
}

THEMES = ("light", "dark")


def cookie(name: str, value: str, request: WebRequest, *, seconds: int | None = None) -> str:
    """Return a `Set-Cookie` value: for the console alone, out of reach of scripts and of other sites' forms.

    `Lax` lets the link in Dynamics open the console with its session.
    """
    parts = [f"{name}={value}", f"Path={ROOT}", "HttpOnly", "SameSite=Lax"]
    if request.secure:
        parts.append("Secure")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    return "; ".join(parts)


def moved(to: str, cookies: tuple[str, ...] = ()) -> WebAnswer:
    """Let the browser load another page."""
    return WebAnswer(status=HTTPStatus.SEE_OTHER, headers={**SECURITY, "Location": to}, cookies=cookies)


def page_answer(
    page: Page,
    request: WebRequest,
    locale: Locale,
    role: Role,
    *,
    token: str,
    environment: Any = None,
    notice: Any = None,
    badges: Mapping[str, Any] | None = None,
    mode: Any = None,
) -> WebAnswer:
    """Render a page. `environment` are the settings, None while they cannot be read."""
    theme = request.cookies.get("console_theme", "")
    layout = {
        "token": token,
        "role": role,
        "role_name": locale.say(ROLE_NAMES[role]),
        "Role": Role,
        "environment": environment.environment if environment is not None else "",
        "is_live": environment.sync_enabled if environment is not None else True,
        "mode": mode.mode if mode is not None else "live",
        "change": mode,
        "languages": LANGUAGES,
        "menu": MENU,
        "current": entry_of(request.path[0] if request.path else ""),
        "here": "/".join((ROOT, *request.path)),
        "badges": badges or {},
        "notice": notice,
        "theme": theme if theme in THEMES else "",
    }
    text = render(page.template, locale, datetime.now(UTC), {**layout, **page.values})
    return WebAnswer(text.encode(), page.status, headers={**SECURITY, "Content-Language": locale.language})
