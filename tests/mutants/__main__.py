"""`python -m tests.mutants [--jobs 2] [number …]`: breaks one line at a time and runs the tests that must notice.

`tests/mutations.yaml` has the list. Each mutation names a file, the text of the line, what it becomes, and the tests
that catch it. A mutation that no longer applies, or that all of its tests survive, fails the run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
MUTATIONS = ROOT / "tests" / "mutations.yaml"
_COPIED = ("shared", "tests", "infra", "docs", ".ci", "function_app.py", "host.json", "pyproject.toml", "README.md")
_TIME = 600.0  # seconds for the tests of one mutation


class End(StrEnum):
    """What became of a mutation."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE: the line is not there, or not once"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One broken line. `tests` are files, folders or patterns in `tests/`."""

    number: int
    file: str
    line: str
    becomes: str
    tests: tuple[str, ...]

    def files(self, folder: Path) -> list[str]:
        """Return the test files in a copy of the project."""
        return [str(path) for name in self.tests for path in sorted(folder.glob(f"tests/{name}"))]

    def apply(self, folder: Path) -> bool:
        """Break the line in a copy of the project; False if it is not there exactly once."""
        path = folder / self.file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        found = [index for index, line in enumerate(lines) if line.strip() == self.line]
        if len(found) != 1:
            return False
        (index,) = found
        lines[index] = lines[index].replace(self.line, self.becomes)
        path.write_text("".join(lines), encoding="utf-8")
        return True


def mutations() -> list[Mutation]:
    """Read the list."""
    rows: list[dict[str, Any]] = yaml.safe_load(MUTATIONS.read_text(encoding="utf-8"))
    return [
        Mutation(number, row["file"], row["line"], row["becomes"], tuple(row["tests"]))
        for number, row in enumerate(rows, start=1)
    ]


async def outcome(mutation: Mutation) -> End:
    """Run the tests of one mutation in a copy of the project."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in _COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        if not mutation.apply(folder):
            return End.STALE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutation.files(folder)),
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_TIME):
                code = await process.wait()
        except TimeoutError:  # a loop without an end is noticed by whoever waits
            process.kill()
            code = await process.wait()
        return End.SURVIVED if code == 0 else End.CAUGHT


async def main(numbers: Sequence[int], jobs: int) -> int:
    """Run all mutations, or some; the exit code is 1 unless each is caught."""
    chosen = [one for one in mutations() if not numbers or one.number in numbers]
    slots = asyncio.Semaphore(jobs)
    ends: list[End] = []

    async def run(mutation: Mutation) -> None:
        async with slots:
            began = time.monotonic()
            end = await outcome(mutation)
            ends.append(end)
            print(f"{mutation.number:3} {time.monotonic() - began:6.1f} s  {end}  {mutation.file}: {mutation.becomes}")

    await asyncio.gather(*(run(one) for one in chosen))
    print(f"{ends.count(End.CAUGHT)} of {len(ends)} mutations caught")
    return 0 if all(end is End.CAUGHT for end in ends) else 1


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    options.add_argument("numbers", nargs="*", type=int, metavar="number", help="run these alone")
    options.add_argument("--jobs", type=int, default=2, help="how many at once")
    parsed = options.parse_args()
    sys.exit(asyncio.run(main(parsed.numbers, parsed.jobs)))
