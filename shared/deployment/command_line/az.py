"""The port to Azure, the `az` command line, and its adapter: one process for each call."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

from shared.errors import ConfigurationError

_LONGEST = 3600.0
"""Seconds for one call: a first deployment takes ten minutes, a key vault in a closed network more."""


@dataclass(frozen=True, slots=True)
class AzAnswer:
    """How a call ended. `error` is what az wrote for people; it may name resources, never secrets."""

    code: int
    output: str
    error: str

    @property
    def is_done(self) -> bool:
        """Whether the call did what it should."""
        return self.code == 0

    def json(self) -> Any:
        """Return the output as JSON; None if there is none."""
        return json.loads(self.output) if self.output.strip() else None


class Az(Protocol):
    """Calls Azure."""

    def run(self, *arguments: str) -> AzAnswer:
        """Run one command; a refusal of Azure is an answer, not an error."""
        ...


class AzProgram:
    """The installed `az`."""

    def __init__(self) -> None:
        """ConfigurationError if there is none."""
        found = shutil.which("az")
        if found is None:
            raise ConfigurationError("az is not installed: see https://aka.ms/install-az, then az login")
        self._program = found

    def run(self, *arguments: str) -> AzAnswer:
        """See Az."""
        command = [self._program, *arguments, "--output", "json", "--only-show-errors"]
        try:
            ran = subprocess.run(  # noqa: S603  # az itself, no shell
                command, check=False, capture_output=True, text=True, timeout=_LONGEST, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return AzAnswer(1, "", f"az {' '.join(arguments[:3])} did not end within {_LONGEST / 60:.0f} minutes")
        return AzAnswer(ran.returncode, ran.stdout, ran.stderr)
