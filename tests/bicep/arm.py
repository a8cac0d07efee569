"""Checks resources against Microsoft's schemas of Azure Resource Manager."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.bicep.templates import Declared
from tests.microsoft_schemas import microsoft_schemas

if TYPE_CHECKING:
    import jsonschema

_WHOLE_NAMES = {"Microsoft.Web/sites/config", "Microsoft.Storage/storageAccounts/blobServices"}
"""Kinds whose schemas tell variants by their whole names; the others limit the last part."""
_GROUPS = ("resourceDefinitions", "extension_resourceDefinitions", "unknown_resourceDefinitions")


def complaints(resource: Declared) -> Iterator[str]:
    """Yield what the schema of the type and version says against a resource; LookupError without such a schema."""
    name = resource.name if resource.kind in _WHOLE_NAMES else resource.name.rpartition("/")[2]
    body = {**resource.body, "type": resource.kind, "apiVersion": resource.version, "name": name}
    import jsonschema  # noqa: PLC0415  # takes a second, which each process that collects tests would spend

    validator = jsonschema.Draft4Validator({"$ref": _address(resource.kind, resource.version)}, registry=_registry())
    for error in validator.iter_errors(_without_nothing(body)):
        for inner in _leaves(error):
            place = "/".join(map(str, inner.absolute_path))
            yield f"{resource.kind} {resource.name}: {place}: {inner.message[:200]}"


def _without_nothing(value: Any) -> Any:
    """Drop nulls: Azure Resource Manager takes them as absent."""
    match value:
        case dict():
            return {name: _without_nothing(item) for name, item in value.items() if item is not None}
        case list():
            return [_without_nothing(item) for item in value]
        case _:
            return value


def _leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """Return the most telling errors: those of the branch that got furthest."""
    branches: dict[Any, list[jsonschema.ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    if not branches:
        yield error
        return
    for inner in max(branches.values(), key=lambda found: max(len(one.absolute_path) for one in found)):
        yield from _leaves(inner)


@functools.cache
def _address(kind: str, version: str) -> str:
    """Return the address of a definition."""
    folder = microsoft_schemas("arm")
    for path in sorted((folder / version).glob(f"{kind.partition('/')[0]}*.json")):
        schema = _strict_file(path)
        for group in _GROUPS:
            for name, definition in schema.get(group, {}).items():
                about = definition["properties"]
                if kind in about["type"]["enum"] and version in about["apiVersion"]["enum"]:
                    return f"{schema['id'].rstrip('#')}#/{group}/{name}"
    raise LookupError(f"There is no schema of {kind} {version} in {folder}")


@functools.cache
def _strict_file(path: Path) -> dict[str, Any]:
    """Return a schema that refuses unknown properties, which the published files do not."""
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for group in _GROUPS:
        for definition in schema.get(group, {}).values():
            variants = definition.get("oneOf", [])
            _make_strict([definition["properties"], *(one["properties"] for one in variants)])
            if not variants:
                definition["additionalProperties"] = False
    _make_strict(schema.get("definitions", {}))
    return schema


def _make_strict(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            _make_strict(value)
    elif isinstance(node, list):
        for value in node:
            _make_strict(value)


@functools.cache
def _registry() -> Registry[Any]:
    schemas = [_strict_file(path) for path in microsoft_schemas("arm").glob("*/*.json")]
    return Registry().with_resources((one["id"].rstrip("#"), DRAFT4.create_resource(one)) for one in schemas)
