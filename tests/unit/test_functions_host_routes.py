"""Which path belongs to which route template."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationError
from shared.local.functions_host.routes import compile_route

GUID = "6d81597f-0a43-4a4b-9e86-3b8f5f0f4c11"


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("api/health", "api/health", {}),
        ("api/health", "API/Health/", {}),
        ("api/health", "api/health/more", None),
        ("/api/{table}/{id}", "api/contact/7", {"table": "contact", "id": "7"}),
        ("api/{table}/{id}", "api/contact", None),
        ("api/{table}/{id?}", "api/contact", {"table": "contact"}),
        ("api/{id:guid}", f"api/{GUID}", {"id": GUID}),
        ("api/{id:guid}", f"api/{GUID.upper()}", {"id": GUID.upper()}),
        ("api/{id:guid}", "api/7", None),
        ("api/{id:int?}", "api/7", {"id": "7"}),
        ("api/{id:int?}", "api", {}),
        ("console/{*path}", "console/static/site.css", {"path": "static/site.css"}),
        ("console/{*path}", "console", {}),
        ("{*path}", "", {}),
        ("console/{name}.json", "console/runs.json", {"name": "runs"}),
        ("console/{name}.json", "console/runs.css", None),
        ("a.c", "abc", None),
    ],
)
def test_a_template_matches_as_in_azure(template: str, path: str, parameters: dict[str, str] | None) -> None:
    assert compile_route(template).match(path) == parameters


def test_the_most_specific_template_ranks_first() -> None:
    templates = ["console/{*path}", "console/{page}", "console/{page}.json", "console/runs"]

    ranked = sorted(templates, key=lambda template: compile_route(template).rank)

    assert ranked == ["console/runs", "console/{page}.json", "console/{page}", "console/{*path}"]


@pytest.mark.parametrize("template", ["{id:regex(^a$)}", "{id:datetime}", "{id=7}", "a{id?}", "{id"])
def test_a_template_beyond_the_served_grammar_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError, match="route"):
        compile_route(template)
