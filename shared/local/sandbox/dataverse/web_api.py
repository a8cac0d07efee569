"""The Web API behind HTTP: finds out what a request addresses and has it done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.local.sandbox.dataverse import actions, associations, batch, metadata, query_options
from shared.local.sandbox.dataverse import preferences as preferences_header
from shared.local.sandbox.dataverse import resource_path as paths
from shared.local.sandbox.dataverse.caller import Caller
from shared.local.sandbox.dataverse.collection import Listing, count
from shared.local.sandbox.dataverse.conditions import Circumstances
from shared.local.sandbox.dataverse.errors import (
    WebApiError,
    bad_request,
    key_missing,
    method_not_allowed,
    row_missing,
    unknown_property,
    unknown_segment,
)
from shared.local.sandbox.dataverse.exchange import ApiRequest, ApiResponse, answer, empty, refusal
from shared.local.sandbox.dataverse.filters import related_rows
from shared.local.sandbox.dataverse.invocation import Invocation
from shared.local.sandbox.dataverse.organization import Organization
from shared.local.sandbox.dataverse.payload import References
from shared.local.sandbox.dataverse.preferences import Preferences
from shared.local.sandbox.dataverse.privileges import Access
from shared.local.sandbox.dataverse.query_options import QueryOptions
from shared.local.sandbox.dataverse.reading import Reader, etag
from shared.local.sandbox.dataverse.resource_path import RowAddress, Segment
from shared.local.sandbox.dataverse.schema import Navigation, Table, ToOne
from shared.local.sandbox.dataverse.store import Row, RowRef
from shared.local.sandbox.dataverse.values import stamp, to_json
from shared.local.sandbox.dataverse.writes import Precondition, Saved, Writer

Fire = Callable[[Sequence[Saved], Caller], None]

_BOUND_PREFIX = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True)
class WebApi:
    """Answers requests. `fire` is told what was saved once the request, or its change set, has succeeded."""

    organization: Organization
    fire: Fire

    def handle(self, request: ApiRequest, caller: Caller) -> ApiResponse:
        """Answer one request, `$batch` included; refusals are answers too."""
        if request.path.strip("/").lower() == "$batch":
            caller = caller.within({}, request.headers)
            transaction = batch.Transaction(self.organization.store.transaction, self._commit)
            try:
                return batch.run(request, lambda inner, scope: self.answer(inner, caller, scope), transaction)
            except WebApiError as error:
                return refusal(error)
        return self.answer(request, caller, None)

    def answer(self, request: ApiRequest, caller: Caller, scope: batch.ChangeSet | None) -> ApiResponse:
        """Answer one request that is no batch. In a change set, what was saved is kept in `scope`."""
        caller = caller.within(request.query, request.headers)
        call = Call(self.organization, request, caller, references=scope.references if scope else {})
        try:
            with self.organization.store.transaction():
                response = call.answer()
        except WebApiError as error:
            return refusal(error)
        if scope is not None:
            scope.keep(call.written, caller, call.writer.events)
        elif call.writer.events:
            self.fire(call.writer.events, caller)
        return response

    def _commit(self, scope: batch.ChangeSet) -> None:
        for caller, saved in scope.saved:
            self.fire(saved, caller)


@dataclass
class Call:
    """One request on its way."""

    organization: Organization
    request: ApiRequest
    caller: Caller
    references: Mapping[str, RowRef] = field(default_factory=dict)
    written: RowRef | None = None

    def __post_init__(self) -> None:
        now = self.organization.now()
        self.store = self.organization.store
        self.preferences: Preferences = preferences_header.parse(self.request.headers.get("prefer", ""))
        self._references = References(self.store, self.references)
        self.writer = Writer(self._references, self.caller, stamp(now))
        circumstances = Circumstances(now, self.caller.user, self.caller.rights)
        self.reader = Reader(self.store, circumstances, self.preferences, self.caller.base_url)

    def answer(self) -> ApiResponse:
        """Do what the request asks; WebApiError if it cannot be done."""
        segments = self._substituted(paths.segments(self.request.path))
        if not segments:
            return self._service_document()
        first, rest = segments[0], segments[1:]
        if metadata.is_metadata(first.name):
            return metadata.answer(self.organization.schema, self.request, segments, self.caller.base_url)
        table = self.organization.schema.by_set.get(first.name)
        if table is None:
            return self._action(first, None, None)
        if first.key is None:
            return self._set(table, rest)
        return self._row(paths.address(self.store, table, first.key), rest)

    def _substituted(self, segments: list[Segment]) -> list[Segment]:
        """Put the row in the place of a leading `$1`."""
        if not segments or segments[0].name not in self.references:
            return segments
        row = self.references[segments[0].name]
        return [Segment(self.organization.schema.tables[row.table].set_name, row.id), *segments[1:]]

    # ------------------------------------------------------------------------------------------------ entity sets

    def _set(self, table: Table, rest: list[Segment]) -> ApiResponse:
        if rest:
            if rest[0].name == "$count":
                return count(self.reader, table, self._options)
            return self._action(rest[0], table, None)
        match self.request.method:
            case "GET":
                return Listing(self.reader, table, self._options, self.request.query, table.set_name).answer()
            case "POST":
                identifier = self.writer.create(table, self.request.json)
                return self._written(table, identifier, f"{table.set_name}({identifier})", new=True)
            case other:
                raise method_not_allowed(other)

    def _row(self, address: RowAddress, rest: list[Segment]) -> ApiResponse:
        table = address.table
        if self.request.method == "GET":
            self.caller.rights.require(Access.READ, table.name)  # before anybody learns whether there is such a row
        if not rest:
            return self._whole_row(address)
        row = self._existing(address)
        segment = rest[0]
        if segment.name.startswith(_BOUND_PREFIX):
            return self._action(segment, table, row[table.primary_id])
        column = table.properties.get(segment.name)
        if column is not None and segment.name not in table.navigations:
            return self._property(table, row, segment.name)
        navigation = table.navigations.get(segment.name)
        if navigation is None:
            raise unknown_segment(segment.name)
        if len(rest) > 1 and rest[1].name == "$ref":
            return self._reference(table, row, navigation, segment.key)
        return self._navigation(table, row, navigation, rest)

    def _whole_row(self, address: RowAddress) -> ApiResponse:
        table, headers = address.table, self.request.headers
        precondition = Precondition(headers.get("if-match"), headers.get("if-none-match"))
        match self.request.method:
            case "GET":
                return self._retrieve(table, self._existing(address), precondition)
            case "PATCH":
                identifier, new = self.writer.upsert(address, self.request.json, precondition)
                return self._written(table, identifier, address.as_written, new=new)
            case "DELETE":
                self.writer.delete(table, self._existing(address)[table.primary_id], precondition.version)
                return empty()
            case other:
                raise method_not_allowed(other)

    def _retrieve(self, table: Table, row: Row, precondition: Precondition) -> ApiResponse:
        options = self._options
        unchanged = precondition.if_none_match == etag(row)
        if unchanged and not options.expand and not self.preferences.annotations:
            return ApiResponse(304, {"OData-Version": "4.0", "ETag": etag(row)})
        headers = {"ETag": etag(row), **self._applied}
        return answer(self._document(table, row, options), headers=headers)

    def _written(self, table: Table, identifier: str, entity: str, *, new: bool) -> ApiResponse:
        self.written = RowRef(table.name, identifier)
        headers = {"OData-EntityId": f"{self.caller.base_url}/{entity}"}
        if not self.preferences.representation:
            return empty(headers)
        row = self.store.rows(table.name)[identifier]
        headers |= {"Preference-Applied": "return=representation", "ETag": etag(row)}
        return answer(self._document(table, row, self._options), 201 if new else 200, headers)

    def _document(self, table: Table, row: Row, options: QueryOptions) -> dict[str, Any]:
        fields = f"({','.join(options.select)})" if options.select else ""
        context = f"{self.caller.base_url}/$metadata#{table.set_name}{fields}/$entity"
        return {"@odata.context": context, **self.reader.shape(table, options)(row)}

    def _existing(self, address: RowAddress) -> Row:
        if address.id is None:
            raise key_missing(address.table.name)
        row = self.store.get(address.table.name, address.id)
        if row is None:
            raise row_missing(address.table.name, address.id)
        return row

    # ------------------------------------------------------------------------------------------- parts of a row

    def _property(self, table: Table, row: Row, name: str) -> ApiResponse:
        match self.request.method:
            case "GET":
                value = to_json(row.get(table.properties[name].name))
                context = f"{self.caller.base_url}/$metadata#{table.set_name}({row[table.primary_id]})/{name}"
                return empty() if value is None else answer({"@odata.context": context, "value": value})
            case "PUT":
                self.writer.update(table, row[table.primary_id], {name: self.request.json.get("value")})
            case "DELETE":
                self.writer.update(table, row[table.primary_id], {name: None})
            case other:
                raise method_not_allowed(other)
        return empty()

    def _navigation(self, table: Table, row: Row, navigation: Navigation, rest: list[Segment]) -> ApiResponse:
        if self.request.method != "GET":
            raise method_not_allowed(self.request.method)
        related = related_rows(self.store, navigation, row, table)
        far = self.organization.schema.tables[navigation.target]
        if len(rest) > 1 and rest[1].name == "$count":
            return count(self.reader, far, self._options, related)
        if not isinstance(navigation, ToOne):
            path = f"{table.set_name}({row[table.primary_id]})/{navigation.name}"
            return Listing(self.reader, far, self._options, self.request.query, path, related).answer()
        found = next(iter(related), None)
        if found is None:
            return empty()
        return answer(self._document(far, found, self._options), headers=self._applied)

    def _reference(self, table: Table, row: Row, navigation: Navigation, key: str | None) -> ApiResponse:
        near = RowRef(table.name, row[table.primary_id])
        match self.request.method:
            case "PUT" if isinstance(navigation, ToOne):
                self.writer.update(
                    table, near.id, {f"{navigation.name}@odata.bind": self.request.json.get("@odata.id")}
                )
            case "POST" | "PUT":
                far = self._references.target(self.request.json.get("@odata.id"))
                associations.link(self.writer, navigation, near, far)
            case "DELETE":
                identifier = key.lower() if key else self._disconnected()
                associations.unlink(self.writer, navigation, near, identifier)
            case other:
                raise method_not_allowed(other)
        return empty()

    def _disconnected(self) -> str | None:
        reference = self.request.query.get("$id")
        return self._references.target(reference).id if reference else None

    # ------------------------------------------------------------------------------------------------------ others

    def _action(self, segment: Segment, table: Table | None, identifier: str | None) -> ApiResponse:
        name = segment.name.removeprefix(_BOUND_PREFIX)
        if table is not None and name == segment.name:
            raise unknown_property(segment.name, table.name)
        action = actions.find(name, table, identifier)
        if action is None:
            raise unknown_segment(segment.name)
        if self.request.method not in {"POST", "GET"}:
            raise method_not_allowed(self.request.method)
        arguments = self.request.json
        if not isinstance(arguments, dict):
            raise bad_request("The parameters of an action are a JSON object.")
        bound = RowRef(table.name, identifier) if table is not None and identifier is not None else None
        result = action(Invocation(self.organization, self.writer, table, bound, arguments))
        if result is None:
            return empty()
        context = f"{self.caller.base_url}/$metadata#Microsoft.Dynamics.CRM.{name}Response"
        return answer({"@odata.context": context, **result})

    def _service_document(self) -> ApiResponse:
        sets = [{"name": name, "kind": "EntitySet", "url": name} for name in self.organization.schema.by_set]
        return answer({"@odata.context": f"{self.caller.base_url}/$metadata", "value": sets})

    @property
    def _options(self) -> QueryOptions:
        return query_options.parse(self.request.query)

    @property
    def _applied(self) -> dict[str, str]:
        return {"Preference-Applied": self.preferences.applied} if self.preferences.applied else {}
