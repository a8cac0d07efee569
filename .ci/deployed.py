"""Runs `tests/deployed` with the files and packages of a deployment alone: `make deployed`.

The files are those that `.funcignore` does not exclude, the packages those of requirements.txt, by their hashes; pytest
and the suite are added. The environment is kept until its recipe changes. Without a package index the suite does not
run, and a banner is printed; with `CI=true` that is a failure.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from lockfile import LOCK, ROOT, locked
from pathspec import GitIgnoreSpec

_SUITE = ("tests/deployed", "tests/samples/remote_execution_context", "pyproject.toml")
_GROUP = "deployed"
_UV = (sys.executable, "-m", "uv", "--quiet")


class Made(Enum):
    """The result of making the environment."""

    COMPLETE = "complete"
    UNREACHED = "no package index can be reached"
    REFUSED = "the packages cannot be installed"


def make_environment(commands: Sequence[Sequence[str]], is_reachable: Callable[[], bool]) -> tuple[Made, str]:
    """Run the commands in turn; return the result and the errors of the command that failed."""
    for command in commands:
        ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if ran.returncode:
            return (Made.REFUSED if is_reachable() else Made.UNREACHED), ran.stderr.strip()
    return Made.COMPLETE, ""


def installation(environment: Path, pins: Path) -> list[list[str]]:
    """Return the commands that make the environment; `pins` is a file of the lock's versions without hashes."""
    install = [*_UV, "pip", "install", "--python", str(environment)]
    return [
        [*_UV, "venv", "--clear", "--python", sys.executable, str(environment)],
        [*install, "--require-hashes", "-r", str(LOCK)],
        [*install, "-c", str(pins), "--group", f"{ROOT / 'pyproject.toml'}:{_GROUP}"],
    ]


def deployed_files(root: Path, ignored: str) -> Iterator[Path]:
    """Yield the files that are uploaded, relative to the root: all but those that the text of `.funcignore` names."""
    spec = GitIgnoreSpec.from_lines(ignored.splitlines())
    for folder, folders, files in os.walk(root):
        place = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not spec.match_file(f"{(place / name).as_posix()}/")]
        yield from (place / name for name in files if not spec.match_file((place / name).as_posix()))


def _is_reachable() -> bool:
    """Whether the index has a package that every index has."""
    command = [*_UV, "pip", "compile", "--no-cache", "--no-deps", "-"]
    return subprocess.run(command, input="pip", check=False, capture_output=True, text=True).returncode == 0


def _recipe() -> str:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"][_GROUP]
    return hashlib.sha256(f"{LOCK.read_text(encoding='utf-8')}{group}{sys.version}".encode()).hexdigest()


def _ready(environment: Path) -> tuple[Made, str]:
    """Make the environment, unless it exists with the same recipe."""
    mark = environment / "complete"
    recipe = _recipe()
    if mark.is_file() and mark.read_text(encoding="utf-8") == recipe:
        return Made.COMPLETE, ""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{pin}\n" for pin in locked()), encoding="utf-8")
        made, complaint = make_environment(installation(environment, pins), _is_reachable)
    if made is Made.COMPLETE:
        mark.write_text(recipe, encoding="utf-8")
    return made, complaint


def _run_suite(environment: Path, arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        for name in deployed_files(ROOT, (ROOT / ".funcignore").read_text(encoding="utf-8")):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, stage / name)
        for name in _SUITE:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, stage / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, stage / name)
        python = environment.absolute() / "bin" / "python"
        command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "tests/deployed", *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        return subprocess.run(
            command, cwd=stage, check=False, env={**inherited, "DEPLOYED_ENVIRONMENT": "true"}
        ).returncode


def report(made: Made, complaint: str, *, is_build: bool) -> tuple[int, Sequence[str]]:
    """Return exit code and last lines of a run whose environment is not complete."""
    banner = ["", "!" * 100, f"!! tests/deployed DID NOT RUN: {made.value}.", "!" * 100, ""]
    match made:
        case Made.UNREACHED:
            hint = "Where pip has an index of its own, uv needs to know it, too: UV_DEFAULT_INDEX=…"
            return (1 if is_build else 0), [complaint[-2000:], hint, *banner]
        case Made.REFUSED:
            return 1, [complaint[-2000:], *banner]
        case Made.COMPLETE:
            return 0, []


def main() -> int:
    """Make the environment if need be, run the suite, and return its exit code."""
    parser = argparse.ArgumentParser(prog="make deployed", description="Test what is deployed in its own environment.")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-deployed", help="default: %(default)s")
    arguments, others = parser.parse_known_args()
    made, complaint = _ready(arguments.environment)
    if made is Made.COMPLETE:
        return _run_suite(arguments.environment, others)
    code, lines = report(made, complaint, is_build=os.environ.get("CI") == "true")
    for line in lines:
        print(line, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
