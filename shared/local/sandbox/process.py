"""The sandbox as a process of its own, so that it is as far away as the real services are."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from shared.errors import ConfigurationError
from shared.local.sandbox.command import Addresses

_GRACE = 5.0


@asynccontextmanager
async def sandbox(*options: str, environment: Mapping[str, str] = os.environ) -> AsyncIterator[Addresses]:
    """Run `python -m shared sandbox` while the block runs."""
    arguments: Sequence[str] = ("-m", "shared", "sandbox", "--json", *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env=dict(environment)
    )
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
