"""Checks of web resources, commands, apps and site maps.

Source: Microsoft's table references (appaction, appmodule, sitemap, webresource), and public notes on their refusals.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME, WebApiError, bad_request
from shared.local.dataverse_sandbox.rows.store import Row, Store

_RESOURCE_NAME = re.compile(r"[a-z][a-z0-9]{1,7}_[\w./-]+", re.IGNORECASE)
_FIXED_COMMAND = ("name", "uniquename", "context", "contextvalue", "contextentity", "location", "origin")
_ENTITY, _JAVASCRIPT = 1, 2
_FIXED_NAME = "0x80040203"


def check_web_resource(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a name without prefix, a name that is taken, or content that is not Base64."""
    name = {**old, **changes}.get("name", "")
    if not _RESOURCE_NAME.fullmatch(name):
        raise bad_request("Web resource names must begin with the prefix of a publisher.", "0x8004f112")
    if old and changes.get("name", name) != old["name"]:
        raise bad_request("The name of a web resource cannot be changed.", _FIXED_NAME)
    if not old and any(row["name"] == name for row in store.rows("webresource").values()):
        raise WebApiError(412, "0x8004f123", f"A webresource with the same name {name} already exists.")
    try:
        base64.b64decode(changes.get("content") or "", validate=True)
    except binascii.Error:
        raise bad_request("The content of a web resource must be Base64.", "0x8004f116") from None
    return {}


def check_command(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a command that Dataverse would refuse."""
    command = {**old, **changes}
    unique = command.get("uniquename") or ""
    if not CUSTOM_NAME.match(unique):
        raise bad_request(f"The unique name '{unique}' must begin with a publisher prefix and '_'.", "0x800608ad")
    for fixed in _FIXED_COMMAND:
        if old and fixed in changes and changes[fixed] != old.get(fixed):
            raise bad_request(f"The column '{fixed}' of a command cannot be changed after its creation.", _FIXED_NAME)
    if not old and any(row.get("uniquename") == unique for row in store.rows("appaction").values()):
        raise WebApiError(412, "0x80040237", f"A command with the unique name '{unique}' already exists.")
    if command.get("context", _ENTITY) == _ENTITY:
        table = command.get("contextvalue")
        entity = store.follow(command.get("contextentity"))
        if table not in store.schema.tables or (entity is not None and entity["logicalname"] != table):
            raise bad_request("The context of a command must be a table, and the ContextEntity its row.", _FIXED_NAME)
    if command.get("onclickeventtype") == _JAVASCRIPT:
        _check_function(command)
    return {}


def _check_function(command: Mapping[str, Any]) -> None:
    if not command.get("onclickeventjavascriptfunctionname") or not command.get("onclickeventjavascriptwebresourceid"):
        raise bad_request("A command with JavaScript needs a function and its web resource.", _FIXED_NAME)
    try:
        parameters = json.loads(command.get("onclickeventjavascriptparameters") or "[]")
    except ValueError:
        parameters = None
    if not isinstance(parameters, list) or any(not isinstance(one, dict) or "type" not in one for one in parameters):
        raise bad_request("The parameters of a command are a JSON list of objects with a type.", _FIXED_NAME)


def check_app(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of a new app, which are one in this sandbox; WebApiError 400 for a taken name or no icon."""
    if old:
        if changes.get("uniquename", old["uniquename"]) != old["uniquename"]:
            raise bad_request("The unique name of an app cannot be changed.", _FIXED_NAME)
        return {}
    unique = changes["uniquename"]
    if any(row["uniquename"] == unique for row in store.rows("appmodule").values()):
        raise bad_request(f"An app with the unique name '{unique}' already exists.", "0x80050135")
    if changes.get("webresourceid") is None or store.get("webresource", changes["webresourceid"]) is None:
        raise bad_request("An app needs the id of the web resource of its icon.", "0x80050111")
    identifier = changes.get("appmoduleid") or str(uuid4())
    return {"appmoduleid": identifier, "appmoduleidunique": identifier}


def check_site_map(store: Store, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """WebApiError 400 for a site map that is malformed, shows an unknown table, or repeats an id."""
    if "sitemapxml" not in changes:
        if old:
            return {}
        raise bad_request("A site map needs its 'sitemapxml'.", _FIXED_NAME)
    root = parsed(changes["sitemapxml"], "SiteMap", "sitemapxml")
    ids = [one.get("Id") for tag in ("Area", "Group", "SubArea") for one in root.iter(tag)]
    if None in ids or len(set(ids)) != len(ids):
        raise bad_request("Each Area, Group and SubArea of a site map needs an Id of its own.", _FIXED_NAME)
    for area in root.iter("SubArea"):
        name = area.get("Entity")
        if name is not None and name not in store.schema.tables:
            raise bad_request(f"The site map shows the table '{name}', which does not exist.", "0x80041102")
    return {}
