"""Starts `python -m shared …` as a process of its own, by forking (`fork_server`)."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.programs.short_clocks import Clocks

ROOT = Path(__file__).resolve().parents[2]
_STDERR = 2
_SOCKET = "FORK_SERVER"
_WORKERS = "FORK_WORKERS"
FORKED_PYTHON = f"{shlex.quote(sys.executable)} -m tests.programs.forked_python"
"""What xdist starts as its interpreter, where `serve_workers` was called."""

_LONGEST_START = 300
"""Seconds: the first server of a state of the product has the connector installed in an organisation."""


@dataclass
class Process:
    """A process that runs or has ended, as `asyncio.subprocess.Process` shows it."""

    pid: int
    stdout: asyncio.StreamReader
    _end: asyncio.Task[int] = field(repr=False)

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._end.result() if self._end.done() else None

    async def wait(self) -> int:
        """Wait for its end."""
        return await asyncio.shield(self._end)

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if not self._end.done():
            os.kill(self.pid, number)


async def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    errors: int = _STDERR,
    clocks: Clocks = Clocks.SHORT,
    module: str = "shared",
) -> Process:
    """Start `python -m <module>` with arguments; `errors` is the file descriptor for what it complains of."""
    client = await _connected()
    read, write = os.pipe()
    request = {"module": module, "arguments": arguments, "environment": dict(environment), "clocks": clocks}
    try:
        socket.send_fds(client, [b"\0"], [write, errors])
        client.sendall(json.dumps(request).encode() + b"\n")
    finally:
        os.close(write)
    reader, writer = await asyncio.open_unix_connection(sock=client)
    pid = int(await reader.readline())
    output = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read, "rb")
    )

    async def end() -> int:
        code = int(await reader.readline())
        writer.close()
        return code

    return Process(pid, output, asyncio.create_task(end()))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, what it printed, and what it complained of."""

    code: int
    output: str
    complaint: str


async def run(arguments: Sequence[str], environment: Mapping[str, str], module: str = "shared") -> Ended:
    """Run `python -m <module>`, with the real clocks, and wait for its end."""
    with tempfile.TemporaryFile() as complaint:
        process = await start(arguments, environment, complaint.fileno(), Clocks.REAL, module)
        output = await process.stdout.read()
        code = await process.wait()
        complaint.seek(0)
        return Ended(code, output.decode(), complaint.read().decode())


def serve_all() -> Callable[[], None]:
    """Start one server for this process and those that it starts; return what stops it."""
    stop, path = _start_server()
    os.environ[_SOCKET] = path
    return stop


def serve_workers(arguments: Sequence[str]) -> Callable[[], None]:
    """Start the server of the processes of xdist, which collects what pytest was asked for; return what stops it."""
    stop, path = _start_server(*arguments)
    os.environ[_WORKERS] = path
    return stop


@cache
def _server() -> str:
    """Return the path of the server's socket; a process that nobody gave one starts its own."""
    if path := os.environ.get(_SOCKET):
        return path
    stop, path = _start_server()
    atexit.register(stop)
    return path


def _start_server(*arguments: str) -> tuple[Callable[[], None], str]:
    folder = tempfile.TemporaryDirectory(prefix="fork-")
    path = str(Path(folder.name) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.programs.fork_server", path, *arguments], cwd=ROOT, stdin=subprocess.PIPE
    )

    def stop() -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
        folder.cleanup()

    return stop, path


async def _connected() -> socket.socket:
    """Connect to the server, which takes some seconds to start. TimeoutError if it does not."""
    async with asyncio.timeout(_LONGEST_START):
        while True:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(_server())
            except (FileNotFoundError, ConnectionRefusedError):
                client.close()
                await asyncio.sleep(0.1)
            else:
                return client
