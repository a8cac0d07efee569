"""Every resource of the template is one that Azure Resource Manager knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.infra.arm import complaints, need_schemas
from tests.unit.infra.bicep import Declaration, deployed_resources

_OF_BICEP = {"parent", "dependsOn", "scope"}
RESOURCES = deployed_resources()


def as_arm(declaration: Declaration) -> tuple[str, str, dict[str, Any]]:
    """Return type, API version and the resource as it stands in a compiled template."""
    kind, version = declaration.subject.split("@")
    body = {key: part for key, part in declaration.value.items() if key not in _OF_BICEP and part is not None}
    return kind, version, {**without_null(body), "type": kind, "apiVersion": version}


def without_null(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_null(one) for key, one in part.items() if one is not None}
    return [without_null(one) for one in part] if isinstance(part, list) else part


@pytest.mark.parametrize(("file", "declaration"), RESOURCES, ids=[f"{file}:{one.name}" for file, one in RESOURCES])
def test_every_resource_passes_its_strict_schema(file: str, declaration: Declaration) -> None:
    need_schemas()

    assert complaints(*as_arm(declaration)) == []


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        (("scaleAndConcurrency", "instanceMemoryMb"), 2048),
        (("runtime", "name"), "pyton"),
        (("scaleAndConcurrency", "maximumInstanceCount"), "many"),
    ],
)
def test_a_misspelt_property_a_wrong_word_and_a_wrong_type_are_found(part: tuple[str, str], wrong: object) -> None:
    need_schemas()
    app = next(one for _, one in RESOURCES if one.name == "flexApp")
    kind, version, resource = as_arm(app)
    resource["properties"]["functionAppConfig"][part[0]][part[1]] = wrong

    assert complaints(kind, version, resource) != []
