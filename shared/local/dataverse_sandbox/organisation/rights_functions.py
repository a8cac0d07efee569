"""Functions that return the privileges of a user: a client's by its roles, all privileges for other users.

Source: Microsoft's Web API reference, "RetrieveUserPrivileges" and "RetrieveUserSetOfPrivilegesByNames". Inferred: a
user may query the own privileges, and with the privilege to read users those of others; unknown names are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import CUSTOMISING, Access, Privilege, privileges_of
from shared.local.dataverse_sandbox.requests.invocation import Invocation

_NO_FILTER = "00000000-0000-0000-0000-000000000000"


def user_privileges(call: Invocation) -> dict[str, Any]:
    """RetrieveUserPrivileges: all of them."""
    return _answer(call, _granted(call))


def user_set_of_privileges_by_names(call: Invocation) -> dict[str, Any]:
    """RetrieveUserSetOfPrivilegesByNames: those of `PrivilegeNames` that the user has, whatever their case."""
    names = call.arguments.get("PrivilegeNames")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_request("The parameter 'PrivilegeNames' must be a collection of names.")
    wanted = {name.lower() for name in names}
    return _answer(call, (one for one in _granted(call) if one.name.lower() in wanted))


def _granted(call: Invocation) -> Iterator[Privilege]:
    caller = call.writer.caller
    is_caller = call.bound_row.id == caller.initiator.id
    if not is_caller:
        caller.rights.require(Access.READ, "systemuser")
    granted = caller.rights.granted if is_caller else None
    tables = call.organization.schema.tables.values()
    known = dict.fromkeys((*(one for table in tables for one in privileges_of(table)), *CUSTOMISING))
    return (one for one in known if granted is None or one in granted)


def _answer(call: Invocation, privileges: Iterator[Privilege]) -> dict[str, Any]:
    unit = call.writer.unit.id
    return {
        "RolePrivileges": [
            {
                "Depth": "Global",
                "PrivilegeId": fixed_id("privilege", one.name),
                "BusinessUnitId": unit,
                "PrivilegeName": one.name,
                "RecordFilterId": _NO_FILTER,
                "RecordFilterUniqueName": "",
            }
            for one in privileges
        ]
    }
