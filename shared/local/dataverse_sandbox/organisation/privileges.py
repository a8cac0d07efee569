"""Privileges: what a caller's security roles let them do with the rows of a table, asked before every operation.

Source: Microsoft's pages "Data operations and access rights", "Associate message privileges" and "AddListMembersList
message privileges". Whoever has a privilege has it for all rows: depth, teams, sharing and column security are not
simulated, nor are the privileges that belong to no table (Merge, QualifyLead, BulkDelete, to act on behalf of others).
Metadata is readable by everybody. Inferred: what cascades from an operation is not asked for again, and a row that
another one is appended to need not be writable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import WebApiError


class Access(StrEnum):
    """What can be done with a row. Setting a lookup appends the row that has it to the row that it points to."""

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
        """As Dataverse calls it, `prvReadContact`; made of the logical name, so that inner capitals are missing."""
        table = _NAMES.get(self.table, self.table)
        is_custom = "_" in table
        return f"prv{self.access[0].upper()}{self.access[1:]}{table if is_custom else table[0].upper() + table[1:]}"


_ACTIVITIES = ("email", "phonecall", "task", "campaignactivity", "campaignresponse", "activityparty")
_GOVERNORS = {**dict.fromkeys(_ACTIVITIES, "activitypointer"), "listmember": "list", "campaignitem": "campaign"}
_NAMES = {"activitypointer": "Activity", "annotation": "Note", "systemuser": "User"}


def privilege(access: Access, table: str) -> Privilege:
    """Return what an access needs: activities share their privileges, members have those of their list (inferred)."""
    return Privilege(access, _GOVERNORS.get(table, table))


def privileges_of(table: Table) -> list[Privilege]:
    """Return the privileges of a table, those that it shares with others too; Assign only where rows have owners."""
    accesses = (one for one in Access if one is not Access.ASSIGN or "ownerid" in table.columns)
    return [privilege(access, table.name) for access in accesses]


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user's roles grant together; None is everything, as System Administrator has it.

    `asked` remembers each privilege that was needed: what a role must have, and what it lacks.
    """

    user: str
    granted: frozenset[Privilege] | None = None
    asked: set[Privilege] = field(default_factory=set, compare=False)

    def require(self, access: Access, table: str) -> None:
        """Ask for a privilege; WebApiError 403 without it."""
        needed = privilege(access, table)
        self.asked.add(needed)
        if self.granted is not None and needed not in self.granted:
            raise _missing(needed, self.user, len(self.granted))

    def changed(self, more: Iterable[Privilege], *, without: Iterable[Privilege]) -> Rights:
        """Return the rights with more privileges, and without some; what was asked for is still remembered."""
        if self.granted is None:
            return self
        return replace(self, granted=(self.granted | frozenset(more)) - frozenset(without))

    def require_link(self, near: str, far: str) -> None:
        """Ask whether rows of `near` may be appended to rows of `far`."""
        self.require(Access.READ, far)
        self.require(Access.APPEND, near)
        self.require(Access.APPEND_TO, far)

    def access_to(self, table: str) -> frozenset[Access]:
        """Return what is granted on the rows of a table, without asking for it."""
        return frozenset(one for one in Access if self.granted is None or privilege(one, table) in self.granted)

    @property
    def used(self) -> frozenset[Privilege]:
        """What was needed and is granted."""
        return frozenset(one for one in self.asked if self.granted is None or one in self.granted)

    @property
    def missing(self) -> frozenset[Privilege]:
        """What was needed and is not granted."""
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
