"""The wire format: JSON or XML by the request's `Accept`, scalars, dates, and the error body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from starlette.responses import Response

SERVER_ZONE = ZoneInfo("Europe/Amsterdam")
NO_CONTENT = 204


class Format(StrEnum):
    """The two media types of the service."""

    JSON = "application/json"
    XML = "application/xml"


class DateStyle(StrEnum):
    """The format of native dates (`created`, `lastChanged`, bounce `date` …)."""

    EPOCH_MILLISECONDS = "epoch-milliseconds"
    ISO = "iso"


class ErrorType(StrEnum):
    """The `errorType` of an error body, spelled as the service spells it; only NOT_MODELLED is the sandbox's own."""

    INVALID_PARAMS = "INVALID_PARAMS"
    INVALID_STATE = "INVALID_STATE"
    NAME_ALREADY_IN_USE = "NAME_ALREADY_IN_USE"
    ID_NOTUNIQUE = "ID_NOTUNIQUE"
    AUTH_NOT_FOUND = "AUTH_NOT_FOUND"
    NOT_AUTHORIZED = "NOT_AUTHORIZED"
    CONTACT_NOT_FOUND = "CONTACT_NOT_FOUND"
    CONTACT_OPTOUT = "CONTACT_OPTOUT"
    CONTACT_ALREADY_EXISTS = "CONTACT_ALREADY_EXISTS"
    INVALID_PROPERTY = "INVALID_PROPERTY"
    BACKEND_EXCEPTION = "BACKEND_EXCEPTION"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    TRIGGER_NOTFOUND = "TRIGGER_NOTFOUND"
    CAMPAIGN_NOTFOUND = "CAMPAIGN_NOTFOUND"
    MAILING_NOTFOUND = "MAILING_NOTFOUND"
    INVALID_MAILING = "INVALID_MAILING"
    PRODUCT_NOTFOUND = "PRODUCT_NOTFOUND"
    ORDER_NOTFOUND = "ORDER_NOTFOUND"
    FORM_NOT_FOUND = "FORM_NOT_FOUND"
    FORMRESULT_NOT_FOUND = "FORMRESULT_NOT_FOUND"
    NOT_MODELLED = "NOT_MODELLED_BY_SANDBOX"


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer. Without a body it has a status only; `root` is the root element in XML."""

    status: int = NO_CONTENT
    body: Any = None
    root: str = "result"


class ApiError(Exception):
    """A refusal. With `error_type` None it has no body: the service documents none for these statuses."""

    def __init__(
        self, status: int, error_type: ErrorType | None, message: str = "", *, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.extra = extra or {}

    def reply(self) -> Reply:
        """Return the standard body: `errorType`, `message` and the extra keys of some operations."""
        if self.error_type is None:
            return Reply(self.status)
        body = {"errorType": str(self.error_type), "message": self.message, **self.extra}
        return Reply(self.status, body, root="error")


def invalid(message: str) -> ApiError:
    """Build the refusal of a missing or unreadable parameter or body."""
    return ApiError(400, ErrorType.INVALID_PARAMS, message)


def negotiate(accept: str | None, *, default: Format) -> Format | None:
    """Choose a format by quality; `default` wins a tie. None: the client accepts neither."""
    if accept is None or not accept.strip():
        return default
    quality = {offer: _quality(accept, offer) for offer in Format}
    best = max(quality.values())
    if best <= 0:
        return None
    return default if quality[default] == best else max(quality, key=lambda offer: quality[offer])


def render(reply: Reply, media_type: Format) -> Response:
    """Write a reply. The content type carries no charset parameter, as with the service."""
    if reply.body is None:
        return Response(status_code=reply.status)
    return Response(_content(reply, media_type), status_code=reply.status, media_type=media_type.value)


@dataclass(frozen=True, slots=True)
class Period:
    """A period from (inclusive) until (exclusive); None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


def read_moment(text: str) -> datetime:
    """Read ISO 8601 as UTC; a text without zone is Dutch time. ValueError for other texts."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=SERVER_ZONE)).astimezone(UTC)


def iso(moment: datetime) -> str:
    """Write a date in ISO form, in Dutch time with its offset and to the second."""
    return moment.astimezone(SERVER_ZONE).isoformat(timespec="seconds")


def native_date(moment: datetime, style: DateStyle) -> int | str:
    """Write a native date."""
    match style:
        case DateStyle.EPOCH_MILLISECONDS:
            return int(moment.timestamp() * 1000)
        case DateStyle.ISO:
            return iso(moment)


def _quality(accept: str, offer: Format) -> float:
    """Return the quality of the most specific range that covers the offer."""
    found = (0, 0.0)
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        specificity = {offer.value: 3, "application/*": 2, "*/*": 1}.get(media, 0)
        if specificity > found[0]:
            found = (specificity, _weight(parameters))
    return found[1]


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _content(reply: Reply, media_type: Format) -> bytes:
    match media_type:
        case Format.JSON:
            return json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()
        case Format.XML:
            root = ET.Element(reply.root)
            _fill(root, reply.body)
            document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
            return document


def _fill(element: ET.Element, value: Any) -> None:
    """Build XML elements like Java's XML binding: a list repeats its element, a map with free names has entries."""
    match value:
        case Mapping():
            for name, item in value.items():
                if name == "properties" and isinstance(item, Mapping):
                    _fill_entries(ET.SubElement(element, name), item)
                else:
                    _append(element, name, item)
        case list() | tuple():
            for item in value:
                _append(element, "item", item)
        case bool():
            element.text = "true" if value else "false"
        case _:
            element.text = str(value)


def _fill_entries(element: ET.Element, items: Mapping[str, Any]) -> None:
    for key, value in items.items():
        entry = ET.SubElement(element, "entry")
        _append(entry, "key", key)
        _append(entry, "value", value)


def _append(element: ET.Element, name: str, value: Any) -> None:
    if value is None:
        return
    for item in value if isinstance(value, list | tuple) else (value,):
        _fill(ET.SubElement(element, name), item)
