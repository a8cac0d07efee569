"""Links between rows: `$ref` on lookups and collections, many-to-many relationships, members of marketing lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.local.dataverse_sandbox.metadata.schema import ManyToMany, Navigation, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

if TYPE_CHECKING:
    from shared.local.dataverse_sandbox.rows.writes import Writer

_MEMBER_TABLES = {1: "account", 2: "contact", 4: "lead"}


def link(writer: Writer, navigation: Navigation, near: RowRef, far: RowRef) -> None:
    """Connect two rows; WebApiError if they do not fit, are connected already, or a privilege is missing."""
    _may_change(writer, navigation, near, far.table)
    connect(writer, navigation, near, far)


def connect(writer: Writer, navigation: Navigation, near: RowRef, far: RowRef) -> None:
    """Connect two rows for a message that has checked its own privileges."""
    store = writer.store
    if far.table != navigation.target:
        raise bad_request(f"The navigation property '{navigation.name}' cannot refer to a row of '{far.table}'.")
    match navigation:
        case ToOne():
            raise bad_request(f"'{navigation.name}' holds a single row; use PUT.")
        case ToMany():
            writer.change(store.schema.tables[far.table], far.id, {navigation.column: near})
        case ManyToMany():
            if intersection(store, navigation, near.id, far.id) is not None:
                raise WebApiError(412, "0x80040237", "Cannot insert duplicate key.")
            values = {navigation.near_column: near, navigation.far_column: far}
            _check_member_table(store, values)
            writer.insert(store.schema.tables[navigation.intersect], values)


def unlink(writer: Writer, navigation: Navigation, near: RowRef, far: str | None) -> None:
    """Disconnect two rows; a missing link is no error, as in Dataverse."""
    _may_change(writer, navigation, near, navigation.target)
    store = writer.store
    match navigation:
        case ToOne():
            writer.change(store.schema.tables[near.table], near.id, {navigation.column: None})
        case ToMany() if far is not None:
            row = store.get(navigation.target, far)
            if row is not None and row.get(navigation.column) == near:
                writer.change(store.schema.tables[navigation.target], far, {navigation.column: None})
        case ManyToMany() if far is not None:
            found = intersection(store, navigation, near.id, far)
            if found is not None:
                writer.remove(store.schema.tables[navigation.intersect], found)
        case _:
            raise bad_request(f"'{navigation.name}' holds many rows; say which one to disconnect.")


def intersection(store: Store, navigation: ManyToMany, near: str, far: str) -> str | None:
    """Return the id of the intersect row that connects two rows."""
    primary_id = store.schema.tables[navigation.intersect].primary_id
    for row in store.related(near, navigation.intersect, navigation.near_column):
        end = row.get(navigation.far_column)  # none where the row at that end was deleted
        if end is not None and end.id == far:
            identifier: str = row[primary_id]
            return identifier
    return None


def _may_change(writer: Writer, navigation: Navigation, near: RowRef, far: str) -> None:
    """Require the privileges of Associate and Disassociate.

    The row with the lookup, or else the addressed row, is appended.
    """
    holder, other = (far, near.table) if isinstance(navigation, ToMany) else (near.table, far)
    writer.rights.require(Access.WRITE, holder)
    writer.rights.require_link(holder, other)


def count_members(store: Store, table: Table, member: Row, step: int) -> None:
    """Update `membercount` of a marketing list after a member was added (+1) or removed (-1)."""
    if table.name != "listmember" or "listid" not in member:
        return
    marketing_list = store.get("list", member["listid"].id)
    if marketing_list is not None:
        count = marketing_list.get("membercount", 0) + step
        store.put("list", member["listid"].id, {**marketing_list, "membercount": count})


def _check_member_table(store: Store, values: dict[str, Any]) -> None:
    if "listid" not in values:
        return
    marketing_list = store.rows("list")[values["listid"].id]
    wanted = _MEMBER_TABLES.get(marketing_list.get("createdfromcode", 0))
    if marketing_list.get("type") or (wanted and wanted != values["entityid"].table):
        raise bad_request("The row cannot be added to this list: wrong member type or dynamic list.", "0x80040216")
