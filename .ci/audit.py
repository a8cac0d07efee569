"""Looks packages up in an advisory database: `python .ci/audit.py`, part of `make lint`.

The audit covers all pins of requirements.txt, which Azure installs, and the other packages of this environment. The
result is one `Outcome`, in the last line. A machine that reaches no database fails only with `--required`: another
machine has to run the audit. An answer of an unknown form is a failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import requests
from lockfile import locked
from packaging.utils import canonicalize_name, canonicalize_version

_COMMAND = ("-m", "pip_audit", "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")
_TIMEOUT = 300.0
"""Seconds for one run of pip-audit."""

_QUESTIONS: Mapping[str, tuple[str, str, Any]] = {
    "pypi": ("GET", "https://pypi.org/pypi/pip/23.0/json", None),
    "osv": (
        "POST",
        "https://api.osv.dev/v1/query",
        {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "23.0"},
    ),
}
"""The databases of pip-audit, and a request that each of them answers."""


class Outcome(Enum):
    """The possible results of an audit."""

    CLEAN = "every package was looked up, none has a known vulnerability"
    VULNERABLE = "a package has a known vulnerability"
    UNKNOWN_PACKAGE = "the database answers, and does not know a package"
    UNREACHED = "no advisory database could be reached"
    FAILED = "pip-audit failed"


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package: `deployed` if Azure installs it, else a tool of this environment."""

    name: str
    version: str
    deployed: bool

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({'deployed' if self.deployed else 'tool'})"


@dataclass(frozen=True, slots=True)
class Run:
    """The output of pip-audit; `code` is None if it did not end in time."""

    code: int | None
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The outcome of an audit, and details to print."""

    outcome: Outcome
    details: Sequence[str] = ()


def judge(run: Run, asked: Sequence[Package], is_reachable: Callable[[], bool]) -> AuditResult:
    """Return the result of one run; `is_reachable` calls the database itself, where the run alone is not conclusive."""
    complaint = [f"exit code {run.code}", *run.errors.strip().splitlines()[-5:]]
    try:
        weaknesses = _weaknesses(run.output, asked)
    except (ValueError, KeyError, TypeError, AttributeError):  # no JSON, or not about these packages
        return AuditResult(Outcome.FAILED, complaint) if is_reachable() else AuditResult(Outcome.UNREACHED)
    weak = [line for lines in weaknesses.values() if lines for line in lines]
    unknown = [str(package) for package, lines in weaknesses.items() if lines is None]
    if not asked or run.code != (1 if weak else 0):
        return AuditResult(Outcome.FAILED, complaint)
    if weak:
        return AuditResult(Outcome.VULNERABLE, weak)
    if len(unknown) == len(asked) and not is_reachable():
        return AuditResult(Outcome.UNREACHED)  # a mirror with files only has no package at all
    return AuditResult(Outcome.UNKNOWN_PACKAGE, unknown) if unknown else AuditResult(Outcome.CLEAN)


def _weaknesses(output: str, asked: Sequence[Package]) -> dict[Package, list[str] | None]:
    """Read pip-audit's JSON: the weaknesses of each package, None if the database does not know it."""
    answers = json.loads(output)["dependencies"]
    skipped = {canonicalize_name(answer["name"]) for answer in answers if "skip_reason" in answer}
    found = {
        (canonicalize_name(answer["name"]), canonicalize_version(answer["version"])): [
            f"{weakness['id']}, fixed in {', '.join(weakness['fix_versions']) or 'no version yet'}"
            for weakness in answer["vulns"]
        ]
        for answer in answers
        if "skip_reason" not in answer
    }
    return {
        package: None
        if package.name in skipped
        else [f"{package}: {line}" for line in found[package.name, canonicalize_version(package.version)]]
        for package in asked
    }


def worst(results: Iterable[AuditResult]) -> AuditResult:
    """Return the result of all runs: the worst outcome, with the details of the runs that had it."""
    order = [Outcome.VULNERABLE, Outcome.FAILED, Outcome.UNKNOWN_PACKAGE, Outcome.UNREACHED, Outcome.CLEAN]
    listed = list(results)
    outcome = min((result.outcome for result in listed), key=order.index)
    return AuditResult(outcome, [line for result in listed if result.outcome is outcome for line in result.details])


def exit_code(outcome: Outcome, *, required: bool) -> int:
    """Return 0 if the build may go on."""
    match outcome:
        case Outcome.CLEAN:
            return 0
        case Outcome.UNREACHED:
            return 1 if required else 0
        case Outcome.VULNERABLE | Outcome.UNKNOWN_PACKAGE | Outcome.FAILED:
            return 1


def report(result: AuditResult, asked: Sequence[Package]) -> list[str]:
    """Return the lines to print; the last line has the outcome."""
    deployed = sum(package.deployed for package in asked)
    number = f"{deployed} deployed packages, {len(asked) - deployed} tools"
    match result.outcome:
        case Outcome.CLEAN:
            return [f"Audited: {number}. No known vulnerability."]
        case Outcome.UNREACHED:
            banner = ["", "!" * 100, "!! Run `make audit` on a machine with access to pypi.org or osv.dev.", "!" * 100]
            return [*banner, f"NOT AUDITED: {number}. {result.outcome.value.capitalize()} from this machine."]
        case Outcome.VULNERABLE | Outcome.UNKNOWN_PACKAGE | Outcome.FAILED:
            return [*result.details, f"AUDIT FAILED: {number}. {result.outcome.value.capitalize()}; see above."]


def packages() -> list[Package]:
    """Return every pin of the lock, for any version of Python, and the other packages that are installed here."""
    deployed = [Package(pin.name, pin.version, deployed=True) for pin in locked()]
    known = {(package.name, package.version) for package in deployed}
    here = {(canonicalize_name(one.name), one.version) for one in distributions()}
    return [*deployed, *(Package(name, version, deployed=False) for name, version in sorted(here - known))]


def disjoint_runs(asked: Sequence[Package]) -> list[list[Package]]:
    """Split packages so that no name is twice in one run, which pip-audit refuses."""
    parted: list[dict[str, Package]] = []
    for package in asked:
        fitting = next((part for part in parted if package.name not in part), None)
        if fitting is None:
            parted.append(fitting := {})
        fitting[package.name] = package
    return [list(part.values()) for part in parted]


def _run(database: str, asked: Sequence[Package]) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{one.name}=={one.version}\n" for one in asked), encoding="utf-8")
        command = [sys.executable, *_COMMAND, "--timeout", "10", "-s", database, "-r", str(pins)]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            return Run(None, "", f"pip-audit did not end within {_TIMEOUT:g} seconds")
        return Run(ran.returncode, ran.stdout, ran.stderr)


def _is_reachable(database: str) -> bool:
    method, address, question = _QUESTIONS[database]
    try:
        answer = requests.request(method, address, json=question, timeout=10)
        return answer.ok and "vulns" in json.dumps(answer.json())
    except (requests.RequestException, ValueError):
        return False


def audit(asked: Sequence[Package]) -> AuditResult:
    """Ask the databases in turn, until one can be reached."""
    result = AuditResult(Outcome.UNREACHED)
    for database in _QUESTIONS:
        result = worst(
            judge(_run(database, part), part, lambda database=database: _is_reachable(database))  # type: ignore[misc]
            for part in disjoint_runs(asked)
        )
        if result.outcome is not Outcome.UNREACHED:
            break
    return result


def main() -> int:
    """Run the audit and print its result."""
    parser = argparse.ArgumentParser(prog="make audit", description="Look packages up in an advisory database.")
    parser.add_argument("--required", action="store_true", help="fail if no database can be reached")
    arguments = parser.parse_args()
    asked = packages()
    result = audit(asked)
    for line in report(result, asked):
        print(line, file=sys.stderr)
    return exit_code(result.outcome, required=arguments.required)


if __name__ == "__main__":
    sys.exit(main())
