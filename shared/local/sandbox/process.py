"""The sandbox as a process of its own, so that calls cross a process boundary as with the real services."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from shared.errors import ConfigurationError
from shared.local.sandbox.addresses import Addresses

_GRACE = 5.0


class Process(Protocol):
    """A process whose output can be read."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Its output."""

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs."""

    async def wait(self) -> int:
        """Wait for its end."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""


Start = Callable[[Sequence[str], Mapping[str, str]], Awaitable[Process]]
"""Starts `python -m shared` with arguments and an environment."""


async def start_interpreter(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start a fresh interpreter."""
    command = (sys.executable, "-m", "shared", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=dict(environment))


@asynccontextmanager
async def sandbox(
    *options: str, environment: Mapping[str, str] = os.environ, start: Start = start_interpreter
) -> AsyncIterator[Addresses]:
    """Run `python -m shared sandbox` while the block runs."""
    process = await start(("sandbox", "--json", *options), environment)
    try:
        assert process.stdout is not None, "it was asked for"
        line = await process.stdout.readline()
        if not line:
            raise ConfigurationError("The sandbox did not start; its own message is above")
        yield Addresses(**json.loads(line))
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
