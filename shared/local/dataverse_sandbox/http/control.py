"""`/sandbox`: counters, privileges, faults, limits, deliveries, tokens, rows and snapshots. It needs no token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from json import JSONDecodeError
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from shared.local.dataverse_sandbox.http.api_server import ApiServer
from shared.local.dataverse_sandbox.http.faults import FaultPlan
from shared.local.dataverse_sandbox.http.limits import Limits
from shared.local.dataverse_sandbox.organisation.errors import WebApiError
from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, by_table, privilege
from shared.local.dataverse_sandbox.organisation.service_endpoint import Delivery, ServiceEndpoint
from shared.local.dataverse_sandbox.rows.store import Checkpoint
from shared.local.dataverse_sandbox.schema_changes import keys

Handler = Callable[[Request], Awaitable[JSONResponse]]


class LimitsForm(BaseModel):
    """New service protection limits; see `limits.Limits`. They are those of one client, or of all others."""

    model_config = ConfigDict(extra="forbid")

    client: str = ""

    requests: int = Field(default=6000, ge=0)
    execution_seconds: float = Field(default=1200.0, ge=0)
    concurrent: int = Field(default=52, ge=0)
    window_seconds: float = Field(default=300.0, gt=0)
    dop_hint: int = Field(default=10, ge=1)


class DeliveryForm(BaseModel):
    """How service endpoint messages travel from now on; see `service_endpoint.Delivery`."""

    model_config = ConfigDict(extra="forbid")

    min_delay: float = Field(default=0.0, ge=0)
    max_delay: float = Field(default=0.0, ge=0)
    duplicate_rate: float = Field(default=0.0, ge=0, le=1)


class GrantForm(BaseModel):
    """Change the roles of a client from now on, by table."""

    model_config = ConfigDict(extra="forbid")

    client: str
    grant: dict[str, list[Access]] = {}
    revoke: dict[str, list[Access]] = {}


class CustomisingForm(BaseModel):
    """How the organisation resists customisation from now on; see `customising.Customising`."""

    model_config = ConfigDict(extra="forbid")

    blocked: bool = False
    locked: int = Field(default=0, ge=0)
    unsettled: bool = False
    stale: int = Field(default=0, ge=0)
    loses_apps: bool = False
    builds_keys: bool = True


class CheckpointForm(BaseModel):
    """Remember what the organisation holds now, or `rewind` to what was remembered.

    GET answers the version of the last write, and the number of rows by table.
    """

    model_config = ConfigDict(extra="forbid")

    rewind: bool = False


class RowsForm(BaseModel):
    """Insert rows without firing steps: (table, values by logical column name); lookups are (table, id) pairs."""

    model_config = ConfigDict(extra="forbid")

    rows: list[tuple[str, dict[str, Any]]]


def control_routes(
    server: ApiServer, endpoint: ServiceEndpoint, take_snapshot: Callable[[], dict[str, Any]]
) -> list[BaseRoute]:
    """Return the routes below `/sandbox`."""

    async def counters(_request: Request) -> JSONResponse:
        messages = {"posted": endpoint.posted, "failed": endpoint.failed, "underway": endpoint.underway}
        return JSONResponse({"requests": dict(server.counters), "messages": messages})

    async def faults(request: Request) -> JSONResponse:
        if request.method == "POST":
            server.faults.set(FaultPlan.model_validate(await request.json()))
        elif request.method == "DELETE":
            server.faults.set(FaultPlan())
        return JSONResponse(server.faults.plan.model_dump(mode="json"))

    async def limits(request: Request) -> JSONResponse:
        if request.method == "POST":
            form = LimitsForm.model_validate(await request.json())
            server.meter.limit(Limits(**form.model_dump(exclude={"client"})), form.client)
        return JSONResponse(asdict(server.meter.limits))

    async def delivery(request: Request) -> JSONResponse:
        if request.method == "POST":
            form = DeliveryForm.model_validate(await request.json())
            endpoint.delivery = Delivery(**form.model_dump())
        return JSONResponse(asdict(endpoint.delivery))

    async def tokens(request: Request) -> JSONResponse:
        server.tokens.revoke(request.query_params.get("client", ""))
        return JSONResponse({})

    routes = [
        ("/counters", counters, ["GET"]),
        ("/privileges", _privileges(server), ["GET", "POST"]),
        ("/faults", faults, ["GET", "POST", "DELETE"]),
        ("/limits", limits, ["GET", "POST"]),
        ("/delivery", delivery, ["GET", "POST"]),
        ("/customising", _customising(server), ["GET", "POST"]),
        ("/checkpoint", _checkpoint(server), ["GET", "POST"]),
        ("/tokens", tokens, ["DELETE"]),
        ("/rows", _rows(server), ["POST"]),
        ("/snapshot", _snapshot(take_snapshot), ["GET"]),
    ]
    return [Route(path, _validated(handler), methods=methods) for path, handler, methods in routes]


def _customising(server: ApiServer) -> Handler:
    async def customising(request: Request) -> JSONResponse:
        state = server.organization.customising
        if request.method == "POST":
            for name, value in CustomisingForm.model_validate(await request.json()):
                setattr(state, name, value)
            server.organization.show_settings()
            keys.build_pending(server.organization)
        return JSONResponse({name: getattr(state, name) for name in CustomisingForm.model_fields})

    return customising


def _checkpoint(server: ApiServer) -> Handler:
    remembered: list[Checkpoint] = []

    async def checkpoint(request: Request) -> JSONResponse:
        store = server.organization.store
        if request.method == "GET":
            rows = {table: len(store.rows(table)) for table in store.schema.tables}
            return JSONResponse({"version": store.version, "rows": rows})
        if CheckpointForm.model_validate(await request.json()).rewind:
            if not remembered:
                return JSONResponse({"error": "Nothing was remembered."}, 409)
            store.rewind(remembered[0])
        else:
            remembered[:] = [store.checkpoint()]
        return JSONResponse({})

    return checkpoint


def _privileges(server: ApiServer) -> Handler:
    async def privileges(request: Request) -> JSONResponse:
        if request.method == "POST":
            form = GrantForm.model_validate(await request.json())
            rights = server.rights[form.client]
            server.rights[form.client] = rights.changed(_privileges_in(form.grant), without=_privileges_in(form.revoke))
        return JSONResponse(
            {
                client: {"used": by_table(rights.used), "missing": by_table(rights.missing)}
                for client, rights in server.rights.items()
            }
        )

    return privileges


def _rows(server: ApiServer) -> Handler:
    async def rows(request: Request) -> JSONResponse:
        form = RowsForm.model_validate(await request.json())
        with server.organization.store.transaction():
            server.organization.seed(form.rows)
        return JSONResponse({"inserted": len(form.rows)})

    return rows


def _snapshot(take: Callable[[], dict[str, Any]]) -> Handler:
    async def snapshot(_request: Request) -> JSONResponse:
        return JSONResponse(take())

    return snapshot


def _privileges_in(accesses: Mapping[str, Sequence[Access]]) -> frozenset[Privilege]:
    return frozenset(privilege(access, table) for table, several in accesses.items() for access in several)


def _validated(handler: Handler) -> Handler:
    """Turn input that does not validate into 400."""

    async def guarded(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_input=False)}, 400)
        except JSONDecodeError:
            return JSONResponse({"error": "The body is not JSON."}, 400)
        except WebApiError as error:
            return JSONResponse(error.body, error.status)

    return guarded
