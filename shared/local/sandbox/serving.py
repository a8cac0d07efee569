"""Serves ASGI apps over real HTTP: in the running event loop, or in a thread for synchronous clients.

The scope of an app contains the extension `sandbox.reset`: a callable that breaks the connection off without an
answer, as a failing network does. ASGI itself defines no such event.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.local.sandbox.certificate import Certificate

RESET_EXTENSION = "sandbox.reset"
GRACE_SECONDS = 1
_KEEP_ALIVE_SECONDS = 30
"""Longer than clients keep idle connections (httpx: 5 s): the side that closes first must not be the server."""

BACKLOG = 512
LINGER_AND_DROP = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server."""

    host: str
    port: int
    scheme: str

    @property
    def url(self) -> str:
        """Without a trailing slash: `http://127.0.0.1:8080`."""
        return f"{self.scheme}://{self.host}:{self.port}"


@asynccontextmanager
async def serve(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, tls: Certificate | None = None
) -> AsyncIterator[Address]:
    """Answer requests while the block runs; port 0 takes a free one. OSError if the port is taken."""
    listener, address = _listen(host, port, tls)
    server = _Server(_configuration(app, tls))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        # The listener queues requests from the start; a failure to start is raised when the task is awaited.
        yield address
    finally:
        server.should_exit = True
        await running


@contextmanager
def serve_in_thread(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, tls: Certificate | None = None
) -> Iterator[Address]:
    """Serve like `serve`, with an event loop in a thread, so that the caller may block."""
    listener, address = _listen(host, port, tls)
    server = _Server(_configuration(app, tls))
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name=f"serve-{address.port}", daemon=True
    )
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()


def _dated(app: ASGIApp) -> ASGIApp:
    """Add a `Date` to answers, unless the app has set it from a clock of its own (uvicorn would add a second one)."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"date" for name, _ in headers):
                    headers.append((b"date", format_datetime(datetime.now(UTC), usegmt=True).encode("ascii")))
                message["headers"] = headers
            await send(message)

        await app(scope, receive, dated)

    return wrapped


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the caller handles Ctrl+C."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # wider than a generator
        return nullcontext()


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 with the extension that breaks connections off."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {RESET_EXTENSION: self._reset}
        self.scope["extensions"] = extensions

    def shutdown(self) -> None:
        super().shutdown()
        if self.scheme == "https" and self.transport.is_closing():
            # An idle TLS client need not answer `close_notify`, and asyncio would wait for it.
            self.transport.abort()

    def _reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_AND_DROP)
        self.transport.abort()


def _listen(host: str, port: int, tls: Certificate | None) -> tuple[socket.socket, Address]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    chosen: int = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    return listener, Address(host=name, port=chosen, scheme="https" if tls else "http")


def _configuration(app: ASGIApp, tls: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        _dated(app),
        http=_Protocol,
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        ssl_certfile=tls.chain if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
