"""One Web API request as a value: sent alone or as a part of a batch.

Source: Microsoft's pages "Perform operations using the Web API" and "Perform conditional operations".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import Expand

Row = dict[str, Any]

_SUBJECT = re.compile(r"/?\$?[A-Za-z_][A-Za-z0-9_.]*")


class Method(StrEnum):
    """HTTP methods of the Web API."""

    GET = "GET"
    POST = "POST"
    PATCH = "PATCH"
    PUT = "PUT"
    DELETE = "DELETE"


class Annotation(StrEnum):
    """Additional information that Dataverse can return with a value."""

    LABEL = "OData.Community.Display.V1.FormattedValue"
    LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
    PAGING_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
    MORE_RECORDS = "Microsoft.Dynamics.CRM.morerecords"


@dataclass(frozen=True, slots=True)
class WebApiOperation:
    """A request. `path` is relative to the Web API and already encoded (`odata.row`, `odata.reads`).

    Consecutive operations with the same `group` form one change set: all or none, in that order; `$1` in a body is the
    row that the first of them created. A `repeatable` operation may be sent twice.
    """

    method: Method
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    repeatable: bool = True

    @property
    def name(self) -> str:
        """Method and table, for metrics and errors: `PATCH contacts`."""
        subject = _SUBJECT.match(self.path)
        return f"{self.method} {subject[0].lstrip('/') if subject else 'unknown'}"


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Rows of one table by their ids; `id_column` is its primary key, or a lookup such as `_dh_leadid_value`."""

    entity_set: str
    id_column: str
    ids: Sequence[UUID]
    select: Sequence[str]
    expand: Sequence[Expand] = ()


def create(
    entity_set: str, row: Mapping[str, Any], *, key: str | None = None, group: str | None = None
) -> WebApiOperation:
    """Insert `row`. `key` is the primary key column if the row has an id; only then the operation is repeatable."""
    repeatable = key is not None and key in row
    return WebApiOperation(Method.POST, odata.name(entity_set), row, group=group, repeatable=repeatable)


def update(
    entity_set: str, identifier: UUID, row: Mapping[str, Any], *, if_match: str = "*", group: str | None = None
) -> WebApiOperation:
    """Change columns of an existing row, with `if_match` only of that version; never creates one."""
    return WebApiOperation(Method.PATCH, odata.row(entity_set, identifier), row, {"If-Match": if_match}, group)


def upsert(entity_set: str, identifier: UUID, row: Mapping[str, Any], *, group: str | None = None) -> WebApiOperation:
    """Change the row or create it with that id."""
    return WebApiOperation(Method.PATCH, odata.row(entity_set, identifier), row, group=group)


def retrieve(
    entity_set: str,
    identifier: UUID,
    *,
    select: Sequence[str],
    expand: Sequence[Expand] = (),
    annotations: Sequence[Annotation] = (),
) -> WebApiOperation:
    """Read one row."""
    path = odata.reads(odata.row(entity_set, identifier), shape(select, expand))
    return WebApiOperation(Method.GET, path, headers=preferences(annotations))


def by_ids(request: Retrieve, ids: Sequence[UUID], *, annotations: Sequence[Annotation] = ()) -> WebApiOperation:
    """Read the rows of `request` that have one of `ids`."""
    options = shape(request.select, request.expand) | {"$filter": odata.within(request.id_column, ids)}
    return WebApiOperation(
        Method.GET, odata.reads(odata.name(request.entity_set), options), headers=preferences(annotations)
    )


def shape(select: Sequence[str], expand: Sequence[Expand]) -> dict[str, str]:
    """Return the query options for columns and related rows."""
    return {"$select": ",".join(map(odata.name, select)), "$expand": ",".join(map(str, expand))}


def preferences(annotations: Sequence[Annotation], *, page_size: int | None = None) -> dict[str, str]:
    """Return the headers for annotations and a page size of at most 5,000 rows."""
    wishes = [f"odata.maxpagesize={page_size}"] if page_size else []
    if annotations:
        wishes.append(f'odata.include-annotations="{",".join(annotations)}"')
    return {"Prefer": ",".join(wishes)} if wishes else {}
