"""Finds retired words in code, tests and documents: `python .ci/words.py`, part of `make lint`.

`retired_words.txt` has one word a line: a pattern, TAB, the replacement. A pattern matches whole words in any case, and
parts of identifiers. `allowed_words.txt` lists exceptions: a glob of files, TAB, a pattern, TAB, the reason. Text that
such a pattern matches is not checked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LISTS = ROOT / ".ci"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".js", ".txt", ".sh", ""}


@dataclass(frozen=True, slots=True)
class Retired:
    """A word that is not used any more, and its replacement."""

    pattern: re.Pattern[str]
    instead: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """A use that stays: a stored value, or a word of another product."""

    glob: str
    pattern: re.Pattern[str]


def whole_word(pattern: str) -> re.Pattern[str]:
    """Match whole words; an underscore, a digit and a hump of an identifier end a word."""
    return re.compile(rf"(?<![A-Za-z])(?:{pattern})(?![A-Za-z])", re.IGNORECASE)


def read_words(text: str) -> list[Retired]:
    """Read a list of retired words. Raises ValueError for a line without a replacement."""
    words = []
    for line in filter(None, text.splitlines()):
        pattern, tab, instead = line.partition("\t")
        if not tab or not instead:
            raise ValueError(f"no replacement: {line}")
        words.append(Retired(whole_word(pattern), instead))
    return words


def read_allowed(text: str) -> list[Allowed]:
    """Read the list of exceptions."""
    parts = [line.split("\t") for line in filter(None, text.splitlines())]
    return [Allowed(glob, re.compile(pattern)) for glob, pattern, _ in parts]


def findings(name: str, text: str, words: Sequence[Retired], allowed: Sequence[Allowed]) -> Iterator[str]:
    """Yield one line per use of a retired word: its place, the word, its replacement."""
    exceptions = [one.pattern for one in allowed if fnmatchcase(name, one.glob)]
    for number, line in enumerate([name, *text.splitlines()]):
        for exception in exceptions:
            line = exception.sub("", line)  # noqa: PLW2901  # what is left is checked
        split = _HUMP.sub(" ", line)
        for word in words:
            if found := word.pattern.search(split):
                yield f"{name}:{number}: {found.group()}: say {word.instead}"


def tracked() -> list[str]:
    """Return the files that are checked: text files under version control, without the lists themselves."""
    command = ["git", "ls-files", "-z"]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    names = [name for name in ran.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [name for name in names if Path(name).suffix in _TEXT and not fnmatchcase(name, ".ci/*words*")]


def main() -> int:
    """Print every use and return 1 if there is one."""
    words = read_words((_LISTS / "retired_words.txt").read_text(encoding="utf-8"))
    allowed = read_allowed((_LISTS / "allowed_words.txt").read_text(encoding="utf-8"))
    lines = [
        line
        for file in tracked()
        for line in findings(file, (ROOT / file).read_text(encoding="utf-8", errors="replace"), words, allowed)
    ]
    print("\n".join(lines) if lines else f"No retired word in use ({len(words)} checked).")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
