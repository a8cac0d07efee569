"""Every HTTP route is in the table of routes, with the key or the role that it needs (design: security)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.local.functions_host.index import HttpTrigger, index_functions, load_app
from shared.triggers.http.access import (
    ADMINISTRATOR_ROLE,
    CONSOLE,
    ROUTES,
    CallerRole,
    Shown,
    level_of,
    sign_in_is_on,
)
from shared.triggers.http.http_function import http_function
from shared.triggers.http.principal import may_call, roles_of

ROOT = Path(__file__).resolve().parents[3]


def principal(*roles: str, auth_typ: str = "aad", typ: str = "roles") -> str:
    """The header as App Service Authentication writes it."""
    who = {
        "auth_typ": auth_typ,
        "claims": [{"typ": "name", "val": "Ford"}, *({"typ": typ, "val": role} for role in roles)],
        "name_typ": "name",
        "role_typ": "roles",
    }
    return base64.b64encode(json.dumps(who).encode()).decode()


def test_the_table_has_every_route_of_the_app_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    found = {
        one.name: (one.trigger.route, set(one.trigger.methods), one.trigger.auth_level)
        for one in index_functions(load_app(ROOT))
        if isinstance(one.trigger, HttpTrigger)
    }

    keyed = {
        name: (f"api/{route.path}", {route.method.value}, level_of(route.role, sign_in=False))
        for name, route in ROUTES.items()
    }
    pages = {name: (path, {"GET", "POST"}, func.AuthLevel.ANONYMOUS) for name, path in CONSOLE.items()}
    assert found == keyed | pages, "name HTTP functions in shared/triggers/http/access.py"


def test_a_function_that_is_not_in_the_table_answers_nothing() -> None:
    with pytest.raises(KeyError):
        http_function("backdoor")


def test_no_route_is_open_to_everybody() -> None:
    levels = {level_of(route.role, sign_in=sign_in) for route in ROUTES.values() for sign_in in (True, False)}

    assert func.AuthLevel.ANONYMOUS not in levels


RIGHTS = {
    "health": (CallerRole.OPERATOR, "reads"),
    "explain": (CallerRole.OPERATOR, "reads"),
    "explain_values": (CallerRole.ADMINISTRATOR, "shows values"),
    "list_overview": (CallerRole.OPERATOR, "reads"),
    "list_left_out": (CallerRole.OPERATOR, "reads"),
    "resync": (CallerRole.OPERATOR, "repeats"),
    "take_side": (CallerRole.ADMINISTRATOR, "decides what is written"),
    "make_primary": (CallerRole.ADMINISTRATOR, "decides what is written"),
    "repeat_job": (CallerRole.OPERATOR, "repeats"),
    "dead_letters": (CallerRole.OPERATOR, "reads"),
    "replay": (CallerRole.OPERATOR, "repeats"),
    "replay_held": (CallerRole.ADMINISTRATOR, "repeats what the brake holds"),
    "check_capabilities": (CallerRole.OPERATOR, "calls Spotler without effect"),
    "export_consent": (CallerRole.OPERATOR, "reads"),
    "report_bounces": (CallerRole.OPERATOR, "reads"),
    "brake": (CallerRole.OPERATOR, "reads"),
    "release_brake": (CallerRole.ADMINISTRATOR, "lets mass changes pass"),
    "lift_refusals": (CallerRole.ADMINISTRATOR, "lets people be mailed again"),
    "export_person": (CallerRole.ADMINISTRATOR, "shows all that is stored about a person"),
    "forget_person": (CallerRole.ADMINISTRATOR, "removes what is stored about a person"),
    "poll_now": (CallerRole.OPERATOR, "repeats"),
    "list_runs": (CallerRole.OPERATOR, "reads"),
    "start_run": (CallerRole.OPERATOR, "repeats"),
    "forecast_from_spotler": (CallerRole.OPERATOR, "reads"),
    "change_run": (CallerRole.OPERATOR, "repeats"),
    "engagement_now": (CallerRole.OPERATOR, "repeats"),
    "forecast_initial": (CallerRole.OPERATOR, "reads"),
    "list_mailings": (CallerRole.OPERATOR, "reads"),
    "website_visits": (CallerRole.OPERATOR, "repeats"),
    "read_weights": (CallerRole.OPERATOR, "reads"),
    "preview_weights": (CallerRole.OPERATOR, "reads"),
    "apply_weights": (CallerRole.ADMINISTRATOR, "changes what is written"),
    "list_reviews": (CallerRole.OPERATOR, "reads"),
    "decide_review": (CallerRole.ADMINISTRATOR, "decides whose data is written"),
    "read_mode": (CallerRole.OPERATOR, "reads"),
    "change_mode": (CallerRole.ADMINISTRATOR, "decides who is written"),
    "begin_forecast": (CallerRole.OPERATOR, "reads"),
    "read_forecast": (CallerRole.OPERATOR, "reads"),
    "read_mapping": (CallerRole.OPERATOR, "reads"),
    "mapping_history": (CallerRole.OPERATOR, "reads"),
    "check_mapping": (CallerRole.OPERATOR, "reads"),
    "preview_mapping": (CallerRole.ADMINISTRATOR, "shows values"),
    "apply_mapping": (CallerRole.ADMINISTRATOR, "changes what is written"),
    "roll_back_mapping": (CallerRole.ADMINISTRATOR, "changes what is written"),
    "restore_default_mapping": (CallerRole.ADMINISTRATOR, "changes what is written"),
}
"""Operators read and repeat; administrators change, and read values of people."""


def test_operators_read_and_repeat_and_administrators_change_and_read_values() -> None:
    assert {name: (route.role, route.why) for name, route in ROUTES.items()} == RIGHTS
    assert {why for role, why in RIGHTS.values() if role is CallerRole.OPERATOR} == {
        "reads",
        "repeats",
        "calls Spotler without effect",
    }
    assert all(route.role is CallerRole.ADMINISTRATOR for route in ROUTES.values() if route.shown is Shown.VALUES)


def test_get_routes_change_and_repeat_nothing() -> None:
    reads = {route.why for route in ROUTES.values() if route.method is func.HttpMethod.GET}

    assert reads == {"reads", "shows values"}


def test_without_sign_in_the_host_itself_demands_the_master_key_of_administrators() -> None:
    assert level_of(CallerRole.ADMINISTRATOR, sign_in=False) is func.AuthLevel.ADMIN
    assert level_of(CallerRole.OPERATOR, sign_in=False) is func.AuthLevel.FUNCTION


def test_with_sign_in_an_administrator_has_the_role() -> None:
    def may(header: str) -> bool:
        return may_call(CallerRole.ADMINISTRATOR, header, sign_in=True)

    assert may(principal(ADMINISTRATOR_ROLE, "Other"))
    assert may(principal(ADMINISTRATOR_ROLE, typ="http://schemas.microsoft.com/ws/2008/06/identity/claims/role"))
    assert not may("")
    assert not may(principal())
    assert not may(principal("Spotler.Reader"))
    assert not may(principal(ADMINISTRATOR_ROLE, typ="name"))
    assert not may(principal(ADMINISTRATOR_ROLE, auth_typ="facebook"))
    assert may_call(CallerRole.OPERATOR, "", sign_in=True)


@pytest.mark.parametrize(("value", "on"), [("True", True), ("true", True), ("", False), ("False", False), ("1", False)])
def test_the_header_is_trusted_only_behind_app_service_authentication(value: str, *, on: bool) -> None:
    assert sign_in_is_on({"WEBSITE_AUTH_ENABLED": value}) is on
    assert not sign_in_is_on({})


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode())))
def test_an_invalid_header_gives_no_role(header: str) -> None:
    assert roles_of(header) == frozenset()


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_an_invalid_document_gives_no_role(document: object) -> None:
    assert roles_of(base64.b64encode(json.dumps(document).encode()).decode()) == frozenset()
