"""The real function app under the local functions host, in this process."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.composition import app
from shared.composition.connections import SystemClock
from shared.composition.settings import load_settings
from shared.errors import ConfigurationError, ConnectorError, ThrottledError, TransientError
from shared.local.commands.local_settings import ROOT
from shared.local.functions_host.errors import HostError
from shared.local.functions_host.host import FunctionsHost
from shared.local.functions_host.host_json import HostJson
from shared.local.functions_host.index import load_app
from shared.ports.queue import QueueReceiver

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def connector_host(*, port: int, root: Path = ROOT) -> AsyncIterator[FunctionsHost]:
    """Serve the function_app.py of a folder while the block runs, with the settings of the environment."""
    try:
        await _first_mapping()
        queue = await app.queue()
        if not isinstance(queue, QueueReceiver):
            raise ConfigurationError("The configured queue cannot be received from")
        host = FunctionsHost(
            load_app(root),
            HostJson.read(root / "host.json"),
            queue,
            clock=SystemClock(),
            folder=load_settings().local_folder / "host",
            port=port,
            describe=_described,
        )
        async with host:
            yield host
    except HostError as error:
        raise ConfigurationError(str(error)) from error
    finally:
        await app.shut_down()


async def _first_mapping() -> None:
    """Activate the first mapping; a ConfigurationError stops the start, an unavailable service does not."""
    try:
        await app.connector()
    except (TransientError, ThrottledError) as error:
        _LOG.warning("the connector starts while something is away: %s", error)


def _described(error: BaseException) -> str:
    """Return what may be logged: the text of an error of the connector, of any other exception its class."""
    return str(error) if isinstance(error, ConnectorError) else type(error).__name__
