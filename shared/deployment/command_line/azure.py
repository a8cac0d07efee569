"""Questions and orders to Azure, on the port `Az`, repeated where waiting helps."""

import fnmatch
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.deployment.command_line.az import Az, AzAnswer
from shared.deployment.command_line.refusals import Recovery, failed, refusal

LONGEST_WAIT = 900.0
"""Seconds for which a refusal is waited out: new roles are in force within minutes, rarely a quarter of an hour."""

_MANAGEMENT = "https://management.azure.com"
_NOT_FOUND = ("NotFound", "Not Found", "could not be found", "(404)")


@dataclass
class Azure:
    """Calls az, and repeats a call that only came too early.

    `wait` sleeps for some seconds; `say` tells what is waited for.
    """

    az: Az
    say: Callable[[str], None]
    wait: Callable[[float], None] = time.sleep
    longest: float = LONGEST_WAIT

    def ask(self, action: str, *arguments: str) -> Any:
        """Run a call until Azure does it; ConfigurationError with cause and cure if it never does."""
        left = self.longest
        while True:
            answer = self.az.run(*arguments)
            if answer.is_done:
                return answer.json()
            why = refusal(answer)
            if why.recovery is Recovery.ACT or left <= 0:
                raise failed(action, why)
            self.say(f"{why.cause}; waiting {why.seconds:.0f} s")
            self.wait(why.seconds)
            left -= why.seconds

    def find(self, action: str, *arguments: str) -> Any:
        """Like `ask`, but None where Azure has no such thing."""
        answer = self.az.run(*arguments)
        if not answer.is_done and _is_absent(answer):
            return None
        return answer.json() if answer.is_done else self.ask(action, *arguments)

    def read(self, action: str, path: str, version: str) -> Any:
        """Read a resource by its id; None if it does not exist."""
        return self.find(action, "rest", "--method", "get", "--url", f"{_MANAGEMENT}{path}?api-version={version}")

    def rights(self, scope: str) -> Callable[[str], bool]:
        """Return a check whether an action is allowed to whoever is signed in."""
        path = f"{scope}/providers/Microsoft.Authorization/permissions"
        permissions: Sequence[dict[str, Any]] = (self.read("reading your rights", path, "2022-04-01") or {})["value"]

        def may(action: str) -> bool:
            return any(
                _matches(action, one.get("actions", ())) and not _matches(action, one.get("notActions", ()))
                for one in permissions
            )

        return may


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(action.lower(), pattern.lower()) for pattern in patterns)


def _is_absent(answer: AzAnswer) -> bool:
    return any(mark in answer.error for mark in _NOT_FOUND)
