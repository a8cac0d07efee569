"""The connector as a process of its own, which can be stopped, killed, and started again with other settings."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.programs.processes import Process, start
from tests.programs.short_clocks import Clocks
from tests.programs.times import LONGEST_WAIT

SYSTEM = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
"""What a process needs of this one's environment: no setting of the developer's own connector gets into a test."""

UNHURRIED = {"HTTP_RATE_LIMITS": "false"}
"""Scenarios ask far more often than people do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a call of somebody."""

    call: str
    status: int
    content: bytes


@dataclass
class ConnectorProcess:
    """`python -m shared host` with `settings`; whatever it prints is kept in `log`."""

    settings: Mapping[str, str]
    log: Path
    clocks: Clocks = Clocks.SHORT
    url: str = ""
    console: str = field(default="", repr=False)
    """The link that opens the console, once."""

    answers: list[Answered] = field(default_factory=list)
    """Everything that it has told callers who may not see values of people."""

    _key: str = field(default="", repr=False)
    _master: str = field(default="", repr=False)
    _process: Process | None = field(default=None, repr=False)

    async def start(self, **changed: str) -> None:
        """Start it, with some settings `changed`, and wait until it answers."""
        with self.log.open("ab") as log:
            environment = {**SYSTEM, **UNHURRIED, **self.settings, **changed}
            self._process = await start(("host", "--port", "0", "--json"), environment, log.fileno(), self.clocks)
        line = await self._process.stdout.readline()
        assert line, f"the connector did not start; {self.log} says why"
        introduction = json.loads(line)
        self.url, self._key, self._master = introduction["url"], introduction["key"], introduction["master"]
        self.console = introduction["console"]

    async def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.terminate()
            assert await self._ended() == 0, f"the connector did not stop in good order; {self.log} says why"

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            await self._ended()

    async def restart(self, **changed: str) -> None:
        """End it in good order and start it again with some settings `changed`."""
        await self.stop()
        await self.start(**changed)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def process_id(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    @property
    def function_key(self) -> str:
        """The key that opens what operators need."""
        return self._key

    @property
    def master(self) -> str:
        """The key that opens everything."""
        return self._master

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, kind: str = ""
    ) -> httpx.Response:
        """Call an HTTP function, with the function key; `body` is sent as JSON, or as it is when it is bytes.

        `kind` is the Content-Type of a body that is neither.
        """
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"x-functions-key": self._key if key is None else key} | ({"Content-Type": kind} if kind else {})
        async with httpx.AsyncClient(base_url=self.url, timeout=LONGEST_WAIT) as http:
            answer = await http.request(method, path, content=content, headers=headers)
        if headers["x-functions-key"] != self._master or answer.is_error:
            self.answers.append(Answered(f"{method} {path.partition('?')[0]}", answer.status_code, answer.content))
        return answer

    async def _ended(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        async with asyncio.timeout(LONGEST_WAIT):
            rest = await process.stdout.read()
            code = await process.wait()
        with self.log.open("ab") as log:
            log.write(rest)
        return code
