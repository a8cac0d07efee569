"""Members of static marketing lists: AddListMembersList and AddMemberList."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import ManyToMany
from shared.local.dataverse_sandbox.organisation.errors import row_missing
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.rows import associations
from shared.local.dataverse_sandbox.rows.store import RowRef
from shared.local.dataverse_sandbox.rows.writes import Saved

_MEMBER_TABLES = ("account", "contact", "lead")


def add_list_members(call: Invocation) -> None:
    """Make rows members of a list."""
    marketing_list = call.row_argument("List")
    members = [call.described_row(member) for member in call.arguments.get("Members", ())]
    _add(call, marketing_list, members)
    parameters = {"ListId": marketing_list.id, "MemberIds": [member.id for member in members]}
    call.writer.events.append(Saved("AddListMembers", "list", marketing_list.id, parameters=parameters))


def add_member(call: Invocation) -> dict[str, Any]:
    """Make a row a member of the list that the action is bound to; the answer names the intersect row."""
    marketing_list, identifier = call.bound_row, str(call.arguments.get("EntityId", "")).lower()
    table = next((one for one in _MEMBER_TABLES if call.writer.store.get(one, identifier)), None)
    if table is None:
        raise row_missing("contact", identifier)
    _add(call, marketing_list, [RowRef(table, identifier)])
    parameters = {"ListId": marketing_list.id, "EntityId": identifier}
    call.writer.events.append(Saved("AddMember", "list", marketing_list.id, parameters=parameters))
    navigation = _membership(call, table)
    return {"Id": associations.intersection(call.writer.store, navigation, marketing_list.id, identifier)}


def _add(call: Invocation, marketing_list: RowRef, members: Sequence[RowRef]) -> None:
    call.writer.rights.require(Access.READ, "list")
    for member in members:
        call.writer.rights.require(Access.READ, member.table)
        call.writer.rights.require_link(member.table, "list")  # the member is appended, in both directions of $ref
        navigation = _membership(call, member.table)
        # Unlike $ref, these actions ignore rows that are members already.
        if associations.intersection(call.writer.store, navigation, marketing_list.id, member.id) is None:
            associations.connect(call.writer, navigation, marketing_list, member)


def _membership(call: Invocation, table: str) -> ManyToMany:
    navigation = call.organization.schema.tables["list"].navigations[f"list{table}_association"]
    if not isinstance(navigation, ManyToMany):
        raise TypeError(navigation)
    return navigation
