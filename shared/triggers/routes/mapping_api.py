"""The mapping over HTTP: read, check, preview, activate.

The body is a mapping as YAML or as a workbook. Answers of the preview hold values of people, for callers who may read
those records; the values are not logged.
"""

import functools
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import azure.functions as func
from pydantic import Field, field_validator

from shared.adapters.workbook.files import FileTooLargeError, Format, read_file, write_file
from shared.administration.mapping_repository import Version
from shared.administration.mapping_service import Applied, ChangeRefused, MappingChange, mapping_of
from shared.administration.worker_thread import run_in_thread
from shared.composition import app
from shared.composition.services import Services
from shared.domain.mapping.findings import Code, Finding
from shared.domain.mapping.formats.document import MappingError, place_name
from shared.domain.mapping.model import Mapping
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError
from shared.triggers.http.access import PRINCIPAL_ID, Handler, sign_in_is_on
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import RequestModel, read_query

_NO_SIGN_IN = "function-key"


class _ChangeQuery(RequestModel):
    """The query of a call that changes the mapping; `accept` are codes of warnings, separated by commas."""

    by: str = ""
    comment: str = ""
    accept: frozenset[Code] = frozenset()

    @field_validator("accept", mode="before")
    @classmethod
    def _split(cls, text: str) -> list[str]:
        return _listed(text)


class _PreviewQuery(RequestModel):
    """The query of a preview: records by key, separated by commas, or a sample of some size."""

    records: list[RecordKey] = Field(default=[])
    sample: int = Field(default=100, ge=1, le=1000)
    shown: int = Field(default=10, ge=0, le=100)

    @field_validator("records", mode="before")
    @classmethod
    def _split(cls, text: str) -> list[RecordKey]:
        """Read keys such as `contact:6d81597f-…`."""
        return [RecordKey.parse(one) for one in _listed(text)]


class _ReadQuery(RequestModel):
    """The query of a call that reads the mapping."""

    format: Format = Format.YAML
    version: int | None = Field(default=None, ge=1)


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _answering(handler: Handler) -> Handler:
    """Answer to errors of mappings with what to do."""

    @functools.wraps(handler)
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await handler(req)
        except (MappingError, ConnectorError) as error:
            return _explained(error)

    return answer


def _explained(error: MappingError | ConnectorError) -> func.HttpResponse:
    status, text = HTTPStatus.SERVICE_UNAVAILABLE, str(error)
    details: Any = None
    match error:
        case FileTooLargeError():
            status, text = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Send less: {error.places[0][1]}."
        case MappingError():
            status, text = HTTPStatus.UNPROCESSABLE_ENTITY, "This is no valid mapping."
            details = [{"place": place_name(place), "text": wrong} for place, wrong in error.places]
        case NotFoundError():
            status = HTTPStatus.NOT_FOUND
        case ConflictError():
            status = HTTPStatus.PRECONDITION_FAILED
        case DataError():
            status = HTTPStatus.BAD_REQUEST
    return problem(status, text, details)


@http_function("read_mapping")
@_answering
async def read_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the live mapping, or with `?version=`, as `?format=yaml` or `xlsx`. ETag is the version's number."""
    query = read_query(req, _ReadQuery)
    services = await app.services()
    version = await services.mapping_service.version(query.version)
    if query.format is Format.YAML:
        content = version.text.encode()  # also a version that this release cannot read any more
    else:
        names = [definition.name for definition in (await services.platform.properties()).definitions]
        environment = services.settings.environment
        content = await run_in_thread(write_file, mapping_of(version), query.format, environment, names)
    name = f"mapping-{services.settings.environment}-{version.number}.{query.format}"
    return func.HttpResponse(
        content,
        mimetype=query.format.media_type,
        headers={"ETag": f'"{version.number}"', "Content-Disposition": f'attachment; filename="{name}"'},
    )


@http_function("mapping_history")
@_answering
async def mapping_history(req: func.HttpRequest) -> func.HttpResponse:
    """List every version that was live, newest first."""
    versions = await (await app.services()).mapping_service.history()
    return json_answer({"versions": [_version_json(version) for version in versions]})


@http_function("check_mapping")
@_answering
async def check_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Check the mapping in the body, or the live one without a body, against both sides. Changes nothing."""
    services = await app.services()
    findings = await services.mapping_service.check(await _sent_or_live(req, services))
    return json_answer({"findings": _findings_json(findings)})


@http_function("preview_mapping")
@_answering
async def preview_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with what the mapping in the body would change: `?sample=100` or `?records=contact:…,lead:…`."""
    query = read_query(req, _PreviewQuery)
    preview = (await app.administration()).preview
    mapping = await run_in_thread(read_file, req.get_body(), (await app.services()).settings.environment)
    if query.records:
        report = await preview.records(mapping, query.records, shown=query.shown)
    else:
        report = await preview.sample(mapping, size=query.sample, shown=query.shown)
    return json_answer(report.as_json())


@http_function("apply_mapping")
@_answering
async def apply_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Make the mapping in the body live: `?by=role&comment=…&accept=CODE,…`, If-Match with the version it changes."""
    services = await app.services()
    mapping = await run_in_thread(read_file, req.get_body(), services.settings.environment)
    return await _changed(await services.mapping_service.apply(mapping, _change(req), app.trial))


@http_function("roll_back_mapping")
@_answering
async def roll_back_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Make a new version equal to an old one."""
    text = req.route_params["version"]
    if not text.isdecimal():
        return problem(400, "Call /api/mapping/rollback/{the number of a version}.")
    return await _changed(await (await app.services()).mapping_service.rollback(int(text), _change(req), app.trial))


@http_function("restore_default_mapping")
@_answering
async def restore_default_mapping(req: func.HttpRequest) -> func.HttpResponse:
    """Add the default rows whose Spotler property no row fills any more (C-41)."""
    return await _changed(await (await app.services()).mapping_service.restore_defaults(_change(req), app.trial))


async def _sent_or_live(req: func.HttpRequest, services: Services) -> Mapping:
    if body := req.get_body():
        return await run_in_thread(read_file, body, services.settings.environment)
    return mapping_of(await services.mapping_service.live())


def _change(req: func.HttpRequest) -> MappingChange:
    query = read_query(req, _ChangeQuery)
    return MappingChange(
        by=_signed_in(req) or query.by or _NO_SIGN_IN,
        comment=query.comment,
        base=_base(req.headers.get("if-match", "")),
        accepted=query.accept,
    )


def _signed_in(req: func.HttpRequest) -> str:
    """Return the id of the signed-in caller; without App Service Authentication any caller can send the header."""
    return req.headers.get(PRINCIPAL_ID, "") if sign_in_is_on() else ""


def _base(etag: str) -> int | None:
    """Read If-Match; a foreign etag matches no version."""
    if etag in {"", "*"}:
        return None
    number = etag.strip().strip('"')
    return int(number) if number.isdecimal() else 0


async def _changed(result: Applied | ChangeRefused) -> func.HttpResponse:
    match result:
        case Applied(version, findings):
            await app.mapping_changed()
            return json_answer(
                {**_version_json(version), "findings": _findings_json(findings)},
                headers={"ETag": f'"{version.number}"'},
            )
        case ChangeRefused(findings) as refused:
            text = refused.advice(lambda codes: f"accept={','.join(codes)}")
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
