"""A request that addresses a row, or a part of one: a column, a relationship, a reference, an action bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.local.dataverse_sandbox.administration import solutions
from shared.local.dataverse_sandbox.http.exchange import ApiResponse, answer, empty
from shared.local.dataverse_sandbox.metadata.schema import Navigation, Table, ToOne
from shared.local.dataverse_sandbox.organisation.errors import (
    key_missing,
    method_not_allowed,
    not_implemented,
    row_missing,
    unknown_segment,
)
from shared.local.dataverse_sandbox.queries.filters import related_rows
from shared.local.dataverse_sandbox.requests import resource_path as paths
from shared.local.dataverse_sandbox.requests.collection import Listing, count
from shared.local.dataverse_sandbox.requests.invocation import TYPE_PREFIX
from shared.local.dataverse_sandbox.requests.resource_path import RowAddress
from shared.local.dataverse_sandbox.rows import actions, associations, publication
from shared.local.dataverse_sandbox.rows.publication import PUBLISHABLE, View
from shared.local.dataverse_sandbox.rows.reading import etag
from shared.local.dataverse_sandbox.rows.store import Row, RowRef
from shared.local.dataverse_sandbox.rows.values import to_json
from shared.local.dataverse_sandbox.rows.writes import Precondition

if TYPE_CHECKING:
    from shared.local.dataverse_sandbox.requests.call import Call

RETRIEVE_UNPUBLISHED = f"{TYPE_PREFIX}RetrieveUnpublished"


class RowCall:
    """The part of a call that begins at a row."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._method = call.request.method
        self._path = call.path
        self._options = call.options
        self._reader = call.reader
        self._writer = call.writer
        self._schema = call.organization.schema

    def answer(self, address: RowAddress) -> ApiResponse:
        """Answer for the row of an address, or for the part of it that the path names; WebApiError without one."""
        table = address.table
        if self._method == "GET" and self._asks_for_latest(table):
            self._path.take_with_key()
            self._reader.view = View.LATEST
        if self._method == "GET" and not self._goes_to_function():
            self._reader.may_look_into(table)  # before the answer reveals whether the row exists
        if self._path.ahead is None:
            return self._whole_row(address)
        return self._part(table, self._existing(address))

    def _asks_for_latest(self, table: Table) -> bool:
        ahead = self._path.ahead
        return ahead is not None and ahead.name == RETRIEVE_UNPUBLISHED and table.name in PUBLISHABLE

    def _goes_to_function(self) -> bool:
        ahead = self._path.ahead
        return ahead is not None and ahead.name.removeprefix(TYPE_PREFIX) in actions.FUNCTIONS_OF_ROWS

    def _part(self, table: Table, row: Row) -> ApiResponse:
        segment = self._path.take_with_key()
        if segment.name.startswith(TYPE_PREFIX):
            return self._call.act(segment, table, row[table.primary_id])
        navigation = table.navigations.get(segment.name)
        if navigation is None and segment.name in table.properties and segment.key is None:
            return self._property(table, row, segment.name)
        if navigation is None:
            raise unknown_segment(segment.name, table.name)
        if self._path.accept("$ref"):
            return self._reference(table, row, navigation, segment.key)
        if self._method != "GET":
            raise method_not_allowed(self._method)
        if segment.key is not None:
            return self._one_of_many(table, row, navigation, segment.key)
        if isinstance(navigation, ToOne):
            return self._lookup(table, row, navigation)
        return self._collection(table, row, navigation)

    def _whole_row(self, address: RowAddress) -> ApiResponse:
        table, headers, body = address.table, self._call.request.headers, self._call.request.json
        precondition = Precondition(headers.get("if-match"), headers.get("if-none-match"))
        match self._method:
            case "GET":
                return self._retrieve(table, self._existing(address), precondition)
            case "PATCH":
                self._call.may_customise(table)
                identifier, new = self._writer.upsert(address, body, precondition)
                self._call.keep_in_solution(table, identifier)
                return self._call.saved(table, identifier, address.as_written, new=new)
            case "DELETE":
                self._call.may_customise(table)
                identifier = self._existing(address)[table.primary_id]
                self._writer.delete(table, identifier, precondition.version)
                if table.name in solutions.TYPES:
                    self._call.request.headers.get("mscrm.solutionuniquename")
                solutions.forget(self._call.organization, identifier)
                return empty()
            case other:
                raise method_not_allowed(other)

    def _retrieve(self, table: Table, row: Row, precondition: Precondition) -> ApiResponse:
        document = self._call.document(table, row)
        unchanged = precondition.if_none_match == etag(row)
        if unchanged and not self._options.expand and not self._call.preferences.annotations:
            return ApiResponse(304, {"OData-Version": "4.0", "ETag": etag(row)})
        return answer(document, headers={"ETag": etag(row), **self._call.applied})

    def _existing(self, address: RowAddress) -> Row:
        if address.id is None:
            raise key_missing(address.table.name)
        row = self._call.store.get(address.table.name, address.id)
        if row is not None and self._method == "GET":
            row = publication.seen(self._reader.view, address.table.name, row)
        if row is None:
            raise row_missing(address.table.name, address.id)
        return row

    def _property(self, table: Table, row: Row, name: str) -> ApiResponse:
        is_raw = self._path.accept("$value")
        match self._method:
            case "GET":
                return self._value(table, row, name, is_raw=is_raw)
            case "PUT" if not is_raw:
                self._writer.update(table, row[table.primary_id], {name: self._call.request.json.get("value")})
            case "DELETE" if not is_raw:
                self._writer.update(table, row[table.primary_id], {name: None})
            case other:
                raise method_not_allowed(other)
        return empty()

    def _value(self, table: Table, row: Row, name: str, *, is_raw: bool) -> ApiResponse:
        value = to_json(row.get(table.properties[name].name))
        if value is None:
            return empty()
        if not is_raw:
            context = f"{self._context}#{table.set_name}({row[table.primary_id]})/{name}"
            return answer({"@odata.context": context, "value": value})
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return ApiResponse(200, {"Content-Type": "text/plain", "OData-Version": "4.0"}, text.encode())

    def _lookup(self, table: Table, row: Row, navigation: ToOne) -> ApiResponse:
        target = self._target(row, navigation)
        self._reader.may_look_into(target)
        found = next(iter(related_rows(self._call.store, navigation, row, table)), None)
        if self._path.ahead is not None:
            if found is None:
                raise row_missing(target.name, "null")
            return self._part(target, found)
        if found is None:
            self._reader.shape(target, self._options)
            return empty()
        return answer(self._call.document(target, found), headers=self._call.applied)

    def _one_of_many(self, table: Table, row: Row, navigation: Navigation, key: str) -> ApiResponse:
        far = self._schema.tables[navigation.target]
        self._reader.may_look_into(far)
        found = self._existing(paths.address(self._call.store, far, key))
        if isinstance(navigation, ToOne) or found not in related_rows(self._call.store, navigation, row, table):
            raise row_missing(far.name, key)
        if self._path.ahead is not None:
            return self._part(far, found)
        return answer(self._call.document(far, found), headers=self._call.applied)

    def _collection(self, table: Table, row: Row, navigation: Navigation) -> ApiResponse:
        far = self._schema.tables[navigation.target]
        related = related_rows(self._call.store, navigation, row, table)
        if self._path.accept("$count"):
            return count(self._reader, far, self._options, related)
        path = f"{table.set_name}({row[table.primary_id]})/{navigation.name}"
        return Listing(self._reader, far, self._options, path, related).answer()

    def _target(self, row: Row, navigation: ToOne) -> Table:
        reference = row.get(navigation.column)
        if reference is not None and reference.table in navigation.targets:
            return self._schema.tables[reference.table]
        return self._schema.tables[navigation.target]

    # ---------------------------------------------------------------------------------------------------- references

    def _reference(self, table: Table, row: Row, navigation: Navigation, key: str | None) -> ApiResponse:
        near, body = RowRef(table.name, row[table.primary_id]), self._call.request.json
        if self._method != "DELETE" and key is not None:
            raise not_implemented(f"The key ({key}) before $ref in a request other than DELETE")
        match self._method:
            case "GET":
                return self._addresses(table, row, navigation)
            case "PUT" if isinstance(navigation, ToOne):
                self._writer.update(table, near.id, {f"{navigation.name}@odata.bind": body.get("@odata.id")})
            case "POST" | "PUT":
                associations.link(self._writer, navigation, near, self._call.known.target(body.get("@odata.id")))
            case "DELETE":
                identifier = key.lower() if key else self._disconnected()
                associations.unlink(self._writer, navigation, near, identifier)
            case other:
                raise method_not_allowed(other)
        body.get("@odata.context")
        return empty()

    def _addresses(self, table: Table, row: Row, navigation: Navigation) -> ApiResponse:
        is_one = isinstance(navigation, ToOne)
        far = self._target(row, navigation) if isinstance(navigation, ToOne) else self._schema.tables[navigation.target]
        address = self._reader.references(far)
        found: list[dict[str, Any]] = [address(one) for one in related_rows(self._call.store, navigation, row, table)]
        if is_one:
            return answer({"@odata.context": f"{self._context}#$ref", **found[0]}) if found else empty()
        return answer({"@odata.context": f"{self._context}#Collection($ref)", "value": found})

    def _disconnected(self) -> str | None:
        reference = self._call.request.query.get("$id")
        return self._call.known.target(reference).id if reference else None

    @property
    def _context(self) -> str:
        return f"{self._call.caller.base_url}/$metadata"
