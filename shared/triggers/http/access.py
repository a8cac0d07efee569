"""The table of HTTP routes: module, role, largest body and query parameters of each.

There are two roles. An operator reads and repeats: a function key opens these routes. An administrator changes what is
written (the mapping, the record of a new subscriber, held erasures), or reads values of people. These routes need the
master key; where App Service Authentication is switched on, they need a function key and a sign-in with the app role
`Spotler.Administrator`. The host checks keys before it calls a function.

`registration.py` registers the functions by this table alone, and a test refuses routes that are registered in another
way.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import azure.functions as func

from shared.adapters.workbook.sizes import LARGEST
from shared.triggers.http.rates import OFTEN, SELDOM, Rate

ADMINISTRATOR_ROLE = "Spotler.Administrator"
"""The app role, as it is defined on the app registration behind App Service Authentication."""

PRINCIPAL = "x-ms-client-principal"
"""A header of App Service Authentication, which drops it from requests. Without App Service any caller can send it."""

PRINCIPAL_ID = "x-ms-client-principal-id"
"""The id of a caller that signed in with Entra; as above."""

_SIGN_IN = "WEBSITE_AUTH_ENABLED"
"""Set by App Service, to True, while its authentication is switched on."""

_NO_BODY = 1_000
_FEW_IDS = 100_000
_MANY_IDS = 500_000
"""Bytes: enough for ten thousand ids."""


Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
"""A function that answers a request."""


class CallerRole(StrEnum):
    """The role that a route needs."""

    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Shown(StrEnum):
    """What an answer may hold."""

    CODES = "codes"
    """Ids, codes, names of columns: no values of people."""

    VALUES = "values"
    """Values of people, such as names and addresses: only for administrators."""


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """A function that answers HTTP. `module` of `triggers/routes/` has it; `path` is the template without `api/`.

    `query` are the parameters that it reads; any other one is refused (400). `why` is the reason for its role.
    """

    module: str
    method: func.HttpMethod
    path: str
    role: CallerRole
    why: str
    most_bytes: int = _NO_BODY
    shown: Shown = Shown.CODES
    query: tuple[str, ...] = ()

    @property
    def rate(self) -> Rate:
        """How often a caller may use it."""
        return OFTEN if self.method is func.HttpMethod.GET else SELDOM


_GET, _POST, _PUT = func.HttpMethod.GET, func.HttpMethod.POST, func.HttpMethod.PUT

_READS, _REPEATS, _PROBES = "reads", "repeats", "calls Spotler without effect"
_CHANGES = ("by", "comment", "accept")

ROUTES: Mapping[str, HttpRoute] = {
    "health": HttpRoute("records_api", _GET, "health", CallerRole.OPERATOR, _READS),
    "explain": HttpRoute("records_api", _GET, "explain/{table}/{id}", CallerRole.OPERATOR, _READS),
    "explain_values": HttpRoute(
        "records_api", _GET, "explain/{table}/{id}/values", CallerRole.ADMINISTRATOR, "shows values", shown=Shown.VALUES
    ),
    "list_overview": HttpRoute("lists_api", _GET, "lists/{id}", CallerRole.OPERATOR, _READS, query=("judge",)),
    "list_left_out": HttpRoute("lists_api", _GET, "lists/{id}/left-out", CallerRole.OPERATOR, _READS),
    "resync": HttpRoute("records_api", _POST, "resync", CallerRole.OPERATOR, _REPEATS, _MANY_IDS),
    "take_side": HttpRoute(
        "reviews_api", _POST, "records/{table}/{id}/side", CallerRole.ADMINISTRATOR, "decides what is written"
    ),
    "make_primary": HttpRoute(
        "reviews_api", _POST, "records/{table}/{id}/primary", CallerRole.ADMINISTRATOR, "decides what is written"
    ),
    "repeat_job": HttpRoute("reviews_api", _POST, "jobs/{id}/repeat", CallerRole.OPERATOR, _REPEATS),
    "dead_letters": HttpRoute("records_api", _GET, "dead-letters", CallerRole.OPERATOR, _READS),
    "replay": HttpRoute("records_api", _POST, "dead-letters/replay", CallerRole.OPERATOR, _REPEATS, _FEW_IDS),
    "replay_held": HttpRoute(
        "records_api",
        _POST,
        "dead-letters/replay-held",
        CallerRole.ADMINISTRATOR,
        "repeats what the brake holds",
        _FEW_IDS,
    ),
    "check_capabilities": HttpRoute("capabilities_api", _POST, "capabilities/check", CallerRole.OPERATOR, _PROBES),
    "export_consent": HttpRoute(
        "consent_api",
        _GET,
        "consent.csv",
        CallerRole.OPERATOR,
        _READS,
        query=("from", "to", "record", "after", "limit"),
    ),
    "report_bounces": HttpRoute(
        "consent_api", _GET, "bounces", CallerRole.OPERATOR, _READS, query=("format", "after", "limit")
    ),
    "brake": HttpRoute("releases_api", _GET, "brake", CallerRole.OPERATOR, _READS),
    "release_brake": HttpRoute(
        "releases_api", _POST, "brake/release", CallerRole.ADMINISTRATOR, "lets mass changes pass"
    ),
    "lift_refusals": HttpRoute(
        "releases_api", _POST, "suppressions/lift", CallerRole.ADMINISTRATOR, "lets people be mailed again"
    ),
    "export_person": HttpRoute(
        "people_api", _POST, "people/export", CallerRole.ADMINISTRATOR, "shows all that is stored about a person"
    ),
    "forget_person": HttpRoute(
        "people_api", _POST, "people/forget", CallerRole.ADMINISTRATOR, "removes what is stored about a person"
    ),
    "poll_now": HttpRoute("runs_api", _POST, "poll", CallerRole.OPERATOR, _REPEATS),
    "list_runs": HttpRoute("runs_api", _GET, "runs", CallerRole.OPERATOR, _READS),
    "start_run": HttpRoute("runs_api", _POST, "runs", CallerRole.OPERATOR, _REPEATS),
    "forecast_from_spotler": HttpRoute("runs_api", _GET, "runs/from-spotler/forecast", CallerRole.OPERATOR, _READS),
    "change_run": HttpRoute("runs_api", _POST, "runs/{id}", CallerRole.OPERATOR, _REPEATS),
    "engagement_now": HttpRoute("mailings_api", _POST, "engagement", CallerRole.OPERATOR, _REPEATS),
    "forecast_initial": HttpRoute(
        "mailings_api", _GET, "engagement/initial", CallerRole.OPERATOR, _READS, query=("since",)
    ),
    "list_mailings": HttpRoute("mailings_api", _GET, "mailings", CallerRole.OPERATOR, _READS, query=("format",)),
    "website_visits": HttpRoute(
        "engagement.visits_api", _POST, "website-visits", CallerRole.OPERATOR, _REPEATS, LARGEST
    ),
    "read_weights": HttpRoute("engagement.weights_api", _GET, "engagement/weights", CallerRole.OPERATOR, _READS),
    "preview_weights": HttpRoute(
        "engagement.weights_api",
        _POST,
        "engagement/weights/preview",
        CallerRole.OPERATOR,
        _READS,
        _FEW_IDS,
        query=("most",),
    ),
    "apply_weights": HttpRoute(
        "engagement.weights_api",
        _PUT,
        "engagement/weights",
        CallerRole.ADMINISTRATOR,
        "changes what is written",
        _FEW_IDS,
        query=("by", "comment"),
    ),
    "list_reviews": HttpRoute("reviews_api", _GET, "reviews", CallerRole.OPERATOR, _READS, query=("after", "limit")),
    "decide_review": HttpRoute(
        "reviews_api", _POST, "reviews/{id}", CallerRole.ADMINISTRATOR, "decides whose data is written"
    ),
    "read_mode": HttpRoute("mode_api", _GET, "mode", CallerRole.OPERATOR, _READS),
    "change_mode": HttpRoute("mode_api", _POST, "mode", CallerRole.ADMINISTRATOR, "decides who is written", _FEW_IDS),
    "begin_forecast": HttpRoute("mode_api", _POST, "forecasts/{subject}", CallerRole.OPERATOR, _READS, LARGEST),
    "read_forecast": HttpRoute("mode_api", _GET, "forecasts/{subject}", CallerRole.OPERATOR, _READS),
    "read_mapping": HttpRoute("mapping_api", _GET, "mapping", CallerRole.OPERATOR, _READS, query=("format", "version")),
    "mapping_history": HttpRoute("mapping_api", _GET, "mapping/history", CallerRole.OPERATOR, _READS),
    "check_mapping": HttpRoute("mapping_api", _POST, "mapping/check", CallerRole.OPERATOR, _READS, LARGEST),
    "preview_mapping": HttpRoute(
        "mapping_api",
        _POST,
        "mapping/preview",
        CallerRole.ADMINISTRATOR,
        "shows values",
        LARGEST,
        Shown.VALUES,
        query=("records", "sample", "shown"),
    ),
    "apply_mapping": HttpRoute(
        "mapping_api", _PUT, "mapping", CallerRole.ADMINISTRATOR, "changes what is written", LARGEST, query=_CHANGES
    ),
    "roll_back_mapping": HttpRoute(
        "mapping_api",
        _POST,
        "mapping/rollback/{version}",
        CallerRole.ADMINISTRATOR,
        "changes what is written",
        query=_CHANGES,
    ),
    "restore_default_mapping": HttpRoute(
        "mapping_api", _POST, "mapping/defaults", CallerRole.ADMINISTRATOR, "changes what is written", query=_CHANGES
    ),
}
"""By the name of the function."""

NOT_IN_SHADOW = frozenset(
    {"release_brake", "lift_refusals", "decide_review", "poll_now", "engagement_now", "start_run", "change_run"}
    | {"take_side", "make_primary", "repeat_job"}
    | {"apply_weights", "website_visits"}
)
"""Functions that write to one of the sides by themselves, or start what would; refused in shadow mode."""

PREFIX = "api/"
"""Of every route of the table. `host.json` has no prefix, because the console is not part of the interface."""

CONSOLE: Mapping[str, str] = {
    "console": "console",
    "console_1": "console/{a}",
    "console_2": "console/{a}/{b}",
    "console_3": "console/{a}/{b}/{c}",
    "console_4": "console/{a}/{b}/{c}/{d}",
}
"""The functions of the console, one for each depth of an address; each takes GET and POST.

They have no key: the console itself lets in whoever has a session (`shared/console/console.py`).
"""


def routes_table() -> str:
    """Return one row per route, as Markdown, for `docs/security.md`."""
    rows = ["| call | role | why | query parameters | largest body | answers hold |", "|---|---|---|---|---|---|"]
    rows += [
        f"| `{route.method.value} /api/{route.path}` | {route.role} | {route.why} | {_listed(route.query)} | "
        f"{route.most_bytes:,} bytes | {route.shown} |"
        for route in ROUTES.values()
    ]
    return "\n".join(rows)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def sign_in_is_on(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether App Service Authentication is on, so that its headers can be trusted."""
    return environment.get(_SIGN_IN, "").casefold() == "true"


def level_of(role: CallerRole, *, sign_in: bool) -> func.AuthLevel:
    """Return the key that the host demands. With sign-in, the app itself checks for an administrator's role."""
    match role:
        case CallerRole.ADMINISTRATOR if not sign_in:
            return func.AuthLevel.ADMIN
        case CallerRole.ADMINISTRATOR | CallerRole.OPERATOR:
            return func.AuthLevel.FUNCTION
