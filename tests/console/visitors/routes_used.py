"""Which routes of the console a browser test uses: what it declares, and what its browser was answered.

A test declares pages and parts by `@pytest.mark.visits("mapping")`, and acts by `@pytest.mark.presses("mode/live")`.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Response

from shared.console.routes import ROUTES, Route, match
from shared.console.web import ROOT, Method

_METHODS = {"visits": Method.GET, "presses": Method.POST}
_BY_NAME = {(route.method, route.pattern): route for route in ROUTES}


class RoutesUsed:
    """The routes that browsers were answered since `clear`; one that was refused was not used."""

    def __init__(self) -> None:
        self._routes: set[Route] = set()

    def clear(self) -> None:
        """Forget them: another test begins."""
        self._routes.clear()

    def note(self, answer: Response) -> None:
        """Note an answer that a page of a browser received: to a navigation, a pressed button, or a part."""
        path = urlsplit(answer.url).path
        if not path.startswith(ROOT) or answer.status >= HTTPStatus.BAD_REQUEST:
            return
        segments = tuple(part for part in path.removeprefix(ROOT).split("/") if part)
        if found := match(Method(answer.request.method), segments):
            self._routes.add(found[0])

    def missing(self, declared: Iterable[Route]) -> list[str]:
        """Name those of the declared routes that no browser was answered."""
        return sorted(name_of(route) for route in declared if route not in self._routes)


def declared(marks: Iterable[pytest.Mark]) -> list[Route]:
    """Return the routes that the marks of a test declare; KeyError if the console has no such route."""
    return [_BY_NAME[_METHODS[mark.name], pattern] for mark in marks if mark.name in _METHODS for pattern in mark.args]


def name_of(route: Route) -> str:
    """Name a route for people."""
    return f"{route.method} {route.pattern}"
