"""Checks of publishers, solutions, environment variables, application users and service endpoints.

Source: Microsoft's table references and "Manage application users"; public notes on soft-deleted users. Codes of the
refusals are inferred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME, WebApiError, bad_request
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.rows.store import Row, Store

_PREFIX = re.compile(r"(?!mscrm)[a-z][a-z0-9]{1,7}")
_LEAST_VALUES, _MOST_VALUES = 10_000, 99_999
_APPLICATION = 4
_KEY_LENGTH = 44
_SAS_KEY, _QUEUE_KINDS = 2, frozenset({2, 3, 5, 6, 7})
_OF_ENDPOINT = ("name", "contract", "connectionmode", "userclaim", "solutionnamespace", "path")
_FIXED = "0x80040203"


def check_publisher(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a prefix that Dataverse does not allow, or a unique name that is taken."""
    publisher = {**old, **changes}
    if not _PREFIX.fullmatch(publisher.get("customizationprefix") or ""):
        raise bad_request("The customization prefix has 2 to 8 lower-case letters or digits.", "0x8004f01a")
    if not _LEAST_VALUES <= (publisher.get("customizationoptionvalueprefix") or 0) <= _MOST_VALUES:
        raise bad_request("The option value prefix lies between 10,000 and 99,999.", "0x8004f01b")
    _check_unique(store, "publisher", "uniquename", old, changes)
    return {}


def check_solution(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a solution without name, version or publisher; 412 for a unique name that is taken."""
    solution = {**old, **changes}
    for name in ("uniquename", "friendlyname", "version", "publisherid"):
        if not solution.get(name):
            raise bad_request(f"A solution needs its '{name}'.", _FIXED)
    _check_unique(store, "solution", "uniquename", old, changes)
    return {} if old else {"ismanaged": False, "isvisible": True}


def check_variable(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a schema name without prefix, 412 for one that is taken."""
    name = str({**old, **changes}.get("schemaname") or "")
    if not CUSTOM_NAME.match(name.lower()):
        raise bad_request(f"The schema name '{name}' must begin with the prefix of a publisher.", "0x8004431a")
    _check_unique(store, "environmentvariabledefinition", "schemaname", old, changes)
    return {}


def check_user(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a new application user; WebApiError for a second one of an application, and for a soft-deleted one."""
    application = changes.get("applicationid")
    if old or application is None:
        return {}
    for row in store.rows("systemuser").values():
        if row.get("applicationid") == application and row.get("deletedstate"):
            raise bad_request(
                f"The user of the application {application} is deleted, but can be restored. Delete it permanently.",
                "0x80041d67",
            )
        if row.get("applicationid") == application:
            raise WebApiError(412, "0x80040237", f"A user of the application {application} already exists.")
    if changes.get("businessunitid") is None:
        raise bad_request("A user needs its business unit.", _FIXED)
    return {
        "systemuserid": changes.get("systemuserid") or fixed_id("systemuser", str(application)),
        "accessmode": _APPLICATION,
        "firstname": changes.get("firstname") or "#",
        "lastname": changes.get("lastname") or str(application),
        "domainname": f"{application}@sandbox.example",
        "azureactivedirectoryobjectid": fixed_id("account", str(application)),
        "deletedstate": 0,
    }


def check_endpoint(_store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Hide the key, which can be written but not read; WebApiError 400 for a missing column or an impossible key."""
    endpoint = {**old, **changes}
    if endpoint.get("contract") in _QUEUE_KINDS:
        for name in _OF_ENDPOINT:
            if endpoint.get(name) in {None, ""} and not (old and name not in changes):
                raise bad_request(f"A service endpoint needs its '{name}'.", _FIXED)
    if "saskey" not in changes:
        if not old and endpoint.get("authtype") == _SAS_KEY and endpoint.get("contract") in _QUEUE_KINDS:
            raise bad_request("A service endpoint with the SAS key type needs its 'saskey'.", _FIXED)
        return {}
    key = changes["saskey"]
    if key is not None and len(key) != _KEY_LENGTH:
        raise bad_request(f"A SAS key has {_KEY_LENGTH} characters.", _FIXED)
    return {"saskey": None, "issaskeyset": key is not None}


def check_deletion(store: Store, table: str, old: Row) -> None:
    """WebApiError 400 for an endpoint with steps, and a publisher with solutions."""
    dependants = {
        "serviceendpoint": ("sdkmessageprocessingstep", "eventhandler"),
        "publisher": ("solution", "publisherid"),
    }
    if table in dependants:
        far, column = dependants[table]
        if any(True for _ in store.related(old[f"{table}id"], far, column)):
            raise bad_request(f"The {table} cannot be deleted: a row of '{far}' depends on it.", "0x8004f01f")


def _check_unique(store: Store, table: str, column: str, old: Row, changes: Mapping[str, Any]) -> None:
    wanted = str(changes.get(column, "")).lower()
    if old and wanted in {"", str(old.get(column)).lower()}:
        return
    if any(str(row.get(column)).lower() == wanted for row in store.rows(table).values()):
        raise WebApiError(412, "0x80040237", f"A {table} with the {column} '{wanted}' already exists.")
