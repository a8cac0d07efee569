"""RetrievePrincipalAccess: which rights a user has on one row.

Source: Microsoft's pages "RetrievePrincipalAccess Function" and "AccessRights EnumType". Roles reach all rows here, as
everywhere in this sandbox (`privileges`), so owning a row adds nothing; teams and sharing are not simulated.
"""

from __future__ import annotations

from typing import Any

from shared.local.dataverse_sandbox.organisation.privileges import Access, Rights
from shared.local.dataverse_sandbox.requests.invocation import Invocation

_ORDER = (
    (Access.READ, "ReadAccess"),
    (Access.WRITE, "WriteAccess"),
    (Access.APPEND, "AppendAccess"),
    (Access.APPEND_TO, "AppendToAccess"),
    (Access.CREATE, "CreateAccess"),
    (Access.DELETE, "DeleteAccess"),
    (Access.SHARE, "ShareAccess"),
    (Access.ASSIGN, "AssignAccess"),
)
_NOTHING = "None"


def retrieve_principal_access(call: Invocation) -> dict[str, Any]:
    """Return the rights, as words in one text; a disabled user has none. WebApiError 404 for a row that is gone."""
    target = call.row_argument("Target")
    call.writer.rights.require(Access.READ, target.table)
    user = call.writer.store.rows("systemuser")[call.bound_row.id]
    rights = call.organization.rights.get(call.bound_row.id, Rights(call.bound_row.id))
    granted = frozenset[Access]() if user.get("isdisabled") else rights.access_to(target.table)
    return {"AccessRights": ", ".join(word for access, word in _ORDER if access in granted) or _NOTHING}
