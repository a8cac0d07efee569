"""Checks resources against Microsoft's schemas of Azure Resource Manager, made strict."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

_PROJECT = Path(__file__).parents[3]
SCHEMAS = (
    Path(os.environ.get("MICROSOFT_SCHEMAS", "") or _PROJECT.parent / "shared" / "reference" / "schemas").absolute()
    / "arm"
)
_EXPRESSION = {"$ref": "https://schema.management.azure.com/schemas/common/definitions.json#/definitions/expression"}
_GROUPS = ("resourceDefinitions", "extension_resourceDefinitions", "unknown_resourceDefinitions")


def need_schemas() -> None:
    """Leave a test out where the schemas are missing; on a CI server that is a failure."""
    if SCHEMAS.is_dir():
        return
    message = "Microsoft's schemas are not here: MICROSOFT_SCHEMAS names their folder"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def complaints(kind: str, version: str, resource: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with one resource."""
    found = list(_definitions(kind, version))
    if not found:
        return [f"{kind}@{version} is in no schema"]
    registry: Registry[Any] = Registry(retrieve=lambda uri: DRAFT4.create_resource(_load(uri)))
    wrong: list[str] = []
    # The schemas of some names ask for the whole path, those of others for its last part.
    whole = {**resource, "name": f"parent/{resource['name']}"}
    for (path, pointer), form in product(found, (resource, whole)):
        checked = Draft4Validator({"$ref": f"{path.as_uri()}#{pointer}"}, registry=registry)
        errors = [
            f"{kind} {'/'.join(map(str, error.absolute_path))}: {reason}"
            for error in checked.iter_errors(form)
            for reason in _reasons(error)
        ]
        if not errors:
            return []
        wrong = wrong or errors
    return wrong


def _reasons(error: Any) -> Iterator[str]:
    """Yield the innermost causes: an object may also be an expression, which says nothing."""
    causes = [cause for cause in error.context or () if "expression" not in str(cause.schema.get("description", ""))]
    if not causes:
        yield error.message[:200]
    for cause in causes:
        yield from _reasons(cause)


def _definitions(kind: str, version: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((SCHEMAS / version).glob("*.json")):
        schema = _load(path.as_uri())
        for group in _GROUPS:
            for name, one in schema.get(group, {}).items():
                properties = one.get("properties", {})
                kinds = [text.lower() for text in properties.get("type", {}).get("enum", [])]
                if kind.lower() in kinds and version in properties.get("apiVersion", {}).get("enum", []):
                    yield path, f"/{group}/{name}"


@cache
def _load(uri: str) -> dict[str, Any]:
    """Read a schema, by its path or by Microsoft's address."""
    relative = uri.split("/schemas/", 1)[1] if uri.startswith("https:") else None
    path = SCHEMAS / relative if relative else Path(uri.removeprefix("file://"))
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema.pop("id", None)
    _make_strict(schema)
    return schema


def _make_strict(schema: Any, *, is_branch: bool = False) -> None:
    """Forbid properties that are not named: Microsoft's files allow them.

    A branch beside common properties names only its own. An expression may also look like a text: one of several
    forms is then not exactly one.
    """
    if isinstance(schema, list):
        for one in schema:
            _make_strict(one, is_branch=is_branch)
    elif isinstance(schema, dict):
        has_branches = "oneOf" in schema and "properties" in schema
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            if not is_branch and not {"allOf", "oneOf", "anyOf"} & schema.keys():
                schema.setdefault("additionalProperties", False)
        elif isinstance(schema.get("oneOf"), list) and _EXPRESSION in schema["oneOf"]:
            schema["anyOf"] = schema.pop("oneOf")
        for key, one in schema.items():
            _make_strict(one, is_branch=has_branches and key == "oneOf")
