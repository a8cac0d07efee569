"""The audit fails for what is known to be vulnerable, and never passes in silence what nobody looked up."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def audit() -> ModuleType:
    specification = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["audit"] = module
    specification.loader.exec_module(module)
    return module


def answer(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


FINE = {"name": "httpx", "version": "0.28.1", "vulns": []}
WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "aiohttp", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def test_a_known_vulnerability_fails_and_is_named_with_its_cure(audit: ModuleType) -> None:
    judged = audit.verdict(1, answer(FINE, WEAK), "")

    assert judged.code == 1
    assert "old 1.0: PYSEC-2026-1, fixed in 1.1" in judged.lines


def test_what_was_looked_up_and_is_fine_passes(audit: ModuleType) -> None:
    judged = audit.verdict(0, answer(FINE), "")

    assert (judged.code, judged.lines) == (0, ["1 packages audited, no known vulnerability."])


def test_what_could_not_be_looked_up_is_said_loudly_although_the_tool_finds_it_fine(audit: ModuleType) -> None:
    judged = audit.verdict(0, answer(FINE, UNKNOWN), "No known vulnerabilities found")

    assert judged.code == 0
    assert any("NOT AUDITED: 1 of 2 packages: aiohttp" in line for line in judged.lines)


def test_a_vulnerability_fails_whatever_else_could_not_be_looked_up(audit: ModuleType) -> None:
    assert audit.verdict(1, answer(UNKNOWN, WEAK), "").code == 1


@pytest.mark.parametrize("errors", ["requests.exceptions.ConnectionError: Max retries exceeded", "Read timed out."])
def test_a_machine_without_a_connection_says_so_and_does_not_fail(audit: ModuleType, errors: str) -> None:
    judged = audit.verdict(1, "", errors)

    assert judged.code == 0
    assert any("NOT AUDITED" in line for line in judged.lines)


def test_anything_else_that_goes_wrong_fails(audit: ModuleType) -> None:
    assert audit.verdict(1, "", "No module named pip_audit").code == 1
    assert audit.verdict(0, "nonsense", "").code == 1


def test_ruff_looks_for_security_and_make_lint_runs_both() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert lint["select"] == ["ALL"]
    assert set(lint["ignore"]).isdisjoint({"S", "S1", "S3", "S5", "S6", "S608", "S314"})
    assert not [
        family
        for path, rules in lint["per-file-ignores"].items()
        if "tests" not in path
        for family in rules
        if family == "S"
    ]
    assert "audit" in makefile.partition("lint:")[2].partition("\n\n")[0]
