"""What administrators do with a mapping, over HTTP and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.programs.processes import Ended, run
from tests.programs.times import LONGEST_WAIT
from tests.scenario.connector_process import SYSTEM
from tests.scenario.world import World

JOB_TITLE = "  - spotler: jobTitle\n    contact: jobtitle\n    lead: jobtitle\n\n"
FIRST_NAME = "    contact: firstname\n"


def without_birthday(text: str) -> str:
    """Take the row of Birthday, which is protected, from a mapping."""
    begin = text.index("  - spotler: birthday\n")
    return text[:begin] + text[text.index("  - spotler:", begin + 1) :]


@dataclass(frozen=True)
class Administrator:
    """Somebody who may change the mapping."""

    world: World

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
        """Call the mapping's HTTP functions."""
        connector = self.world.connector
        headers = {"x-functions-key": connector.master} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        async with httpx.AsyncClient(base_url=connector.url, timeout=LONGEST_WAIT) as http:
            return await http.request(method, f"/api/mapping{path}", content=body, headers=headers)

    async def text(self) -> str:
        """The live mapping."""
        return (await self.call("GET", "")).text

    async def apply(self, text: str) -> dict[str, Any]:
        """Make a mapping live."""
        answer = await self.call("PUT", "?by=consultant&comment=because", text.encode())
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()
        return changed

    async def type(self, *words: str) -> Ended:
        """Run `python -m shared mapping …` with the connector's settings."""
        return await run(("mapping", *words), {**SYSTEM, **self.world.connector.settings})
