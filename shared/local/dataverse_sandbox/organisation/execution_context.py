"""The body and the properties of a service endpoint message: a RemoteExecutionContext in the Json message format.

Shape: DataContractJsonSerializer, as in the payloads that Microsoft's documentation ("Use Webhooks to create external
handlers for server events") and others have published: 30 members, key/value collections, `__type` first, dates as
`/Date(ms)/`, slashes escaped. Limit: Microsoft's "Azure integration", 192 KB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Table
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.organisation.registration import ImageType, Step
from shared.local.dataverse_sandbox.rows import values
from shared.local.dataverse_sandbox.rows.publication import PUBLISHED
from shared.local.dataverse_sandbox.rows.store import Row, RowRef
from shared.local.dataverse_sandbox.rows.writes import Saved

CLAIMS = "http://schemas.microsoft.com/xrm/2011/Claims/"
MAX_BYTES = 192 * 1024

_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_EMPTY_ID = "00000000-0000-0000-0000-000000000000"
_STAGE_MAIN, _STAGE_POST = 30, 40
_ASYNCHRONOUS = 1
_UNSENT = frozenset({"versionnumber", PUBLISHED})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceEndpointMessage:
    """A message of the asynchronous service for the queue."""

    body: bytes
    content_type: str
    properties: dict[str, str]
    message_id: str
    correlation_id: str


def build(event: Saved, step: Step, caller: Caller, organization: Organization) -> ServiceEndpointMessage:
    """Write the message of one event for one step, stripped if it would be too large."""
    context = _Context(event, step, caller, organization)
    properties = {
        "Organization": urlsplit(caller.base_url).netloc,
        "User": caller.user.id,
        "InitiatingUser": caller.initiator.id,
        "EntityLogicalName": event.table,
        "RequestName": event.message,
        "InitiatingUserAgent": caller.user_agent,
    }
    document = context.document()
    body = _serialized(document)
    if len(body) > MAX_BYTES:
        document |= {"ParentContext": None, "InputParameters": [], "PreEntityImages": [], "PostEntityImages": []}
        body = _serialized(document)
        properties["MessageMaxSizeExceeded"] = "True"
    return ServiceEndpointMessage(
        body=body,
        content_type="application/json",
        properties={CLAIMS + name: value for name, value in properties.items()},
        message_id=str(uuid4()),
        correlation_id=caller.correlation_id,
    )


def _serialized(document: Json) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    return text.encode(errors="backslashreplace")  # half of a surrogate pair becomes its JSON escape


class _Context:
    def __init__(self, event: Saved, step: Step, caller: Caller, organization: Organization) -> None:
        self._event = event
        self._step = step
        self._caller = caller
        self._organization = organization
        self._table = organization.schema.tables[event.table]
        self._operation = str(uuid4())
        self._created_on = f"/Date({int(organization.now().timestamp()) * 1000}+0000)/"

    def document(self) -> Json:
        event = self._event
        new = event.message == "Create"
        return self._frame(
            inputs=self._inputs(event.target, complete=new),
            outputs=_pairs({"id": event.id}) if new else [],
            parent=self._frame(
                inputs=self._inputs(event.sent, complete=False),
                outputs=[],
                parent=None,
                stage=_STAGE_MAIN,
                images=([], []),
            ),
            stage=_STAGE_POST,
            images=(self._images(ImageType.PRE, event.before), self._post_images()),
        )

    def _frame(
        self,
        *,
        inputs: list[Json],
        outputs: list[Json],
        parent: Json | None,
        stage: int,
        images: tuple[list[Json], ...],
    ) -> Json:
        caller, event = self._caller, self._event
        before, after = images
        return {
            "BusinessUnitId": self._organization.unit.id,
            "CorrelationId": caller.correlation_id,
            "Depth": 1,
            "InitiatingUserAgent": caller.user_agent,
            "InitiatingUserAzureActiveDirectoryObjectId": _EMPTY_ID,
            "InitiatingUserId": caller.initiator.id,
            "InputParameters": inputs,
            "IsExecutingOffline": False,
            "IsInTransaction": False,
            "IsOfflinePlayback": False,
            "IsolationMode": 1,
            "MessageName": event.message,
            "Mode": _ASYNCHRONOUS,
            "OperationCreatedOn": self._created_on,
            "OperationId": self._operation,
            "OrganizationId": str(self._organization.id),
            "OrganizationName": self._organization.name,
            "OutputParameters": outputs,
            "OwningExtension": _untagged_reference(RowRef("sdkmessageprocessingstep", self._step.id)),
            "ParentContext": parent,
            "PostEntityImages": after,
            "PreEntityImages": before,
            "PrimaryEntityId": event.id,
            "PrimaryEntityName": event.table,
            "RequestId": caller.request_id or None,
            "SecondaryEntityName": "none",
            "SharedVariables": self._shared_variables(),
            "Stage": stage,
            "UserAzureActiveDirectoryObjectId": _EMPTY_ID,
            "UserId": caller.user.id,
        }

    def _shared_variables(self) -> list[Json]:
        variables: Json = {"IsAutoTransact": True, "AcceptLang": ""}
        if self._event.message == "Create":
            variables["DefaultsAddedFlag"] = True
        if self._caller.tag is not None:
            variables["tag"] = self._caller.tag
        return _pairs(variables)

    def _inputs(self, attributes: Mapping[str, Any], *, complete: bool) -> list[Json]:
        event = self._event
        if event.parameters is not None:
            return _pairs({name: self._parameter(name, value) for name, value in event.parameters.items()})
        if event.message == "Delete":
            return _pairs({"Target": _reference(RowRef(event.table, event.id))})
        shown = {name: value for name, value in attributes.items() if name not in _UNSENT}
        if "modifiedon" in shown:
            shown.setdefault("modifiedonbehalfby", None)
        return _pairs({"Target": _tagged("Entity", self._entity(shown, formatted=complete, version=event.row_version))})

    def _parameter(self, name: str, value: Any) -> Any:
        match value:
            case RowRef():
                return _reference(value)
            case dict():
                return _tagged("Entity", self._entity(value, formatted=False, version=None))
            case int() if name == "Status":
                return _tagged("OptionSetValue", {"Value": value})
            case _:
                return value

    def _post_images(self) -> list[Json]:
        event, table = self._event, self._table
        images = self._images(ImageType.POST, event.after)
        if event.after is not None:  # the platform gives every asynchronous step the name of the row
            names = {name: event.after.get(name) for name in (table.primary_name, table.primary_id)}
            image = self._entity({name: value for name, value in names.items() if value}, formatted=False, version=None)
            images.append({"key": "AsynchronousStepPrimaryName", "value": image})
        return images

    def _images(self, kind: ImageType, row: Row | None) -> list[Json]:
        if row is None:
            return []
        wanted = [image for image in self._step.images if image.type in {kind, ImageType.BOTH}]
        return [
            {
                "key": image.alias,
                "value": self._entity(self._picked(row, image.attributes), formatted=True, version=None),
            }
            for image in wanted
        ]

    def _picked(self, row: Row, attributes: Iterable[str]) -> Row:
        chosen = {*attributes, self._table.primary_id} if attributes else set(row)
        return {name: value for name, value in row.items() if name in chosen and name not in _UNSENT}

    def _entity(self, attributes: Mapping[str, Any], *, formatted: bool, version: str | None) -> Json:
        columns = {name: self._table.columns[name] for name in attributes}
        labels = _labels(self._table, attributes) if formatted else {}
        return {
            "Attributes": _pairs({name: _value(columns[name], value) for name, value in attributes.items()}),
            "EntityState": None,
            "FormattedValues": _pairs(labels),
            "Id": self._event.id,
            "KeyAttributes": [],
            "LogicalName": self._event.table,
            "RelatedEntities": [],
            "RowVersion": version,
        }


def _labels(table: Table, attributes: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name, value in attributes.items():
        column = table.columns[name]
        if column.type is ColumnType.DATE_TIME and value is not None:
            labels[name] = value.replace("Z", "-00:00")
        elif value is not None and (label := values.formatted(column, value)) is not None:
            labels[name] = label
    return labels


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case ColumnType.PICKLIST | ColumnType.STATE | ColumnType.STATUS:
            return _tagged("OptionSetValue", {"Value": value})
        case ColumnType.MONEY:
            return _tagged("Money", {"Value": value})
        case ColumnType.LOOKUP:
            return _reference(value)
        case ColumnType.DATE_TIME:
            moment = datetime.fromisoformat(value)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return f"/Date({int(aware.timestamp()) * 1000})/"
        case _:
            return value


def _tagged(name: str, members: Json) -> Json:
    return {"__type": f"{name}:{_CONTRACTS}", **members}


def _reference(reference: RowRef) -> Json:
    return _tagged("EntityReference", _untagged_reference(reference))


def _untagged_reference(reference: RowRef) -> Json:
    return {"Id": reference.id, "KeyAttributes": [], "LogicalName": reference.table, "Name": None, "RowVersion": None}


def _pairs(items: Mapping[str, Any]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in items.items()]
