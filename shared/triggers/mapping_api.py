"""The mapping over HTTP: read it, check it, try it, make it live. Every call needs a function key.

A mapping travels as YAML or as a workbook, whichever the body is. Answers of the preview hold values of people: for the
caller, who may read those records; nothing of them is logged.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared import app
from shared.core.mapping.document import MappingError
from shared.core.mapping.findings import Finding
from shared.core.mapping.model import Mapping
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError
from shared.sync.mapping_desk import Applied, Change, Refused, Warnings, mapping_of
from shared.sync.mapping_shelf import Version
from shared.triggers.answers import json_answer, problem
from shared.workbook.files import LARGEST, Format, read_file, write_file

blueprint = func.Blueprint()

_CALLER = "x-ms-client-principal-id"
"""Set by App Service for callers that signed in with Entra: an id, not a name."""

_ANYBODY = "function-key"

Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


class _ChangeQuery(BaseModel):
    """The query of a call that changes the mapping."""

    model_config = ConfigDict(extra="ignore")

    by: str = ""
    comment: str = ""
    warnings: Warnings = Warnings.REFUSE


class _ReadQuery(BaseModel):
    """The query of a call that reads the mapping."""

    model_config = ConfigDict(extra="ignore")

    format: Format = Format.YAML
    version: int | None = Field(default=None, ge=1)


def _answering(handler: Handler) -> Handler:
    """Turn what can go wrong into an answer that says what to do."""

    @functools.wraps(handler)
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        if len(req.get_body()) > LARGEST:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Send at most {LARGEST} bytes.")
        try:
            return await handler(req)
        except ValidationError as wrong:
            return problem(400, "The query is not valid.", wrong.errors(include_url=False, include_context=False))
        except MappingError as wrong:
            places = [{"place": ".".join(map(str, place)), "text": text} for place, text in wrong.places]
            return problem(422, "This is no valid mapping.", places)
        except NotFoundError as error:
            return problem(404, str(error))
        except ConflictError as error:
            return problem(412, str(error))
        except DataError as error:
            return problem(400, str(error))
        except ConnectorError as error:
            return problem(503, str(error))

    return answer


@blueprint.function_name("read_mapping")
@blueprint.route("mapping", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def read_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the live mapping, or with `?version=`, as `?format=yaml` or `xlsx`. ETag is the version's number."""
    query = _ReadQuery.model_validate(req.params)
    services = await app.services()
    version = await services.desk.version(query.version)
    match query.format:
        case Format.YAML:
            content = version.text.encode()
        case Format.WORKBOOK:
            names = [definition.name for definition in (await services.platform.properties()).definitions]
            content = write_file(mapping_of(version), query.format, services.settings.environment, names)
    name = f"mapping-{services.settings.environment}-{version.number}.{query.format}"
    return func.HttpResponse(
        content,
        mimetype=query.format.media_type,
        headers={"ETag": f'"{version.number}"', "Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.function_name("mapping_history")
@blueprint.route("mapping/history", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def mapping_history(req: func.HttpRequest) -> func.HttpResponse:
    """List every version that was live, newest first."""
    versions = await (await app.services()).desk.history()
    return json_answer({"versions": [_version_json(version) for version in versions]})


@blueprint.function_name("check_mapping")
@blueprint.route("mapping/check", methods=[func.HttpMethod.POST], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def check_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Hold the mapping in the body, or the live one if there is no body, against both sides. Changes nothing."""
    services = await app.services()
    findings = await services.desk.check(await _sent_or_live(req, services))
    return json_answer({"findings": _findings_json(findings)})


@blueprint.function_name("apply_mapping")
@blueprint.route("mapping", methods=[func.HttpMethod.PUT], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def apply_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Make the mapping in the body live: `?by=role&comment=…&warnings=accept`, If-Match with the version it changes."""
    services = await app.services()
    mapping = read_file(req.get_body(), services.settings.environment)
    return _changed(await services.desk.apply(mapping, _change(req)))


@blueprint.function_name("roll_back_mapping")
@blueprint.route("mapping/rollback/{version}", methods=[func.HttpMethod.POST], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def roll_back_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Make a new version equal to an old one."""
    text = req.route_params["version"]
    if not text.isdecimal():
        return problem(400, "Call /api/mapping/rollback/{the number of a version}.")
    return _changed(await (await app.services()).desk.rollback(int(text), _change(req)))


@blueprint.function_name("restore_default_mapping")
@blueprint.route("mapping/defaults", methods=[func.HttpMethod.POST], auth_level=func.AuthLevel.FUNCTION)
@_answering
async def restore_default_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Bring back the default rows whose Spotler property no row fills any more (C-41)."""
    return _changed(await (await app.services()).desk.restore_defaults(_change(req)))


async def _sent_or_live(req: func.HttpRequest, services: app.Services) -> Mapping:
    if body := req.get_body():
        return read_file(body, services.settings.environment)
    return mapping_of(await services.desk.live())


def _change(req: func.HttpRequest) -> Change:
    query = _ChangeQuery.model_validate(req.params)
    return Change(
        by=query.by or req.headers.get(_CALLER, "") or _ANYBODY,
        comment=query.comment,
        base=_base(req.headers.get("if-match", "")),
        warnings=query.warnings,
    )


def _base(etag: str) -> int | None:
    """Read If-Match; an etag that is none of ours matches no version."""
    if etag in {"", "*"}:
        return None
    number = etag.strip().strip('"')
    return int(number) if number.isdecimal() else 0


def _changed(result: Applied | Refused) -> func.HttpResponse:
    match result:
        case Applied(version, findings):
            return json_answer(
                {**_version_json(version), "findings": _findings_json(findings)},
                headers={"ETag": f'"{version.number}"'},
            )
        case Refused(findings):
            text = "Nothing has changed: correct what is wrong; warnings=accept takes warnings for what they are."
            return json_answer({"error": text, "findings": _findings_json(findings)}, 409)


def _version_json(version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "replaces": version.replaces,
        "at": version.at.isoformat(timespec="seconds"),
        "by": version.by,
        "comment": version.comment,
    }


def _findings_json(findings: Sequence[Finding]) -> list[dict[str, object]]:
    return [asdict(finding) for finding in findings]
