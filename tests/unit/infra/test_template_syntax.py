"""Bicep can be read, and every resource is one that Azure Resource Manager takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.bicep.arm import complaints
from tests.bicep.syntax import errors, parse, parse_file
from tests.bicep.templates import Declared, deploy, parameters_of
from tests.unit.infra.templates import BARE, INFRA, MAIN, VARIANTS, made

FILES = sorted(INFRA.rglob("*.bicep"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_can_be_parsed(path: Path) -> None:
    parse_file(path)


def test_a_file_with_a_mistake_is_noticed() -> None:
    assert list(errors(parse(b"param name string = \nresource x")))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_resource_passes_its_schema(variant: str) -> None:
    assert [text for resource in made(variant).resources for text in complaints(resource)] == []


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"functionAppConfig": {"scaleAndConcurrency": {"instanceMemoryMb": 2048}}}, "instanceMemoryMb"),
        ({"functionAppConfig": {"runtime": {"name": "pyton", "version": "3.12"}}}, "pyton"),
        ({"httpsOnly": "yes"}, "yes"),
    ],
)
def test_a_misspelt_property_is_noticed(properties: dict[str, object], named: str) -> None:
    body = {"location": "westeurope", "properties": properties}
    site = Declared("app", "Microsoft.Web/sites", "2024-04-01", "an-app", body)

    assert named in " ".join(complaints(site))


def test_no_two_resources_have_one_name() -> None:
    for variant in VARIANTS:
        names = [(one.kind, one.name, one.scope) for one in made(variant).resources]
        assert len(names) == len(set(names))


def test_every_module_is_used() -> None:
    used = set(re.findall(r"'(modules/[\w-]+\.bicep)'", MAIN.read_text()))

    assert used == {path.relative_to(INFRA).as_posix() for path in FILES if path != MAIN}


def test_a_parameter_that_a_module_does_not_know_is_an_error() -> None:
    with pytest.raises(LookupError, match="noSuch"):
        deploy(MAIN, {**BARE, "noSuch": 1})


def test_the_parameter_files_name_parameters_of_the_template() -> None:
    declared = parameters_of(MAIN)
    required = {one.name for one in declared if one.is_required}
    azd = set(json.loads((INFRA / "main.parameters.json").read_text())["parameters"])
    by_hand = set(re.findall(r"^param (\w+) =", (INFRA / "main.bicepparam").read_text(), re.MULTILINE))

    for given in (azd, by_hand):
        assert required <= given <= {one.name for one in declared}


def test_every_parameter_is_explained() -> None:
    assert [one.name for one in parameters_of(MAIN) if "@description" not in one.description] == []
