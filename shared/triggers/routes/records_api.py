"""Health, explain, resync and dead letters over HTTP."""

from collections.abc import Callable
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import azure.functions as func
from pydantic import Field, StringConstraints, model_validator

from shared.composition import app
from shared.dispatch.walks import PRESUMED_OVER, UnderWay
from shared.domain.records.outcomes import MASS_CHANGES
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConnectorError
from shared.ports.queue import QueueName
from shared.telemetry.traces import current_correlation
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import NOBODY, RequestModel, read_body

_MOST_IDS = 10_000
_MOST_LETTERS = 1_000
_LANES = {"live": QueueName.LIVE, "bulk": QueueName.BULK}


class _ResyncRequest(RequestModel):
    """One record (`id`), several (`ids`), or the whole table (neither). An empty list is refused."""

    table: PersonTable
    id: UUID | None = None
    ids: list[UUID] = Field(default=[], min_length=1, max_length=_MOST_IDS)
    lane: str = Field(default="", pattern="^(live|bulk|)$")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.id is not None and self.ids:
            raise ValueError("give id or ids, not both")
        if NOBODY in {self.id, *self.ids}:
            raise ValueError("an id of zeros names no record")
        if self.id is None and "id" in self.model_fields_set:
            raise ValueError("id is null; leave it out for the whole table")
        return self


@http_function("health")
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 200 when every service can be reached, else 503; the body has the state of each."""
    try:
        report = await (await app.administration()).health.check()
    except ConnectorError as error:
        report = {"healthy": False, "cause": str(error), "recovery": error.recovery}
    return json_answer(report, status=200 if report["healthy"] else 503)


@http_function("explain")
async def explain(req: func.HttpRequest) -> func.HttpResponse:
    """Answer why a record is (not) in Spotler and which properties would be written. Writes nothing."""
    return await _explained(req, _without_values)


@http_function("explain_values")
async def explain_values(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the same with the values that would be written."""
    return await _explained(req, lambda report: report)


async def _explained(req: func.HttpRequest, shown: Callable[[dict[str, Any]], dict[str, Any]]) -> func.HttpResponse:
    try:
        key = RecordKey(PersonTable(req.route_params["table"]), UUID(req.route_params["id"]))
    except ValueError:
        return problem(400, "Call /api/explain/{contact|lead|account}/{the record's id}.")
    return json_answer(shown(await (await app.connector()).explain.record(key)))


def _without_values(report: dict[str, Any]) -> dict[str, Any]:
    """Keep only the names of properties: an operator need not be allowed to read values of people."""
    planned = report["plan"]
    if "properties" not in planned:
        return report
    return {**report, "plan": {**planned, "properties": sorted(planned["properties"])}}


@http_function("resync")
async def resync(req: func.HttpRequest) -> func.HttpResponse:
    """Process records again: one, several, or a whole table. Single records default to the live lane."""
    usage = 'Send {"table": "contact", "id": "…"} or "ids": […]; neither for the whole table.'
    wanted = read_body(req, _ResyncRequest, usage=usage)
    connector = await app.connector()
    if wanted.table not in connector.settings.sync_tables:
        return problem(409, f"Synchronisation is not enabled for {wanted.table}: add it to SYNC_TABLES.")
    ids = [wanted.id] if wanted.id is not None else list(dict.fromkeys(wanted.ids))
    lane = _LANES[wanted.lane or ("live" if ids else "bulk")]
    correlation = current_correlation() or str(uuid4())
    if ids:
        keys = [RecordKey(wanted.table, identifier) for identifier in ids]
        await connector.resync.some(keys, lane, correlation=correlation)
    elif (other := await connector.resync.table(wanted.table, lane, correlation=correlation)) is not None:
        return _under_way(wanted.table, other)
    accepted = {"table": wanted.table, "records": len(ids) or "all", "lane": lane, "correlation": correlation}
    return json_answer(accepted, status=202)


def _under_way(table: PersonTable, other: UnderWay) -> func.HttpResponse:
    since = other.since.isoformat(timespec="seconds")
    return problem(
        409,
        f"A walk over every {table} is under way since {since}: it processes every record. Wait for its end.",
        {
            "since": since,
            "lastPage": other.last_page.isoformat(timespec="seconds"),
            "correlation": other.correlation,
            "presumedOver": (other.last_page + PRESUMED_OVER).isoformat(timespec="seconds"),
        },
    )


@http_function("dead_letters")
async def dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """List the dead letters, oldest first."""
    letters = await (await app.connector()).queue.dead_letters(limit=_MOST_LETTERS)
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


@http_function("replay")
async def replay(req: func.HttpRequest) -> func.HttpResponse:
    """Replay dead letters: {"ids": […]}, or {} for all; not those that wait for an administrator."""
    return await _replayed(req, held=False)


@http_function("replay_held")
async def replay_held(req: func.HttpRequest) -> func.HttpResponse:
    """Replay dead letters that wait for an administrator, in the same way."""
    return await _replayed(req, held=True)


async def _replayed(req: func.HttpRequest, *, held: bool) -> func.HttpResponse:
    usage = 'Send {"ids": ["…"]} with ids of /api/dead-letters, or {} for all.'
    wanted = read_body(req, _ReplayRequest, usage=usage, default=b"{}")
    queue = (await app.connector()).queue
    letters = await queue.dead_letters(limit=_MOST_LETTERS)
    asked = [letter for letter in letters if not wanted.ids or letter.id in wanted.ids]
    chosen = [letter.id for letter in asked if (letter.reason in MASS_CHANGES) is held]
    replayed = await queue.replay(chosen) if chosen else 0
    answer: dict[str, Any] = {"replayed": replayed}
    if (missing := len(set(wanted.ids)) - replayed) > 0:
        answer["notReplayed"] = missing
    if not held and (waiting := len(asked) - len(chosen)):
        answer["held"] = waiting
        answer["hint"] = "Held letters are for administrators: POST /api/dead-letters/replay-held"
    return json_answer(answer)


class _ReplayRequest(RequestModel):
    ids: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]] = Field(
        default=[], min_length=1, max_length=_MOST_LETTERS
    )
