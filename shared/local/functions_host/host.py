"""The host: runs the functions of one app on the running event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self

import azure.functions as func
import uvicorn
from starlette.types import ASGIApp

from shared.local.functions_host.host_json import HostJson
from shared.local.functions_host.http import HttpFrontEnd
from shared.local.functions_host.index import QueueTrigger, TimerTrigger, index_functions
from shared.local.functions_host.invocation import Invoker, name_of
from shared.local.functions_host.keys import HostKeys
from shared.local.functions_host.queues import QueueListener
from shared.local.functions_host.timers import Timer, TimerStatusFile
from shared.local.functions_host.timing import Clock
from shared.ports.queue import QueueReceiver

_LOG = logging.getLogger(__name__)

DEFAULT_PORT = 7071

_GRACE_SECONDS = 1
_BACKLOG = 512


class FunctionsHost:
    """Runs an app while its `async with` block runs; `url` and `keys` are for its callers.

    Leaving the block stops listening, finishes what was received and the timers under way, then closes the HTTP
    server. `folder` holds the host's own small files: keys and timer status.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        host_json: HostJson,
        receiver: QueueReceiver,
        *,
        clock: Clock,
        folder: Path,
        address: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        environment: Mapping[str, str] = os.environ,
        describe: Callable[[BaseException], str] = name_of,
    ) -> None:
        """HostError for functions that this host cannot serve. Port 0 takes a free one.

        `describe` returns what may be logged of an exception.
        """
        self.keys = HostKeys.open(folder / "keys.json")
        self.url = ""
        functions = index_functions(app, environment)
        invoker = Invoker(host_json.function_timeout, describe)
        status = TimerStatusFile(folder / "timers.json")
        self._timers = {
            function.name: Timer(function, function.trigger, invoker=invoker, clock=clock, file=status)
            for function in functions
            if isinstance(function.trigger, TimerTrigger)
        }
        self._listeners = [
            QueueListener(function, function.trigger, receiver, invoker, host_json.extensions.service_bus)
            for function in functions
            if isinstance(function.trigger, QueueTrigger)
        ]
        self._front_end = HttpFrontEnd(
            functions,
            keys=self.keys,
            invoker=invoker,
            route_prefix=host_json.extensions.http.route_prefix,
            timers=self._timers,
        )
        self._address = address
        self._port = port
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        _LOG.info("serving %s", ", ".join(sorted(function.name for function in functions)))

    async def __aenter__(self) -> Self:
        self.url = await self._stack.enter_async_context(_serve(self._front_end.app, self._address, self._port))
        loops = [worker.run(self._stopping) for worker in self._listeners]
        loops += [worker.run(self._stopping) for worker in self._timers.values()]
        self._running = [asyncio.create_task(loop) for loop in loops]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        async with self._stack:
            await asyncio.gather(*self._running, self._front_end.finish())


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the caller of the host handles Ctrl+C."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # wider than a generator
        return nullcontext()


@asynccontextmanager
async def _serve(app: ASGIApp, address: str, port: int) -> AsyncIterator[str]:
    """Answer requests while the block runs; yields the URL. OSError if the port is taken."""
    # asyncio switches Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{address}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
