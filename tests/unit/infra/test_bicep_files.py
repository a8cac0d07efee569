"""The files of the template belong together."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.infra.bicep import INFRA, broken, declarations, files, of_kind

MAIN = INFRA / "main.bicep"


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_every_file_is_bicep(path: Path) -> None:
    assert broken(path.read_bytes()) == []


def test_a_missing_brace_is_found() -> None:
    assert broken(b"resource a 'B/c@2020-01-01' = {\n  name: 'x'\n") != []


def test_every_module_gets_exactly_the_parameters_that_it_declares() -> None:
    for module in of_kind(MAIN, "module").values():
        declared = of_kind(INFRA / module.subject, "parameter")
        assert module.value["params"].keys() == declared.keys(), module.subject


def test_every_module_is_used() -> None:
    used = {INFRA / module.subject for module in of_kind(MAIN, "module").values()}

    assert {*used, MAIN} == set(files())


def test_every_output_of_a_module_that_is_read_exists() -> None:
    modules = of_kind(MAIN, "module")
    for name, output in re.findall(r"(\w+)!?\.outputs\.(\w+)", MAIN.read_text(encoding="utf-8")):
        assert output in of_kind(INFRA / modules[name].subject, "output")


def test_every_parameter_of_a_module_is_used() -> None:
    for path in files():
        text = path.read_text(encoding="utf-8")
        for parameter in of_kind(path, "parameter"):
            assert len(re.findall(rf"\b{parameter}\b", text)) > 1, f"{path.name}: {parameter}"


def test_both_parameter_files_name_parameters_of_the_template_and_give_all_that_have_no_default() -> None:
    declared = of_kind(MAIN, "parameter")
    needed = {name for name, one in declared.items() if not one.has_default}
    in_json = set(json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"])
    in_bicep = set(re.findall(r"^param (\w+) =", (INFRA / "main.bicepparam").read_text(encoding="utf-8"), re.MULTILINE))

    assert needed <= in_json <= declared.keys()
    assert needed <= in_bicep <= declared.keys()


def test_every_parameter_of_the_template_is_described() -> None:
    text = MAIN.read_text(encoding="utf-8")

    assert text.count("@description(") == len([one for one in declarations(MAIN) if one.kind == "parameter"])
