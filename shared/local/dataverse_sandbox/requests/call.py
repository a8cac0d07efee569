"""Dispatches one request by the resource that its path addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.local.dataverse_sandbox.administration import roles, solutions
from shared.local.dataverse_sandbox.http import headers
from shared.local.dataverse_sandbox.http.exchange import ApiRequest, ApiResponse, answer, empty
from shared.local.dataverse_sandbox.metadata import metadata
from shared.local.dataverse_sandbox.metadata.definitions import Definitions
from shared.local.dataverse_sandbox.metadata.schema import Schema, Table
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import (
    method_not_allowed,
    not_implemented,
    unknown_resource,
    unknown_segment,
)
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.queries.conditions import QueryContext
from shared.local.dataverse_sandbox.requests import function_arguments
from shared.local.dataverse_sandbox.requests import preferences as preferences_header
from shared.local.dataverse_sandbox.requests import resource_path as paths
from shared.local.dataverse_sandbox.requests.collection import Listing, count
from shared.local.dataverse_sandbox.requests.invocation import TYPE_PREFIX, Invocation
from shared.local.dataverse_sandbox.requests.payload import References
from shared.local.dataverse_sandbox.requests.preferences import Preferences
from shared.local.dataverse_sandbox.requests.query_options import QueryOptions
from shared.local.dataverse_sandbox.requests.resource_path import Path, Segment
from shared.local.dataverse_sandbox.requests.row_call import RowCall
from shared.local.dataverse_sandbox.rows import actions
from shared.local.dataverse_sandbox.rows.publication import PUBLISHABLE, View
from shared.local.dataverse_sandbox.rows.reading import Reader, etag
from shared.local.dataverse_sandbox.rows.store import Row, RowRef
from shared.local.dataverse_sandbox.rows.values import stamp
from shared.local.dataverse_sandbox.rows.writes import Writer
from shared.local.dataverse_sandbox.schema_changes import requests as schema_requests

_RETRIEVE_UNPUBLISHED = f"{TYPE_PREFIX}RetrieveUnpublishedMultiple"


@dataclass
class Call:
    """A request with its reader and writer. `references` are the rows behind `$1` … of a change set."""

    organization: Organization
    definitions: Callable[[Schema], Definitions]
    request: ApiRequest
    caller: Caller
    references: Mapping[str, RowRef] = field(default_factory=dict)
    written: RowRef | None = None

    def __post_init__(self) -> None:
        now = self.organization.now()
        self.store = self.organization.store
        self.preferences: Preferences = preferences_header.parse(self.request.headers.get("prefer", ""))
        self.known = References(self.store, self.references)
        self.writer = Writer(self.known, self.caller, stamp(now))
        context = QueryContext(now, self.caller.user, self.caller.rights, self.organization.zone)
        self.reader = Reader(self.store, context, self.preferences, self.caller.base_url)
        self.options = QueryOptions(self.request.query, self.request.query)
        self.path = Path(self._substituted(paths.segments(self.request.path)))

    def answer(self) -> ApiResponse:
        """Execute the request; WebApiError if that is impossible."""
        first = self.path.ahead
        if first is None:
            return self._service_document()
        if metadata.is_metadata(first.name):
            return self._metadata()
        table = self.organization.schema.by_set.get(first.name)
        if table is None:
            return self._unbound(first)
        self.path.take_with_key()
        if first.key is None:
            return self._set(table)
        return RowCall(self).answer(paths.address(self.store, table, first.key))

    def _unbound(self, first: Segment) -> ApiResponse:
        if schema_requests.is_action(first.name) and first.key is None:
            return schema_requests.act(self.organization, self.request, self.path.take().name, self.caller)
        return self.act(self.path.take_with_key(), None, None)

    def _metadata(self) -> ApiResponse:
        if self.request.method == "GET":
            consistency = self.request.headers.get("consistency", "")
            definitions = self.definitions(self.organization.customising.seen(self.organization.schema, consistency))
            return metadata.answer(definitions, self.options, self.path, self.caller.base_url)
        return schema_requests.change_definition(
            self.organization, self.definitions, self.request, self.path, self.caller
        )

    def refuse_unread(self) -> None:
        """Refuse unread parts of the request: WebApiError 400 or 501."""
        self.path.refuse_rest()
        self.options.refuse_unread()
        headers.check(self.request.headers)
        self.request.refuse_unread()

    def act(self, segment: Segment, table: Table | None, identifier: str | None) -> ApiResponse:
        """Call an action or a function."""
        name = segment.name.removeprefix(TYPE_PREFIX)
        action = actions.find(name, table, identifier)
        if action is None and table is None:
            raise unknown_resource(name, is_absent=name in self.organization.schema.removed)
        if action is None or (table is not None and name == segment.name):
            raise unknown_segment(name, table.name if table is not None else "")
        if segment.key and name not in actions.WITH_PARAMETERS:
            raise not_implemented(f"The parameters ({segment.key}) of '{name}'")
        if self.request.method not in {"POST", "GET"}:
            raise method_not_allowed(self.request.method)
        arguments = function_arguments.read(segment.key, self.request.query) if segment.key else self.request.json
        bound = RowRef(table.name, identifier) if table is not None and identifier is not None else None
        if name in actions.CUSTOMISING:
            if needed := actions.CUSTOMISING[name]:
                self.caller.rights.require(*needed)
            self.organization.customising.admit()
        result = action(Invocation(self.organization, self.writer, table, bound, arguments))
        if bound is not None and table is not None and self.request.method == "POST":
            self.keep_in_solution(table, bound.id)
        if result is None:
            return empty()
        context = f"{self.caller.base_url}/$metadata#{TYPE_PREFIX}{name}Response"
        return answer({"@odata.context": context, **result})

    def saved(self, table: Table, identifier: str, entity: str, *, new: bool) -> ApiResponse:
        """Answer a write with the address of the row, or with the row if the caller prefers that."""
        self.written = RowRef(table.name, identifier)
        headers_of_answer = {"OData-EntityId": f"{self.caller.base_url}/{entity}"}
        row = self.store.rows(table.name)[identifier]
        if not self.preferences.representation:
            self.options.select, self.options.expand  # noqa: B018  # read, though the answer has no row to shape
            return empty(headers_of_answer)
        document = self.document(table, row)
        headers_of_answer |= {"Preference-Applied": "return=representation", "ETag": etag(row)}
        return answer(document, 201 if new else 200, headers_of_answer)

    def may_customise(self, table: Table) -> None:
        """Let a write to the row of a component pass; WebApiError 403 or 429 if the organisation resists."""
        if table.name in solutions.TYPES:
            self.organization.customising.admit_row(table.name, frozenset(self.request.json))

    def keep_in_solution(self, table: Table, identifier: str) -> None:
        """Put a written component into the solution that the header `MSCRM.SolutionUniqueName` names."""
        if table.name in solutions.TYPES:
            name = self.request.headers.get("mscrm.solutionuniquename", "")
            solutions.keep_row(self.organization, table.name, identifier, name)

    def document(self, table: Table, row: Row) -> dict[str, Any]:
        """Return the JSON of a row with the requested columns."""
        fields = f"({','.join(self.options.select)})" if self.options.select else ""
        context = f"{self.caller.base_url}/$metadata#{table.set_name}{fields}/$entity"
        return {"@odata.context": context, **self.reader.shape(table, self.options)(row)}

    @property
    def applied(self) -> dict[str, str]:
        """The header `Preference-Applied` of an answer with one row."""
        applied = self.preferences.applied_to_row
        return {"Preference-Applied": applied} if applied else {}

    def _set(self, table: Table) -> ApiResponse:
        if self.path.accept("$count"):
            return count(self.reader, table, self.options)
        if table.name in PUBLISHABLE and self.path.accept_call(_RETRIEVE_UNPUBLISHED):
            self.reader.view = View.LATEST
        if self.path.ahead is not None:
            return self.act(self.path.take_with_key(), table, None)
        match self.request.method:
            case "GET":
                return Listing(self.reader, table, self.options, table.set_name).answer()
            case "POST":
                self.may_customise(table)
                identifier = self.writer.create(table, self._named(table))
                self.keep_in_solution(table, identifier)
                if table.name == "role":
                    roles.created(self.organization, identifier)
                if self._is_lost(table, identifier):
                    self.organization.store.remove(table.name, identifier)
                    return empty({"OData-EntityId": f"{self.caller.base_url}/{table.set_name}({identifier})"})
                return self.saved(table, identifier, f"{table.set_name}({identifier})", new=True)
            case other:
                raise method_not_allowed(other)

    def _named(self, table: Table) -> Mapping[str, Any]:
        body = self.request.json
        if table.name != "appmodule":
            return body
        return solutions.app_named(self.organization, body, self.request.headers.get("mscrm.solutionuniquename", ""))

    def _is_lost(self, table: Table, identifier: str) -> bool:
        row = self.store.rows(table.name)[identifier]
        is_complete = row.get("clienttype") and row.get("formfactor")
        return table.name == "appmodule" and self.organization.customising.loses_apps and not is_complete

    def _substituted(self, segments: list[Segment]) -> list[Segment]:
        """Replace a leading `$1` by the path of the row."""
        if not segments or segments[0].name not in self.references:
            return segments
        row = self.references[segments[0].name]
        return [Segment(self.organization.schema.tables[row.table].set_name, row.id), *segments[1:]]

    def _service_document(self) -> ApiResponse:
        sets = [{"name": name, "kind": "EntitySet", "url": name} for name in self.organization.schema.by_set]
        return answer({"@odata.context": f"{self.caller.base_url}/$metadata", "value": sets})
