"""Reads requirements.txt, the lock that `make lock` writes and Azure's remote build installs.

The grammar is closed: a line that is not a pin with its hashes, or a comment, is an error. So the lock can hold no
index, no URL, no option and no version that floats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"
WANTED = ROOT / "requirements.in"

DEPLOYED_PYTHON = "3.12"
"""The Python of the function app in Azure; Linux on x86_64."""

DIRECT = "-r requirements.in"
"""In `Pin.wanted_by`: the app itself needs the package."""

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\")
_HASH = re.compile(r" {4}--hash=(?P<hash>sha256:[0-9a-f]{64})(?P<more> \\)?")
_WANTED_BY = re.compile(r" {4}# (?: {2}|via )(?P<name>\S.*)")


class LockError(Exception):
    """The file is not a lock that can be trusted."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One package in one version: where it is installed, the hashes of its files, the packages that need it."""

    name: str
    version: str
    marker: Marker | None
    hashes: Sequence[str]
    wanted_by: Sequence[str]

    def __str__(self) -> str:
        """Return the requirement without its hashes."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    def is_installed_on(self, python: str) -> bool:
        """Whether Linux on x86_64 with this version of Python, such as `3.12`, installs it."""
        return self.marker is None or self.marker.evaluate(
            {
                "python_version": python,
                "python_full_version": f"{python}.0",
                "implementation_name": "cpython",
                "implementation_version": f"{python}.0",
                "platform_python_implementation": "CPython",
                "os_name": "posix",
                "sys_platform": "linux",
                "platform_system": "Linux",
                "platform_machine": "x86_64",
                "platform_release": "",
                "platform_version": "",
            }
        )


def read_lock(text: str) -> list[Pin]:
    """Read all pins; LockError names the first line that does not belong into a lock."""
    pins: list[Pin] = []
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        if line.startswith("#"):
            continue
        pinned = _PIN.fullmatch(line)
        if pinned is None:
            raise LockError(f"line {number} is no pin with hashes: {line[:80]}")
        hashes: list[str] = []
        more = True
        while more:
            number, line = lines[at] if at < len(lines) else (number, "")
            hashed = _HASH.fullmatch(line)
            if hashed is None:
                raise LockError(f"line {number} is no hash of {pinned['name']}: {line[:80]}")
            hashes.append(hashed["hash"])
            more = bool(hashed["more"])
            at += 1
        wanted_by: list[str] = []
        while at < len(lines) and lines[at][1].startswith("    #"):
            if named := _WANTED_BY.fullmatch(lines[at][1]):
                wanted_by.append(named["name"])
            at += 1
        marker = Marker(pinned["marker"]) if pinned["marker"] else None
        pins.append(Pin(canonicalize_name(pinned["name"]), pinned["version"], marker, hashes, wanted_by))
    if not pins:
        raise LockError("the lock is empty")
    return pins


def locked() -> list[Pin]:
    """Read the project's own lock."""
    return read_lock(LOCK.read_text(encoding="utf-8"))
