"""The HTTP interface: health, explain, resync, dead letters. Every call needs a function key."""

from __future__ import annotations

from typing import Self
from uuid import UUID, uuid4

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared import app
from shared.core.records import PersonTable, RecordKey
from shared.errors import ConnectorError
from shared.ports import QueueName
from shared.sync.bounces import bounce_rows
from shared.sync.consent_ledger import as_rows
from shared.triggers.answers import json_answer, problem

blueprint = func.Blueprint()

_MOST_IDS = 10_000
_LANES = {"live": QueueName.LIVE, "bulk": QueueName.BULK}


class _ResyncRequest(BaseModel):
    """One record (`id`), several (`ids`), or, with neither, the whole table."""

    model_config = ConfigDict(extra="forbid")

    table: PersonTable
    id: UUID | None = None
    ids: list[UUID] = Field(default=[], max_length=_MOST_IDS)
    lane: str = Field(default="", pattern="^(live|bulk|)$")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.id is not None and self.ids:
            raise ValueError("give id or ids, not both")
        return self


@blueprint.function_name("health")
@blueprint.route("health", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 200 when every service is in reach, else 503; the body says which one is not, and why."""
    try:
        report = await (await app.connector()).health.check()
    except ConnectorError as error:
        report = {"healthy": False, "cause": str(error), "recovery": error.recovery}
    return json_answer(report, status=200 if report["healthy"] else 503)


@blueprint.function_name("explain")
@blueprint.route("explain/{table}/{id}", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
async def explain(req: func.HttpRequest) -> func.HttpResponse:
    """Say why a record is (not) in Spotler and what would be written. Writes nothing."""
    try:
        key = RecordKey(PersonTable(req.route_params["table"]), UUID(req.route_params["id"]))
    except ValueError:
        return problem(400, "Call /api/explain/{contact|lead|account}/{the record's id}.")
    try:
        connector = await app.connector()
        explained = await connector.explain.record(key)
        changes = await (await app.services()).consent.of_record(key)
        bounces = bounce_rows(await connector.bounces.report_of(explained["spotlerContact"], key))
        return json_answer({**explained, "bounces": bounces, "consent": as_rows(changes)})
    except ConnectorError as error:
        return problem(502, str(error))


@blueprint.function_name("resync")
@blueprint.route("resync", methods=[func.HttpMethod.POST], auth_level=func.AuthLevel.FUNCTION)
async def resync(req: func.HttpRequest) -> func.HttpResponse:
    """Look at records again: one, several, or a whole table. Single records default to the live lane."""
    try:
        wanted = _ResyncRequest.model_validate_json(req.get_body())
    except ValidationError as wrong:
        errors = wrong.errors(include_input=False, include_url=False, include_context=False)
        return problem(400, 'Send {"table": "contact", "id": "…"} or "ids": […]; neither for the whole table.', errors)
    connector = await app.connector()
    if wanted.table not in connector.settings.sync_tables:
        return problem(409, f"Synchronisation is not enabled for {wanted.table}: add it to SYNC_TABLES.")
    ids = [wanted.id] if wanted.id is not None else wanted.ids
    lane = _LANES[wanted.lane or ("live" if ids else "bulk")]
    correlation = str(uuid4())
    try:
        if ids:
            keys = [RecordKey(wanted.table, identifier) for identifier in dict.fromkeys(ids)]
            await connector.resync.some(keys, lane, correlation=correlation)
        else:
            await connector.resync.table(wanted.table, lane, correlation=correlation)
    except ConnectorError as error:
        return problem(503, str(error))
    accepted = {"table": wanted.table, "records": len(ids) or "all", "lane": lane, "correlation": correlation}
    return json_answer(accepted, status=202)


@blueprint.function_name("dead_letters")
@blueprint.route("dead-letters", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
async def dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """List what nobody tries again by itself, oldest first."""
    connector = await app.connector()
    try:
        letters = await connector.queue.dead_letters(limit=1000)
    except ConnectorError as error:
        return problem(503, str(error))
    return json_answer(
        {
            "deadLetters": [
                {
                    "id": letter.id,
                    "queue": letter.queue,
                    "reason": letter.reason,
                    "description": letter.description,
                    "correlation": letter.correlation_id,
                    "since": letter.dead_since.isoformat(timespec="seconds"),
                    "replayable": bool(letter.body),
                }
                for letter in letters
            ]
        }
    )


@blueprint.function_name("replay")
@blueprint.route("dead-letters/replay", methods=[func.HttpMethod.POST], auth_level=func.AuthLevel.FUNCTION)
async def replay(req: func.HttpRequest) -> func.HttpResponse:
    """Put dead letters back: {"ids": […]}, or {} for all of them."""
    try:
        wanted = _ReplayRequest.model_validate_json(req.get_body() or b"{}")
    except ValidationError:
        return problem(400, 'Send {"ids": ["…"]} with ids of /api/dead-letters, or {} for all.')
    queue = (await app.connector()).queue
    try:
        ids = wanted.ids or [letter.id for letter in await queue.dead_letters(limit=1000)]
        return json_answer({"replayed": await queue.replay(ids)})
    except ConnectorError as error:
        return problem(503, str(error))


class _ReplayRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[str] = []
