"""Privileges: the operations on the rows of a table that a caller's security roles allow; checked before each one.

Source: Microsoft's pages "Data operations and access rights", "Associate message privileges" and "AddListMembersList
message privileges". A privilege covers all rows: depth, teams, sharing and column security are not simulated.
Nor are the privileges that belong to no table (Merge, QualifyLead, BulkDelete, to act on behalf of others). Metadata is
readable by every user; changing it needs the privileges `CUSTOMISING`. Inferred: cascading operations are not checked
again, and a row that another row is appended to need not be writable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import WebApiError


class Access(StrEnum):
    """The kinds of access to a row. Setting a lookup appends the row with the lookup to the row that it points to."""

    CREATE = "create"
    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    APPEND = "append"
    APPEND_TO = "appendTo"
    ASSIGN = "assign"
    SHARE = "share"


class Privilege(NamedTuple):
    """An access to the rows of a table, or of the tables that share their privileges with it."""

    access: Access
    table: str

    @property
    def name(self) -> str:
        """Dataverse's name, `prvReadContact`; built from the logical name, so that inner capitals are missing."""
        if self in _OF_CUSTOMIZATION:
            return _OF_CUSTOMIZATION[self]
        table = _NAMES.get(self.table, self.table)
        is_custom = "_" in table
        return f"prv{self.access[0].upper()}{self.access[1:]}{table if is_custom else table[0].upper() + table[1:]}"


_ACTIVITIES = ("email", "phonecall", "task", "campaignactivity", "campaignresponse", "activityparty")
_GOVERNORS = {**dict.fromkeys(_ACTIVITIES, "activitypointer"), "listmember": "list", "campaignitem": "campaign"}
_NAMES = {
    "activitypointer": "Activity",
    "annotation": "Note",
    "systemuser": "User",
    "optionset": "OptionSet",
    "entitykey": "EntityKey",
}


_DEFINITIONS = ("entity", "attribute", "relationship", "optionset", "entitykey")
_CHANGES = (Access.CREATE, Access.WRITE, Access.DELETE)

PUBLISHING, EXPORTING = Privilege(Access.WRITE, "customization"), Privilege(Access.READ, "customization")
"""The privileges to publish customisations, and to export solutions."""
_OF_CUSTOMIZATION = {PUBLISHING: "prvPublishCustomization", EXPORTING: "prvExportCustomization"}
CUSTOMISING = (*(Privilege(access, one) for one in _DEFINITIONS for access in _CHANGES), PUBLISHING, EXPORTING)
"""The privileges to change definitions, to publish and to export; they belong to no table."""


def privilege(access: Access, table: str) -> Privilege:
    """Return the privilege for an access: activities share privileges, members have those of their list (inferred)."""
    return Privilege(access, _GOVERNORS.get(table, table))


def privileges_of(table: Table) -> list[Privilege]:
    """Return the privileges of a table, including shared ones; Assign only where rows have owners."""
    accesses = (one for one in Access if one is not Access.ASSIGN or "ownerid" in table.columns)
    return [privilege(access, table.name) for access in accesses]


def no_roles(_user: str) -> frozenset[Privilege]:
    """Return what the roles of a user without roles grant."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may do: what is `given`, and what `roles` grants, without what is `revoked`.

    If `given` is None, everything is granted, as to System Administrator. `roles` is asked anew each time: a change of
    a role has an effect at once. `asked` collects each required privilege: those that a role must have, and those that
    it lacks.
    """

    user: str
    given: frozenset[Privilege] | None = None
    roles: Callable[[str], frozenset[Privilege]] = no_roles
    revoked: frozenset[Privilege] = frozenset()
    asked: set[Privilege] = field(default_factory=set, compare=False)

    @property
    def granted(self) -> frozenset[Privilege] | None:
        """The privileges of the user; None for all."""
        return None if self.given is None else (self.given | self.roles(self.user)) - self.revoked

    def require(self, access: Access, table: str) -> None:
        """Require a privilege; WebApiError 403 without it."""
        needed = privilege(access, table)
        self.asked.add(needed)
        granted = self.granted
        if granted is not None and needed not in granted:
            raise _missing(needed, self.user, len(granted))

    def changed(self, more: Iterable[Privilege], *, without: Iterable[Privilege]) -> Rights:
        """Return the rights with some privileges added and some removed; `asked` is kept."""
        if self.given is None:
            return self
        added, removed = frozenset(more), frozenset(without)
        return replace(self, given=self.given | added, revoked=(self.revoked - added) | removed)

    def require_link(self, near: str, far: str) -> None:
        """Require the privileges to append rows of `near` to rows of `far`."""
        self.require(Access.READ, far)
        self.require(Access.APPEND, near)
        self.require(Access.APPEND_TO, far)

    def access_to(self, table: str) -> frozenset[Access]:
        """Return the accesses that are granted on the rows of a table, without an entry in `asked`."""
        granted = self.granted
        return frozenset(one for one in Access if granted is None or privilege(one, table) in granted)

    @property
    def used(self) -> frozenset[Privilege]:
        """The privileges that were required and are granted."""
        granted = self.granted
        return frozenset(one for one in self.asked if granted is None or one in granted)

    @property
    def missing(self) -> frozenset[Privilege]:
        """The privileges that were required and are not granted."""
        return frozenset(self.asked) - self.used


def by_table(privileges: Iterable[Privilege]) -> Mapping[str, list[str]]:
    """Sort privileges by table, in the order of the accesses."""
    order = list(Access)
    found: dict[str, list[str]] = {}
    for one in sorted(privileges, key=lambda one: (one.table, order.index(one.access))):
        found.setdefault(one.table, []).append(one.access)
    return found


def _missing(needed: Privilege, user: str, count: int) -> WebApiError:
    return WebApiError(
        403,
        "0x80040220",
        f"Principal user (Id={user}, type=8, roleCount=1, privilegeCount={count}, accessMode=4), is missing "
        f"{needed.name} privilege for entity '{needed.table}'. context.Caller={user}",
    )
