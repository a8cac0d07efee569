"""Checks of forms: what Dataverse refuses in `formxml`.

Source: `FormXml.xsd` and public notes on refused forms. The sandbox checks structure, ids and references; clients that
want the whole schema checked validate their forms themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.rows.store import Row, Store

_CODE = "0x8004f658"
_GUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
_WITH_IDS = ("tab", "section", "cell")
_DASHBOARD, _PLACELESS = 0, "none"
_SUBGRID = "{e7a81278-8635-4d9e-8d4d-59480b391c5b}"
_PARTS_OF_FORM = frozenset(
    {"ancestor", "hiddencontrols", "tabs", "header", "footer", "events", "formLibraries", "controlDescriptions"}
    | {"Navigation", "DisplayConditions", "clientresources", "externaldependencies", "formparameters", "RibbonDiffXml"}
    | {"internaljscriptfile"}
)
_WAY_TO_CONTROL = (("tabs", "tab"), ("columns", "column"), ("sections", "section"), ("rows", "row"))


def check(store: Store, old: Row, changes: Mapping[str, Any]) -> None:
    """WebApiError 400 for a form that Dataverse would refuse; `changes` are the written columns."""
    form = {**old, **changes}
    table = form.get("objecttypecode")
    if old and "objecttypecode" in changes and changes["objecttypecode"] != old["objecttypecode"]:
        raise bad_request("The table of a form cannot be changed.", _CODE)
    if table != _PLACELESS and table not in store.schema.tables:
        raise bad_request(f"The entity with a name = '{table}' was not found.", "0x80041102")
    if old.get("iscustomizable") is False:
        raise bad_request("The form is managed and cannot be customized.", "0x8004f027")
    if not isinstance(changes.get("formxml"), str):
        if not old:
            raise bad_request("A form needs its 'formxml'.", _CODE)
        return
    root = parsed(changes["formxml"], "form", "formxml", _CODE)
    _check_structure(root)
    _check_ids(root)
    _check_scripts(store, root)
    if form.get("type") != _DASHBOARD:
        _check_controls(store, str(table), root)


def _check_structure(root: Element) -> None:
    for part in root:
        if part.tag not in _PARTS_OF_FORM:
            raise _invalid(f"the element '{part.tag}' is not expected in 'form'")
    if root.find("tabs/tab") is None:
        raise _invalid("a form has at least one tab")
    parents = [root]
    for group, member in _WAY_TO_CONTROL:
        parents = [one for parent in parents for one in _members(parent, group, member)]
    for row in parents:
        for cell in row:
            if cell.tag != "cell":
                raise _invalid(f"the element '{cell.tag}' is not expected in 'row'")
            if len(cell.findall("control")) > 1:
                raise _invalid("a cell has at most one control")


def _members(parent: Element, group: str, member: str) -> Iterator[Element]:
    container = parent.find(group)
    if container is None:
        if group == "rows":  # an empty section may lack them
            return
        raise _invalid(f"the element '{group}' is missing in '{parent.tag}'")
    for one in container:
        if one.tag != member:
            raise _invalid(f"the element '{one.tag}' is not expected in '{group}'")
        yield one


def _check_ids(root: Element) -> None:
    ids = [one.get("id", "") for tag in _WITH_IDS for one in root.iter(tag) if tag == "tab" or one.get("id")]
    for one in ids:
        if not _GUID.fullmatch(one):
            raise _invalid(f"the id '{one}' is no GUID")
    for identifier, times in Counter(one.strip("{}").lower() for one in ids).items():
        if times > 1:
            raise _invalid(f"the id '{identifier}' is used {times} times")
    for tag in ("tab", "section"):
        named = Counter(one.get("name") for one in root.iter(tag) if one.get("name"))
        twice = [name for name, times in named.items() if times > 1]
        if tag == "tab" and twice:
            raise _invalid(f"the name '{twice[0]}' of a tab is used twice")


def _check_scripts(store: Store, root: Element) -> None:
    libraries = root.find("formLibraries")
    if libraries is not None and not len(libraries):
        raise _invalid("the element 'formLibraries' is empty")
    listed = {one.get("name", "") for one in libraries} if libraries is not None else set()
    resources = {row["name"] for row in store.rows("webresource").values()}
    for name in sorted(listed - resources):
        raise WebApiError(404, "0x80040217", f"WebResource With Name = {name} Does Not Exist")
    for handler in root.iter("Handler"):
        for required in ("functionName", "libraryName", "handlerUniqueId"):
            if not handler.get(required):
                raise _invalid(f"a Handler lacks '{required}'")
        if handler.get("libraryName") not in listed:
            raise _invalid(f"the library '{handler.get('libraryName')}' of a Handler is not in 'formLibraries'")


def _check_controls(store: Store, name: str, root: Element) -> None:
    columns = store.schema.tables[name].columns
    table = store.schema.tables[name]
    for control in root.iter("control"):
        column, kind = control.get("datafieldname"), control.get("classid", "")
        if not control.get("id") or not _GUID.fullmatch(kind):
            raise _invalid("a control needs an 'id' and a 'classid'")
        if column and column not in columns and not table.may_have(column):
            raise bad_request(f"The column '{column}' of a control does not exist in the table '{name}'.", "0x80041103")
        if kind.lower() == _SUBGRID:
            _check_subgrid(store, control)


def _check_subgrid(store: Store, control: Element) -> None:
    target = control.findtext("parameters/TargetEntityType", "")
    if target not in store.schema.tables:
        raise bad_request(f"The entity with a name = '{target}' was not found.", "0x80041102")
    view = control.findtext("parameters/ViewId", "").strip("{}").lower()
    if store.get("savedquery", view) is None:
        raise WebApiError(404, "0x80040217", f"savedquery With Id = {view} Does Not Exist")


def _invalid(what: str) -> WebApiError:
    return bad_request(f"The form XML is not valid: {what}.", _CODE)
