"""Reads of table definitions: `EntityDefinitions`, `RelationshipDefinitions`, `GlobalOptionSetDefinitions`.

A path goes from a list to one of its definitions (by key), to those of a type (by cast), and on to a property. What a
definition lacks is refused by name: real definitions have more properties.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.local.dataverse_sandbox.http.exchange import ApiResponse
from shared.local.dataverse_sandbox.http.exchange import answer as json_answer
from shared.local.dataverse_sandbox.metadata.definitions import EXPANDABLE, Definitions
from shared.local.dataverse_sandbox.metadata.schema import Definition
from shared.local.dataverse_sandbox.organisation.errors import (
    CUSTOM_NAME,
    WebApiError,
    bad_request,
    not_implemented,
    unknown_table,
)
from shared.local.dataverse_sandbox.queries.odata import And, Comparison, Node, Not, Or
from shared.local.dataverse_sandbox.requests.query_options import QueryOptions
from shared.local.dataverse_sandbox.requests.resource_path import Path, Segment
from shared.local.dataverse_sandbox.rows.values import GUID

_SETS = frozenset({"EntityDefinitions", "GlobalOptionSetDefinitions", "RelationshipDefinitions"})
_KEY = re.compile(r"(\w+)='([^']+)'")
_CAST = "Microsoft.Dynamics.CRM."
_KEYS = frozenset({"LogicalName", "SchemaName", "Name"})

Found = Any
"""A definition, a list of them, or a property."""


def is_metadata(segment: str) -> bool:
    """Whether the first segment of a path addresses metadata."""
    return segment in _SETS


def answer(definitions: Definitions, options: QueryOptions, path: Path, base_url: str) -> ApiResponse:
    """Answer a read; WebApiError 404 for unknown tables and columns, 501 for what is not simulated."""
    context = f"{base_url}/$metadata#{'/'.join(segment.name for segment in path.segments)}"
    found = find(definitions, path)
    if isinstance(found, list):
        return json_answer({"@odata.context": context, "value": _chosen(found, options)})
    if isinstance(found, dict):
        return json_answer({"@odata.context": f"{context}/$entity", **_selected(found, options)})
    return json_answer({"@odata.context": context, "value": found})


def find(definitions: Definitions, path: Path) -> Found:
    """Return what a path to metadata addresses; WebApiError 404 without it."""
    first = path.take_with_key()
    found: Found = definitions.lists()[first.name]
    if first.key is not None:
        found = _by_key(found, first, definitions)
    while path.ahead is not None:
        segment = path.take_with_key()
        if segment.name.startswith(_CAST):
            found = _cast(found, segment.name.removeprefix(_CAST))
        elif isinstance(found, dict) and segment.name in found:
            found = found[segment.name]
        else:
            raise not_implemented(f"The segment '{segment.name}' of a path to metadata")
        if segment.key is not None:
            found = _by_key(found, segment, definitions)
    return found


def _by_key(found: Found, segment: Segment, definitions: Definitions) -> Definition:
    key = (segment.key or "").strip()
    named = _KEY.fullmatch(key)
    if not isinstance(found, list) or (not named and not GUID.fullmatch(key)) or (named and named[1] not in _KEYS):
        raise bad_request(f"The key '{segment.key}' is not a LogicalName, a SchemaName, a Name or a MetadataId.")
    name, value = (named[1], named[2]) if named else ("MetadataId", key)
    for definition in found:
        if isinstance(definition, dict) and str(definition.get(name)).lower() == value.lower():
            return definition
    message = f"Could not find a definition with specified key {segment.key} in {segment.name}."
    if segment.name == "EntityDefinitions" and named:
        raise unknown_table(value, message, is_absent=value in definitions.schema.removed, status=404)
    if segment.name == "GlobalOptionSetDefinitions" and named and not CUSTOM_NAME.match(value.lower()):
        raise not_implemented(f"The global choice '{value}'")
    raise WebApiError(404, "0x80060888", message)


def _cast(found: Found, kind: str) -> Found:
    """Keep the definitions of a type."""
    wanted = f"#{_CAST}{kind}"
    if isinstance(found, list):
        return [one for one in found if one.get("@odata.type") == wanted]
    if isinstance(found, dict) and found.get("@odata.type") == wanted:
        return found
    raise WebApiError(404, "0x80060888", f"The definition is not of the type '{kind}'.")


def _chosen(found: list[Definition], options: QueryOptions) -> list[Definition]:
    keep = _predicate(options.filter) if options.filter is not None else lambda _definition: True
    _read(options)
    return [_selected(definition, options) for definition in found if keep(definition)]


def _read(options: QueryOptions) -> None:
    """Read the options, even if the list is empty."""
    options.select, options.filter  # noqa: B018
    for one in options.expand:
        _read(one.options)


def _selected(definition: Definition, options: QueryOptions) -> Definition:
    expanded = {one.navigation: one for one in options.expand}
    for name in expanded:
        if name not in EXPANDABLE or name not in definition:
            raise _lacking(name, definition)
    shown = {
        name: _inner(value, expanded[name].options) if name in expanded else value
        for name, value in definition.items()
        if name in expanded or name not in EXPANDABLE
    }
    if options.select is None:
        return shown
    for name in options.select:
        if name not in definition:
            raise _lacking(name, definition)
    kept = {*options.select, *expanded, "MetadataId", "@odata.type"}
    return {name: value for name, value in shown.items() if name in kept}


def _inner(value: Any, options: QueryOptions) -> Any:
    _read(options)
    if isinstance(value, list):
        return _chosen(value, options)
    if options.filter is not None:
        raise not_implemented("A $filter of a single definition")
    return _selected(value, options) if isinstance(value, dict) else value


def _lacking(name: str, definition: Mapping[str, Any]) -> WebApiError:
    kind = str(definition.get("@odata.type", "#Microsoft.Dynamics.CRM.EntityMetadata")).rpartition(".")[2]
    return not_implemented(f"The property '{name}' of {kind}")


def _predicate(node: Node) -> Callable[[Mapping[str, Any]], bool]:
    match node:
        case And(parts):
            every = [_predicate(part) for part in parts]
            return lambda definition: all(passes(definition) for passes in every)
        case Or(parts):
            anyone = [_predicate(part) for part in parts]
            return lambda definition: any(passes(definition) for passes in anyone)
        case Not(part):
            inner = _predicate(part)
            return lambda definition: not inner(definition)
        case Comparison(path, "eq" | "ne" as operator, literal):
            return lambda definition: (_value(definition, path) == literal.value) is (operator == "eq")
        case _:
            raise not_implemented("A filter of metadata by more than eq, ne, and, or, not")


def _value(definition: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = definition
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            raise _lacking("/".join(path), definition)
        value = value[name]
    if isinstance(value, Mapping) and "Value" in value:  # IsCustomizable, RequiredLevel …
        return value["Value"]
    if isinstance(value, Mapping | list):
        raise not_implemented(f"A filter by the property '{'/'.join(path)}'")
    return value
