"""Reads the RemoteExecutionContext that a Dataverse service endpoint posts (Message Format JSON).

Source: Microsoft's pages "Azure integration", "Write a listener application for a Microsoft Azure solution" and
"Use Webhooks to create external handlers", and captures from real organisations. Members differ between versions, so
only those that identify the row and the organisation are required.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_pascal

from shared.adapters.dataverse.events.contract_values import Entity, collection, identifier
from shared.adapters.dataverse.events.events import DataverseEvent, Message
from shared.domain.records.records import Lookup
from shared.domain.values.json_text import parse_json
from shared.domain.wording.letters import EventText
from shared.domain.wording.phrase import Phrase
from shared.errors import ConnectorError, Service
from shared.ports.organisations import Origin

_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_ORGANISATION_CLAIM = "http://schemas.microsoft.com/xrm/2011/Claims/Organization"
_SIZE_EXCEEDED = ("MessageMaxSizeExceeded", "x-ms-dynamics-msg-size-exceeded")  # Service Bus property, webhook header
_CONTRACT_NAME = b"RemoteExecutionContext"
_SCHEMA_NAME = r"^[A-Za-z_][A-Za-z0-9_.]{0,199}$"
_COLUMN = re.compile(_SCHEMA_NAME)
# A tag is free text of a caller of the Web API; only a text in the form of a code is safe to log.
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")

# Rows that belong to a record or a list: a change of such a row is a change of its owner.
_OWNERS = {
    "dh_spotlerpermission": ("dh_customerid", "dh_leadid"),
    "listmember": ("listid", "entityid"),
}
_MESSAGES: Mapping[str, Message | str] = {message.value: message for message in Message}


class EventRefusal(StrEnum):
    """Reasons why a message is not an execution context of a configured organisation."""

    BINARY = "binary-message-format"
    XML = "xml-message-format"
    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    OTHER_JSON = "other-json"
    OTHER_ORGANISATION = "other-organisation"


class NotAnExecutionContext(ConnectorError):  # noqa: N818  # concerns a message, not a failure of the connector
    """A message that a repetition cannot cure. `description` tells the administrator what to change."""

    recovery = "configure"

    def __init__(self, reason: EventRefusal, description: Phrase) -> None:
        """Both are stored with the dead letter, so neither may quote the message."""
        super().__init__(description, service=Service.DATAVERSE, code=reason)
        self.reason = reason
        self.description = description


def _images(value: Any) -> dict[str, Entity]:
    return {alias: image for alias, image in collection(value).items() if isinstance(image, Entity)}


_SchemaName = Annotated[str, StringConstraints(pattern=_SCHEMA_NAME)]
_Identifier = Annotated[UUID | None, BeforeValidator(identifier)]
_Collection = Annotated[dict[str, Any], BeforeValidator(collection)]
_Images = Annotated[dict[str, Entity], BeforeValidator(_images)]


class RemoteExecutionContext(BaseModel):
    """The message as it is posted; `ParentContext` holds the caller's own request in the same shape."""

    model_config = ConfigDict(
        alias_generator=to_pascal, extra="ignore", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    message_name: _SchemaName
    primary_entity_name: _SchemaName
    primary_entity_id: _Identifier
    organization_id: UUID
    correlation_id: _Identifier = None
    operation_id: _Identifier = None
    initiating_user_id: _Identifier = None
    user_id: _Identifier = None
    depth: int = 1
    input_parameters: _Collection = {}
    output_parameters: _Collection = {}
    shared_variables: _Collection = {}
    pre_entity_images: _Images = {}
    post_entity_images: _Images = {}
    parent_context: RemoteExecutionContext | None = None

    def lineage(self) -> Iterator[RemoteExecutionContext]:
        """Yield this context, its parent, and so on."""
        context: RemoteExecutionContext | None = self
        while context is not None:
            yield context
            context = context.parent_context


def read_event(body: bytes, content_type: str, properties: Mapping[str, str]) -> DataverseEvent:
    """Read one Service Bus message (or webhook call): its body, content type and application properties or headers.

    Raises `NotAnExecutionContext`.
    """
    context = _parse(body, content_type)
    try:
        return _event(context, properties)
    except RecursionError:
        raise NotAnExecutionContext(EventRefusal.OTHER_JSON, EventText.TOO_DEEP()) from None


def _event(context: RemoteExecutionContext, properties: Mapping[str, str]) -> DataverseEvent:
    name = context.message_name
    message = _MESSAGES.get(name, name)
    columns = dict.fromkeys(column for target in _targets(context) for column in target.attributes)
    flagged = any(mark.casefold() in key.casefold() for key in properties for mark in _SIZE_EXCEEDED)
    return DataverseEvent(
        message=message,
        table=context.primary_entity_name,
        id=context.primary_entity_id,
        origin=Origin(context.organization_id, host_of(properties.get(_ORGANISATION_CLAIM, ""))),
        correlation_id=context.correlation_id,
        operation_id=context.operation_id,
        initiating_user=context.initiating_user_id,
        user=context.user_id,
        depth=context.depth,
        tags=frozenset(_tags(context)),
        changed=frozenset(filter(_COLUMN.match, columns)),
        references=tuple(dict.fromkeys(_references(context))),
        # Every message of the platform has parameters; a custom action may have none.
        stripped=flagged or (isinstance(message, Message) and not context.input_parameters),
        members=tuple(dict.fromkeys(_members(context))),
    )


def without_values(body: bytes) -> bytes:
    """Reduce a message to an execution context with the same rows and columns, but no value of a column.

    `read_event` reads the same message, rows, columns, members, tags and correlation id from it. Empty for a body that
    is no execution context, because any part of it may be a value.
    """
    try:
        event = read_event(body, "", {})
    except NotAnExecutionContext:
        return b""
    return json.dumps(_reduced(event)).encode()


def _reduced(event: DataverseEvent) -> dict[str, Any]:
    """Write an event in the message's own format."""
    row = {
        "MessageName": event.message,
        "PrimaryEntityName": event.table,
        "PrimaryEntityId": event.id and str(event.id),
        "OrganizationId": str(event.origin.organisation),
    }
    parent: dict[str, Any] | None = None
    for tag in sorted(event.tags):  # a context holds one tag
        parent = {**row, "SharedVariables": [{"key": "tag", "value": tag}], "ParentContext": parent}
    return {
        **row,
        "CorrelationId": event.correlation_id and str(event.correlation_id),
        "OperationId": event.operation_id and str(event.operation_id),
        "Depth": event.depth,
        "InputParameters": [] if event.stripped else _parameters(event),
        "ParentContext": parent,
    }


def _parameters(event: DataverseEvent) -> list[dict[str, Any]]:
    rows = [one for one in event.references if re.fullmatch(_SCHEMA_NAME, one.table)]
    references = [
        {"__type": f"EntityReference:{_CONTRACTS}", "Id": str(one.id), "LogicalName": one.table} for one in rows
    ]
    columns = [{"key": column, "value": None} for column in sorted(event.changed)]
    target = {"__type": f"Entity:{_CONTRACTS}", "LogicalName": "", "Id": None, "Attributes": columns}
    parameters: list[dict[str, Any]] = [
        {"key": "References", "value": references},
        {"key": "Target", "value": target},
    ]
    if event.members:
        lists = [str(one.id) for one in rows if one.table == "list"]
        parameters.append({"key": "ListId", "value": lists[0] if lists else None})
        parameters.append({"key": "MemberIds", "value": [str(member) for member in event.members]})
    return parameters


def check_organisation(origin: Origin, *, ids: Collection[UUID]) -> None:
    """Refuse a message of another organisation, such as a copy of production that kept its service endpoint.

    Raises `NotAnExecutionContext`.
    """
    if origin.organisation in ids:
        return
    raise NotAnExecutionContext(
        EventRefusal.OTHER_ORGANISATION,
        EventText.OTHER_ORGANISATION(organisation=str(origin.organisation)),
    )


def _parse(body: bytes, content_type: str) -> RemoteExecutionContext:
    media = content_type.partition(";")[0].strip().casefold()
    # The body decides, not its label: a JSON body with another content type is read.
    start = body.removeprefix(BOM_UTF8).lstrip()[:1]
    if start not in (b"{", b"<") and (media == "application/msbin1" or _CONTRACT_NAME in body[:100]):
        raise NotAnExecutionContext(EventRefusal.BINARY, EventText.BINARY(repair=EventText.REPAIR()))
    if start == b"<" or (media.endswith("xml") and start != b"{"):
        raise NotAnExecutionContext(EventRefusal.XML, EventText.XML(repair=EventText.REPAIR()))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAnExecutionContext(EventRefusal.NOT_UTF8, EventText.NOT_UTF8()) from None
    try:
        # The standard library reads half of a surrogate pair, which .NET writes for a text that was cut in an emoji.
        document = parse_json(text)
    except ValueError:
        raise NotAnExecutionContext(EventRefusal.NOT_JSON, EventText.NOT_JSON(repair=EventText.REPAIR())) from None
    try:
        return RemoteExecutionContext.model_validate(document)
    except RecursionError:
        raise NotAnExecutionContext(EventRefusal.OTHER_JSON, EventText.TOO_DEEP()) from None
    except ValidationError as error:
        places = sorted(
            {".".join(str(step) for step in fault["loc"]) or EventText.THE_WHOLE() for fault in error.errors()}
        )
        raise NotAnExecutionContext(EventRefusal.OTHER_JSON, EventText.OTHER_JSON(places=tuple(places[:5]))) from None


def _references(context: RemoteExecutionContext) -> Iterator[Lookup]:
    """Yield all rows that the message names. A row too many costs a read, a row too few a divergence."""
    table = context.primary_entity_name
    if context.primary_entity_id is not None:
        yield Lookup(table, context.primary_entity_id)
    for parameters in (context.input_parameters, context.output_parameters):
        for value in parameters.values():
            yield from _rows(value)
    # Some parameters are GUIDs whose table follows from the message; members of a list may be of any table.
    created = context.output_parameters.get("Ids")
    for value in (context.output_parameters.get("id"), *(created if isinstance(created, list) else ())):
        if (row := identifier(value)) is not None:
            yield Lookup(table, row)
    if subordinate := identifier(context.input_parameters.get("SubordinateId")):
        yield Lookup(table, subordinate)
    if marketing_list := identifier(context.input_parameters.get("ListId")):
        yield Lookup("list", marketing_list)
    images = (*context.pre_entity_images.values(), *context.post_entity_images.values())
    for entity in (*_targets(context), *images):
        owners = (entity.value(column) for column in _OWNERS.get(table, ()))
        yield from (owner for owner in owners if isinstance(owner, Lookup))


def _targets(context: RemoteExecutionContext) -> Iterator[Entity]:
    """Yield the rows that a message writes: one, or several of CreateMultiple and similar messages."""
    several = context.input_parameters.get("Targets")
    for target in (context.input_parameters.get("Target"), *(several if isinstance(several, list) else ())):
        if isinstance(target, Entity):
            yield target


def _members(context: RemoteExecutionContext) -> Iterator[UUID]:
    """Yield the GUIDs in AddMember, AddListMembers and similar messages."""
    if "ListId" not in context.input_parameters:
        return
    several = context.input_parameters.get("MemberIds")
    for value in (context.input_parameters.get("EntityId"), *(several if isinstance(several, list) else ())):
        if (member := identifier(value)) is not None:
            yield member


def _rows(value: Any) -> Iterator[Lookup]:
    match value:
        case Lookup():
            yield value
        case Entity(table=table, id=UUID() as row) if table:
            yield Lookup(table, row)
        case list():
            for item in value:
                yield from _rows(item)
        case dict():  # an object of an unknown type, such as a collection with its members
            yield from _rows(list(value.values()))


def _tags(context: RemoteExecutionContext) -> Iterator[str]:
    for ancestor in context.lineage():
        tag = ancestor.shared_variables.get("tag")
        if isinstance(tag, str) and _TAG.fullmatch(tag):
            yield tag


def host_of(address: str) -> str:
    """Return the host name of a URL, or of a host with or without a port; empty if there is none."""
    try:
        return (urlsplit(address if "//" in address else f"//{address}").hostname or "").casefold()
    except ValueError:  # an open bracket, as of an IPv6 address, without its end
        return ""
