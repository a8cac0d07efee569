"""The ASGI app: token endpoint, Web API, and `/sandbox` for inspection and faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from shared.local.dataverse_sandbox.administration import roles, solutions
from shared.local.dataverse_sandbox.components import standard_components
from shared.local.dataverse_sandbox.http.api_server import ApiServer
from shared.local.dataverse_sandbox.http.control import control_routes
from shared.local.dataverse_sandbox.http.faults import Faults
from shared.local.dataverse_sandbox.http.identity import identity_routes
from shared.local.dataverse_sandbox.http.limits import Limits, Meter
from shared.local.dataverse_sandbox.http.tokens import Tokens
from shared.local.dataverse_sandbox.http.web_api import WebApi
from shared.local.dataverse_sandbox.metadata import packaged
from shared.local.dataverse_sandbox.metadata.descriptions import additions
from shared.local.dataverse_sandbox.metadata.schema import Schema
from shared.local.dataverse_sandbox.organisation import registration
from shared.local.dataverse_sandbox.organisation.errors import not_implemented
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.organisation.privileges import Privilege, Rights
from shared.local.dataverse_sandbox.organisation.service_endpoint import Delivery, Publish, ServiceEndpoint
from shared.local.dataverse_sandbox.rows import snapshot as snapshots
from shared.local.dataverse_sandbox.rows.store import Store

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ORGANIZATION_ID = UUID("5a4dbc0c-0000-4000-8000-000000000001")
_FOUNDED = datetime(2020, 1, 1, tzinfo=UTC)
"""When the rows were made that every organisation begins with."""

_BEGINNINGS: dict[Hashable, Store] = {}
_KEPT = 4


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class DataverseSandboxSettings:
    """How the organisation behaves.

    `clients` are the app registrations (id → secret); each acts as an application user of its own. `privileges` are
    what such a user may do beyond what its security roles grant; a client without an entry is System Administrator.
    `snapshot` is a file with the answer of `/sandbox/snapshot` of another organisation: this one begins with its tables
    and rows, as far as they fit. `filtering_columns` replace those of its steps on updates, by table.
    `alternate_keys` adds keys to tables, `changed_columns` replaces columns of `schema.json`, `more_tables` adds tables
    in the form of `schema.json`. Without `sales` there are no leads, marketing lists and campaigns.
    `languages` are the provisioned languages by LCID; the first one is the base language.
    `duplicate_rules` are the columns of duplicate detection rules, by table. `time_zone` is the IANA name of the zone
    for relative dates. `now` must return aware times.
    """

    organization_id: UUID = _ORGANIZATION_ID
    organization_name: str = "unq5a4dbc0c000040008000000000000"
    clients: Mapping[str, str] = field(default_factory=lambda: {"sandbox": "sandbox"})
    privileges: Mapping[str, frozenset[Privilege]] = field(default_factory=dict)
    token_lifetime_seconds: int = 3599
    limits: Limits = field(default_factory=Limits)
    delivery: Delivery = field(default_factory=Delivery)
    filtering_columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alternate_keys: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    changed_columns: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    more_tables: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    duplicate_rules: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    sales: bool = True
    languages: tuple[int, ...] = (1033,)
    snapshot: Path | None = None
    seed: int = 0
    time_zone: str = "UTC"
    now: Callable[[], datetime] = field(default=_now)


def create_app(
    settings: DataverseSandboxSettings,
    publish: Publish,
    rows: Iterable[tuple[str, Mapping[str, Any]]] = (),
) -> Starlette:
    """Build the organisation. `publish` receives the service endpoint messages.

    `rows` are the initial rows as (table, values), by logical column name; lookups are (table, id) pairs. They fire no
    steps.
    WebApiError if a value does not fit its column.
    """
    organization = _organization(settings, rows)
    endpoint = ServiceEndpoint(organization, publish, settings.delivery)
    tokens = Tokens(settings.clients, settings.token_lifetime_seconds)
    meter, faults, grants = Meter(settings.limits), Faults(settings.seed), roles.Grants(organization)
    rights = {
        client: Rights(organization.application_user_id(client), settings.privileges.get(client), grants.of)
        for client in settings.clients
    }
    organization.rights.update({one.user: one for one in rights.values()})
    server = ApiServer(
        organization,
        WebApi(organization, endpoint.fire),
        tokens,
        meter,
        faults,
        rights,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await endpoint.drain()

    def take_snapshot() -> dict[str, Any]:
        new = _new_store(settings)
        return snapshots.take(organization.store, new, additions(organization.schema, new.schema))

    routes = [
        Mount("/api/data", app=server),
        Mount("/sandbox", routes=control_routes(server, endpoint, take_snapshot)),
        *identity_routes(tokens),
        Route("/{path:path}", _elsewhere, methods=_METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _elsewhere(request: Request) -> JSONResponse:
    refused = not_implemented(f"'{request.url.path}' (search, files, sign-in by other protocols …)")
    return JSONResponse(refused.body, refused.status)


def _organization(settings: DataverseSandboxSettings, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Organization:
    snapshot = None if settings.snapshot is None else snapshots.read(settings.snapshot)
    organization = _over(_beginning(settings, snapshot), settings)
    registration.set_filtering(organization, settings.filtering_columns)
    organization.seed(rows)
    return organization


def _beginning(settings: DataverseSandboxSettings, snapshot: snapshots.Snapshot | None) -> Store:
    """Return the rows that an organisation begins with: made once for all organisations with the same tables."""
    schema = _schema(settings, snapshot)
    kind = (settings.organization_id, settings.organization_name, settings.languages, schema)
    if kind not in _BEGINNINGS:
        if len(_BEGINNINGS) == _KEPT:
            del _BEGINNINGS[next(iter(_BEGINNINGS))]
        _BEGINNINGS[kind] = _new_store(settings, snapshot)
    return _BEGINNINGS[kind].copy()


def _new_store(settings: DataverseSandboxSettings, snapshot: snapshots.Snapshot | None = None) -> Store:
    """Return the rows of an organisation in which nobody has changed anything, or those that a snapshot makes of it."""
    organization = _over(Store(_schema(settings, None)), replace(settings, now=lambda: _FOUNDED))
    organization.found()
    solutions.found(organization)
    roles.found(organization)
    registration.register_messages(organization)
    standard_components.add_standard(organization)
    if snapshot is not None:
        organization.store.alter(_schema(settings, snapshot))
        snapshots.restore(snapshot, organization.store)
    return organization.store


def _over(store: Store, settings: DataverseSandboxSettings) -> Organization:
    return Organization(
        settings.organization_id,
        settings.organization_name,
        store,
        settings.now,
        ZoneInfo(settings.time_zone),
        settings.languages,
    )


def _schema(settings: DataverseSandboxSettings, snapshot: snapshots.Snapshot | None) -> Schema:
    return packaged.load(
        settings.alternate_keys,
        settings.changed_columns,
        settings.more_tables if settings.sales else {**settings.more_tables, **dict.fromkeys(packaged.SALES_TABLES)},
        settings.duplicate_rules,
        snapshot=snapshot,
        language=settings.languages[0],
    )
