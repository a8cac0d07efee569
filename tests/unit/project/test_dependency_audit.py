"""The audit covers the deployed packages, fails for unknown answers, and reports packages that were not looked up."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any

import pytest

from tests.scripts import ROOT, script

audit = script("audit")
Outcome, Package, Run = audit.Outcome, audit.Package, audit.Run

HTTPX = Package("httpx", "0.28.1", deployed=True)
OLD = Package("old", "1.0", deployed=False)
AIOHTTP = Package("aiohttp", "3.14.5", deployed=True)

FINE = {"name": "httpx", "version": "0.28.1", "vulns": []}
WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "aiohttp", "skip_reason": "Dependency not found on PyPI and could not be audited"}

CUT_OFF = [
    "requests.exceptions.ConnectionError: Max retries exceeded",
    "Read timed out.",
    "No module named pip_audit",
    "",
]


def answer(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def judge(run: Any, asked: Sequence[Any], *, reachable: bool = True) -> Any:
    return audit.judge(run, asked, lambda: reachable)


# ------------------------------------------------------------------------------------------------------- what is asked


def test_every_pin_of_the_lock_is_looked_up_for_whichever_python() -> None:
    deployed = {(package.name, package.version) for package in audit.packages() if package.deployed}

    assert deployed == {(pin.name, pin.version) for pin in script("lockfile").locked()}
    assert len([name for name, _ in deployed if name == "azure-functions"]) == 2


def test_the_tools_of_this_environment_are_looked_up_too() -> None:
    assert "pytest" in {package.name for package in audit.packages() if not package.deployed}


def test_each_run_has_a_name_once_and_all_runs_have_every_package() -> None:
    older = Package("httpx", "0.27.0", deployed=False)

    rounds = audit.disjoint_runs([HTTPX, OLD, older])

    assert rounds == [[HTTPX, OLD], [older]]


# ------------------------------------------------------------------------------------------------------------ results


def test_a_known_vulnerability_fails_and_is_named_with_its_cure() -> None:
    result = judge(Run(1, answer(FINE, WEAK), ""), [HTTPX, OLD])

    assert result == audit.AuditResult(Outcome.VULNERABLE, ["old 1.0 (tool): PYSEC-2026-1, fixed in 1.1"])


def test_packages_without_vulnerabilities_pass() -> None:
    assert judge(Run(0, answer(FINE), ""), [HTTPX]).outcome is Outcome.CLEAN


def test_an_unknown_package_fails_because_it_may_have_been_removed() -> None:
    result = judge(Run(0, answer(FINE, UNKNOWN), "No known vulnerabilities found"), [HTTPX, AIOHTTP])

    assert result == audit.AuditResult(Outcome.UNKNOWN_PACKAGE, ["aiohttp 3.14.5 (deployed)"])


def test_a_single_package_that_the_database_does_not_know_is_no_lack_of_a_database() -> None:
    assert judge(Run(0, answer(UNKNOWN), ""), [AIOHTTP]).outcome is Outcome.UNKNOWN_PACKAGE


def test_a_mirror_without_advisories_is_no_database() -> None:
    assert judge(Run(0, answer(UNKNOWN), ""), [AIOHTTP], reachable=False).outcome is Outcome.UNREACHED


def test_a_vulnerability_counts_whatever_else_could_not_be_looked_up() -> None:
    assert judge(Run(1, answer(UNKNOWN, WEAK), ""), [AIOHTTP, OLD]).outcome is Outcome.VULNERABLE


@pytest.mark.parametrize("errors", CUT_OFF)
@pytest.mark.parametrize("code", [0, 1, 2, None])
def test_reachability_is_tested_at_the_database_and_not_read_from_an_error(code: int | None, errors: str) -> None:
    assert judge(Run(code, "", errors), [HTTPX], reachable=False).outcome is Outcome.UNREACHED
    assert judge(Run(code, "", errors), [HTTPX], reachable=True).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "run",
    [
        Run(0, "nonsense", ""),
        Run(0, "[]", ""),
        Run(0, answer(), ""),
        Run(0, answer({"name": "httpx", "version": "0.27.0", "vulns": []}), ""),
        Run(0, answer({"name": "httpx"}), ""),
        Run(1, answer(FINE), ""),
        Run(2, answer(FINE), ""),
        Run(None, answer(FINE), ""),
        Run(0, answer({**WEAK, "name": "httpx", "version": "0.28.1"}), ""),
    ],
)
def test_an_answer_that_is_not_understood_or_not_about_what_was_asked_fails(run: Any) -> None:
    assert judge(run, [HTTPX]).outcome is Outcome.FAILED


def test_an_audit_of_nothing_fails() -> None:
    assert judge(Run(0, answer(), ""), []).outcome is Outcome.FAILED


def test_of_several_runs_the_worst_counts() -> None:
    ranked = [Outcome.VULNERABLE, Outcome.FAILED, Outcome.UNKNOWN_PACKAGE, Outcome.UNREACHED, Outcome.CLEAN]

    assert set(ranked) == set(Outcome)
    for place, outcome in enumerate(ranked):
        results = [audit.AuditResult(other, [other.name]) for other in ranked[place:]]
        assert audit.worst(results) == audit.AuditResult(outcome, [outcome.name])


# ------------------------------------------------------------------------------------------------- databases in turn


def test_the_next_database_is_asked_only_if_the_first_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(database: str, part: Sequence[Any]) -> Any:
        asked.append(database)
        return Run(1, "", "ConnectionError") if database == "pypi" else Run(0, answer(FINE), "")

    monkeypatch.setattr(audit, "_run", run)
    monkeypatch.setattr(audit, "_is_reachable", lambda database: database == "osv")

    assert audit.audit([HTTPX]).outcome is Outcome.CLEAN
    assert asked == ["pypi", "osv"]


# ------------------------------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("outcome", "codes", "last"),
    [
        (Outcome.CLEAN, [0, 0], "Audited: 2 deployed packages, 1 tools. No known vulnerability."),
        (Outcome.UNREACHED, [0, 1], "NOT AUDITED: 2 deployed packages, 1 tools. No advisory database could be reached"),
        (Outcome.VULNERABLE, [1, 1], "AUDIT FAILED: 2 deployed packages, 1 tools. A package has a known vulnerability"),
        (Outcome.UNKNOWN_PACKAGE, [1, 1], "AUDIT FAILED: 2 deployed packages, 1 tools. The database answers, and does"),
        (Outcome.FAILED, [1, 1], "AUDIT FAILED: 2 deployed packages, 1 tools. Pip-audit failed"),
    ],
)
def test_the_last_line_and_the_exit_code_have_the_outcome(
    outcome: Any, codes: list[int], last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "packages", lambda: [HTTPX, AIOHTTP, OLD])
    monkeypatch.setattr(audit, "audit", lambda _: audit.AuditResult(outcome, ["because"]))
    for arguments, code in zip(([], ["--required"]), codes, strict=True):
        monkeypatch.setattr("sys.argv", ["audit.py", *arguments])

        assert audit.main() == code
        assert capsys.readouterr().err.splitlines()[-1].startswith(last)


def test_ruff_looks_for_security_and_make_lint_ends_with_the_audit() -> None:
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
    assert ".ci/audit.py" in makefile.partition("\nlint:")[2].partition("\n\n")[0].splitlines()[-1]
