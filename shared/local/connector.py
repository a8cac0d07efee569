"""The real function app under the local functions host, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared import app
from shared.connections import SystemClock
from shared.errors import ConfigurationError
from shared.local.host.host import FunctionsHost
from shared.local.host.host_json import HostJson
from shared.local.host.index import load_app
from shared.ports import QueueReceiver

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def connector_host(*, port: int) -> AsyncIterator[FunctionsHost]:
    """Serve function_app.py while the block runs, with the settings of the environment."""
    try:
        connector = await app.connector()
        queue = (await app.services()).queue
        if not isinstance(queue, QueueReceiver):
            raise ConfigurationError("The configured queue cannot be received from")
        host = FunctionsHost(
            load_app(ROOT),
            HostJson.read(ROOT / "host.json"),
            queue,
            clock=SystemClock(),
            folder=connector.settings.local_folder / "host",
            port=port,
        )
        async with host:
            yield host
    finally:
        await app.shut_down()
