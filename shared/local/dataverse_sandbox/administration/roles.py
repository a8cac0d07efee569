"""Security roles and their privileges, as rows. A user has what the roles grant; depths are kept and not enforced.

Source: Microsoft's pages "AddPrivilegesRole Action" and "Security concepts", and public notes on the privileges that
Dataverse adds to every role by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from shared.local.dataverse_sandbox.metadata import names
from shared.local.dataverse_sandbox.metadata.packaged import standard
from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import bad_request, row_missing
from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import CUSTOMISING, Access, Privilege, privileges_of
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

DEPTHS: Mapping[str, int] = {"Basic": 1, "Local": 2, "Deep": 4, "Global": 8}
_COLUMN_OF_DEPTH = {"Basic": "canbebasic", "Local": "canbelocal", "Deep": "canbedeep", "Global": "canbeglobal"}
_RIGHTS = {
    Access.READ: 1, Access.WRITE: 2, Access.APPEND: 4, Access.APPEND_TO: 16, Access.CREATE: 32, Access.DELETE: 65_536,
    Access.SHARE: 262_144, Access.ASSIGN: 524_288,
}  # fmt: skip
_SHARE_POINT = (
    "prvCreateSharePointData", "prvReadSharePointData", "prvWriteSharePointData", "prvReadSharePointDocument",
)  # fmt: skip
_PLATFORM = (
    "prvReadSdkMessage", "prvReadSdkMessageProcessingStep", "prvReadSdkMessageProcessingStepImage",
    "prvReadPluginAssembly", "prvReadPluginType",
)  # fmt: skip
_ADMINISTRATOR = "627090ff-40a3-4053-8790-584edc5be201"
"""The template of System Administrator, the same in every organisation; the name of the role is translated."""
_NAMES = {1043: "Systeembeheerder"}
_GRANTING = ("systemuserroles", "roleprivileges", "privilege")
_NO_FILTER = "00000000-0000-0000-0000-000000000000"


def found(organization: Organization) -> None:
    """Insert the privileges of all tables, and those of features that the sandbox lacks but every role gets."""
    store, same = organization.store, standard().tables
    store.load(("privilege", row["privilegeid"], row) for row in _of_features())
    for table in organization.schema.tables.values():
        rows = _of_standard(table.name) if same.get(table.name) is table else _rows(table)
        store.load(("privilege", row["privilegeid"], row) for row in rows)
    organization.seed(
        [
            ("roletemplate", {"roletemplateid": _ADMINISTRATOR, "name": "System Administrator"}),
            (
                "role",
                {
                    "roleid": fixed_id("role", "System Administrator"),
                    "name": _NAMES.get(organization.schema.language, "System Administrator"),
                    "businessunitid": ("businessunit", organization.unit.id),
                    "roletemplateid": ("roletemplate", _ADMINISTRATOR),
                },
            ),
        ]
    )


def add_table(organization: Organization, table: Table) -> None:
    """Insert the privileges of a new table."""
    organization.store.load(("privilege", row["privilegeid"], row) for row in _rows(table))


def remove_table(organization: Organization, table: Table) -> None:
    """Remove the privileges of a deleted table, from all roles too."""
    store = organization.store
    for row in _rows(table):
        for link in list(store.related(row["privilegeid"], "roleprivileges", "privilegeid")):
            store.remove("roleprivileges", link["roleprivilegeid"])
        store.remove("privilege", row["privilegeid"])


def created(organization: Organization, role: str) -> None:
    """Give a new role the nine privileges that Dataverse adds."""
    for name in (*_PLATFORM, *_SHARE_POINT):
        _grant(organization.store, role, _id_of(organization.store, name), DEPTHS["Global"])


def add(call: Invocation) -> None:
    """AddPrivilegesRole: more privileges; those of SharePoint come back each time."""
    granted = _read(call)
    store, role = call.writer.store, call.bound_row.id
    for identifier, mask in granted.items():
        _grant(store, role, identifier, mask)
    for name in _SHARE_POINT:
        _grant(store, role, _id_of(store, name), DEPTHS["Global"])


def replace(call: Invocation) -> None:
    """ReplacePrivilegesRole: exactly these privileges, and those of SharePoint that the role has."""
    granted = _read(call)
    store, role = call.writer.store, call.bound_row.id
    kept = {_id_of(store, name) for name in _SHARE_POINT}
    for link in _links(store, role):
        if link["privilegeid"].id not in kept | granted.keys():
            store.remove("roleprivileges", link["roleprivilegeid"])
    for identifier, mask in granted.items():
        _grant(store, role, identifier, mask)


def remove(call: Invocation) -> None:
    """RemovePrivilegeRole: one privilege."""
    value = call.arguments.get("Privilege")
    identifier = call.described_row(value).id if isinstance(value, Mapping) else call.arguments.get("PrivilegeId")
    for link in _links(call.writer.store, call.bound_row.id):
        if link["privilegeid"].id == str(identifier).lower():
            call.writer.store.remove("roleprivileges", link["roleprivilegeid"])


def retrieve(call: Invocation) -> dict[str, Any]:
    """RetrieveRolePrivilegesRole: the privileges with their depths."""
    store, role = call.writer.store, str(call.arguments.get("RoleId")).lower()
    if store.get("role", role) is None:
        raise row_missing("role", role)
    words = {mask: word for word, mask in DEPTHS.items()}
    return {
        "RolePrivileges": [
            {
                "Depth": words[link["privilegedepthmask"]],
                "PrivilegeId": link["privilegeid"].id,
                "BusinessUnitId": call.writer.unit.id,
                "PrivilegeName": store.rows("privilege")[link["privilegeid"].id]["name"],
                "RecordFilterId": _NO_FILTER,
                "RecordFilterUniqueName": "",
            }
            for link in _links(store, role)
        ]
    }


class Grants:
    """What the roles of users grant, read again from the rows after each change."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._read_at: tuple[int, ...] = ()
        self._granted: dict[str, frozenset[Privilege]] = {}
        self._known: dict[str, Privilege] = {}

    def of(self, user: str) -> frozenset[Privilege]:
        """Return the privileges that the roles of a user grant, at any depth."""
        store = self._organization.store
        generation = tuple(store.generations[table] for table in _GRANTING)
        if generation != self._read_at:
            self._read_at, self._granted = generation, {}
            tables = self._organization.schema.tables.values()
            every = (*(one for each in tables for one in privileges_of(each)), *CUSTOMISING)
            self._known = {fixed_id("privilege", one.name): one for one in every}
        if user not in self._granted:
            roles = [link["roleid"].id for link in store.related(user, "systemuserroles", "systemuserid")]
            links = (link for role in roles for link in _links(store, role))
            known = (self._known.get(link["privilegeid"].id) for link in links)
            self._granted[user] = frozenset(one for one in known if one is not None)
        return self._granted[user]


def _read(call: Invocation) -> dict[str, int]:
    """Read privileges with depths; WebApiError 400 for a depth that a privilege cannot have, 404 for an unknown id."""
    given: dict[str, int] = {}
    for one in call.arguments.get("Privileges") or ():
        one.get("@odata.type"), one.get("BusinessUnitId"), one.get("PrivilegeName")
        identifier, depth = str(one.get("PrivilegeId")).lower(), one.get("Depth")
        row = call.writer.store.get("privilege", identifier)
        if row is None:
            raise row_missing("privilege", identifier)
        if depth not in DEPTHS or not row[_COLUMN_OF_DEPTH[depth]]:
            raise bad_request(f"The privilege {row['name']} cannot have the depth '{depth}'.", "0x80040203")
        given[identifier] = DEPTHS[depth]
    return given


def _grant(store: Store, role: str, privilege: str, mask: int) -> None:
    identifier = fixed_id("roleprivilege", role, privilege)
    row = {
        "roleprivilegeid": identifier,
        "roleid": RowRef("role", role),
        "privilegeid": RowRef("privilege", privilege),
        "privilegedepthmask": mask,
    }
    store.put("roleprivileges", identifier, row)


def _links(store: Store, role: str) -> list[Row]:
    return list(store.related(role, "roleprivileges", "roleid"))


def _id_of(store: Store, name: str) -> str:
    found = fixed_id("privilege by name", name)
    if store.get("privilege", found) is not None:
        return found
    return next(key for key, row in store.rows("privilege").items() if row["name"] == name)


def _of_features() -> Iterable[dict[str, Any]]:
    """Yield privileges of tables that the sandbox does not have, and those of customisation."""
    for one in CUSTOMISING:
        yield _row(fixed_id("privilege", one.name), one.name, _RIGHTS[one.access], is_owned=False)
    for name in (*_SHARE_POINT, "prvReadPluginAssembly", "prvReadPluginType"):
        yield _row(fixed_id("privilege by name", name), name, 0, is_owned=False)


@cache
def _of_standard(name: str) -> list[dict[str, Any]]:
    return _rows(standard().tables[name])


def _rows(table: Table) -> list[dict[str, Any]]:
    is_owned = "ownerid" in table.columns
    return [
        _row(fixed_id("privilege", one.name), names.of_privilege(table, one), _RIGHTS[one.access], is_owned=is_owned)
        for one in privileges_of(table)
    ]


def _row(identifier: str, name: str, right: int, *, is_owned: bool) -> dict[str, Any]:
    depths = {"canbebasic": is_owned, "canbelocal": is_owned, "canbedeep": is_owned, "canbeglobal": True}
    return {"privilegeid": identifier, "name": name, "accessright": right, **depths}
