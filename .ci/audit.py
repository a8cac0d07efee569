"""Looks the installed packages up in the advisory databases: `python .ci/audit.py`, part of `make lint`.

Exit code 1 if a package has a known vulnerability. pip-audit counts packages as fine that it could not look up, for
instance behind a mirror that has files only; here that is said loudly. A machine that cannot reach the database does
not fail the build; another one has to.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_COMMAND = ("-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10")
_PATIENCE = 300.0
"""Seconds."""

_NO_CONNECTION = (
    "connectionerror",
    "connection error",
    "max retries",
    "timed out",
    "timeout",
    "name resolution",
    "name or service not known",
    "service unavailable",
    "proxyerror",
    "sslerror",
    "failed to fetch",
    "failed to connect",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it: the exit code and the lines to print."""

    code: int
    lines: Sequence[str]


def verdict(code: int, output: str, errors: str) -> Verdict:
    """Judge a run of pip-audit by its exit code, its JSON and what it complained of."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if any(mark in errors.casefold() for mark in _NO_CONNECTION):
            return Verdict(0, _banner("NOT AUDITED: the advisory database cannot be reached from this machine."))
        return Verdict(code or 1, ["pip-audit failed:", *errors.strip().splitlines()[-5:]])
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    skipped = sorted(package["name"] for package in packages if "skip_reason" in package)
    lines = _banner(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages: {', '.join(skipped)}") if skipped else []
    if found:
        return Verdict(1, [*lines, "Known vulnerabilities:", *found])
    audited = len(packages) - len(skipped)
    return Verdict(0, [*lines, *([f"{audited} packages audited, no known vulnerability."] if audited else [])])


def _banner(text: str) -> list[str]:
    return ["", "!" * 100, f"!! {text}", "!! Run `make audit` on a machine with access to pypi.org.", "!" * 100, ""]


def main() -> int:
    """Run and say how it went."""
    try:
        ran = subprocess.run(
            [sys.executable, *_COMMAND], capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
        judged = verdict(ran.returncode, ran.stdout, ran.stderr)
    except subprocess.TimeoutExpired:
        judged = verdict(1, "", "timed out")
    for line in judged.lines:
        print(line, file=sys.stderr)
    return judged.code


if __name__ == "__main__":
    sys.exit(main())
