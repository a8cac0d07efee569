"""Rules of Dataverse for every write: defaults, computed columns, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import ColumnType, Table
from shared.local.dataverse_sandbox.organisation.errors import (
    WebApiError,
    bad_request,
    not_implemented,
    required_missing,
)
from shared.local.dataverse_sandbox.rows.store import Row, RowRef

_NAME_PARTS = ("firstname", "middlename", "lastname")
_ADDRESS_PARTS = ("line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country")
_CLOSED_FOR_EDITING = frozenset({"lead"})
_ALWAYS_WRITABLE = frozenset({"statecode", "statuscode", "ownerid"})


def check_state(table: Table, old: Row, changes: dict[str, Any]) -> None:
    """Complete `changes` so that state and status reason fit together; WebApiError if the caller's choice does not.

    A state without status reason gets its first status reason. A status reason of another state requires that state.
    """
    status = table.columns.get("statuscode")
    if status is None or "statecode" not in table.columns or not status.states:
        return
    state = changes.get("statecode")
    if state is None:
        changes.pop("statecode", None)
        state = old.get("statecode", 0)
    elif changes.get("statuscode") is None and state != old.get("statecode"):
        changes["statuscode"] = table.first_status[state]
    reason = changes.get("statuscode")
    if reason is not None and status.states[reason] != state:
        raise WebApiError(
            400,
            "0x80048408",
            f"{reason} is not a valid status code for state code {table.name}State."
            f"{table.columns['statecode'].options[state]} on {table.name}.",
        )
    if reason is None:
        changes.pop("statuscode", None)


def check_editable(table: Table, old: Row, changes: Mapping[str, Any]) -> None:
    """Refuse changes of completed activities and closed leads, except of state, owner and other publishers' columns.

    WebApiError for such a change. That the rule covers every standard column is inferred.
    """
    if old.get("statecode", 0) == 0 or not (table.is_activity or table.name in _CLOSED_FOR_EDITING):
        return
    if changes.get("statecode") == 0:
        return
    standard = sorted(name for name in changes if name not in _ALWAYS_WRITABLE and not table.columns[name].is_custom)
    if standard:
        raise bad_request(
            f"This {table.name} is closed and read-only; it cannot be changed in {', '.join(standard)}.", "0x80040203"
        )


def check_required(table: Table, values: Mapping[str, Any]) -> None:
    """WebApiError if a required column is among `values` and empty."""
    for name in table.required:
        if name in values and values[name] is None:
            raise required_missing(table.name, name)


def check_step(message_filter: Row | None) -> None:
    """WebApiError 501 for a step on a message that fires no steps in the sandbox."""
    if message_filter is not None and not message_filter.get("iscustomprocessingstepallowed"):
        raise not_implemented("A step for a bulk message (CreateMultiple, UpdateMultiple, UpsertMultiple)")


def computed(table: Table, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return computed columns, where a column that they depend on is among `changes`."""
    new = {**old, **changes}
    derived: dict[str, Any] = {}
    if "fullname" in table.columns and not changes.keys().isdisjoint(_NAME_PARTS):
        derived["fullname"] = " ".join(new[part] for part in _NAME_PARTS if new.get(part)) or None
        if "yomifullname" in table.columns:
            derived["yomifullname"] = derived["fullname"]
    for number in (1, 2, 3):
        parts = [f"address{number}_{part}" for part in _ADDRESS_PARTS]
        if f"address{number}_composite" in table.columns and not changes.keys().isdisjoint(parts):
            lines = [new[part] for part in parts if new.get(part)]
            derived[f"address{number}_composite"] = "\r\n".join(lines) or None
    derived.update(_mirrors(table, changes))
    return derived


def created(table: Table, user: RowRef, unit: RowRef, now: str, behalf: RowRef | None = None) -> dict[str, Any]:
    """Return the initial values of every new row: defaults, state, owner, author and times.

    `behalf` is the application that acted for the author, if one did.
    """
    row = dict(table.defaults)
    if "statecode" in table.columns:
        row["statecode"] = 0
        if 0 in table.first_status:
            row["statuscode"] = table.first_status[0]
    owner = {"ownerid": user, "owninguser": user, "owningbusinessunit": unit}
    first = {**owner, "createdby": user, "createdon": now, "createdonbehalfby": behalf}
    row.update({column: value for column, value in first.items() if column in table.columns})
    if table.is_activity:
        row["activitytypecode"] = table.name
    return row


def touched(table: Table, user: RowRef, now: str, behalf: RowRef | None = None) -> dict[str, Any]:
    """Return the columns that every write sets: modifier and time."""
    marks = (("modifiedby", user), ("modifiedon", now), ("modifiedonbehalfby", behalf))
    return {column: value for column, value in marks if column in table.columns}


def needs_currency(table: Table, values: Mapping[str, Any]) -> bool:
    """Whether an amount of money was written without its currency."""
    return "transactioncurrencyid" in table.columns and any(
        table.columns[name].type is ColumnType.MONEY for name in values if name in table.columns
    )


def _mirrors(table: Table, changes: Mapping[str, Any]) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    if "parentcustomerid" in changes and table.name == "contact":
        customer = changes["parentcustomerid"]
        derived["accountid"] = customer if customer and customer.table == "account" else None
        derived["parentcontactid"] = customer if customer and customer.table == "contact" else None
    if changes.get("ownerid"):
        owner = changes["ownerid"]
        for column, kind in (("owninguser", "systemuser"), ("owningteam", "team")):
            if column in table.columns:
                derived[column] = owner if owner.table == kind else None
    if table.name == "list" and "createdfromcode" in changes:
        derived["membertype"] = changes["createdfromcode"]
    if table.name == "annotation" and changes.get("objectid"):
        derived["objecttypecode"] = changes["objectid"].table
    if table.name == "listmember" and changes.get("entityid"):
        derived["entitytype"] = changes["entityid"].table
    return derived
