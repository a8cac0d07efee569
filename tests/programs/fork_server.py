"""Starts processes of the connector and the sandbox by forking a process that has imported the product already.

A fresh interpreter takes a second of processor time to import the product, and the scenarios start hundreds. What is
forked is a process like any other: it has its own environment, can be killed, and is gone after that. One server
serves all processes of pytest.

`python -m tests.programs.fork_server <socket>` is the server. For each process a client connects, sends one line of
JSON with the arguments and the environment, and the file descriptors of its output. The server answers with the process
id, and with the exit code when the process has ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import runpy
import selectors
import signal
import socket
import sys
from typing import Any, NoReturn

from shared.domain.values.countries import country_code
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.metadata.definitions import LatestDefinitions
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from tests import certificates
from tests.installed import installed_schema, installed_settings
from tests.programs.short_clocks import Clocks, set_clocks

_LONGEST_REQUEST = 1_000_000
_MOST_FILES = 65_536
# What reads its environment while it is imported, as the triggers do for their schedules, is imported by each process.
_PRELOADED = (
    "anyio._backends._asyncio",
    "azure.functions",
    "email_validator",
    "h11",
    "httpcore",
    "phonenumbers",
    "shared.adapters.messaging.servicebus",
    "shared.adapters.storage.tables",
    "shared.adapters.workbook.files",
    "shared.composition.process",
    "shared.composition.wiring",
    "shared.console.routes",
    "shared.local.commands.bundle_command",
    "shared.local.commands.mapping_command",
    "shared.local.commands.provisioning.deploy_command",
    "shared.local.commands.provisioning.install_command",
    "shared.local.commands.provisioning.state_command",
    "shared.local.commands.serve",
    "shared.local.sandbox.command",
    "shared.operations.running.operation_table",
)


async def _forget(_message: ServiceEndpointMessage) -> None:
    """Take a message of an organisation that nobody asks anything."""


def serve(path: str) -> None:
    """Fork on request until standard input ends: then the process that started the server is gone."""
    for module in _PRELOADED:
        __import__(module)
    LatestDefinitions().of(installed_schema()).lists()
    create_app(installed_settings(), _forget)  # keeps the rows that an organisation begins with
    country_code("Oostenrijk")
    certificates.load_once()
    certificates.usual()
    certificates.load_once_for_amqp()
    gc.freeze()  # a collection in a child would copy all of this
    gc.set_threshold(100_000, 20, 50)
    selector = selectors.DefaultSelector()
    wake, woken = socket.socketpair()
    woken.setblocking(False)  # noqa: FBT003  # its signature
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    for source in (sys.stdin, wake, listener):
        selector.register(source, selectors.EVENT_READ)
    clients: dict[int, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is wake:
                wake.recv(4096)
            else:
                client, _address = listener.accept()
                child = _start(client)
                clients[child] = client
                client.sendall(f"{child}\n".encode())
        _tell_who_has_ended(clients)


def _tell_who_has_ended(clients: dict[int, socket.socket]) -> None:
    while clients:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not child:
            return
        client = clients.pop(child)
        with contextlib.suppress(OSError):  # nobody waits for it any more
            client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        client.close()


def _start(client: socket.socket) -> int:
    _, files, _flags, _address = socket.recv_fds(client, 1, 2)
    data = b""
    while not data.endswith(b"\n"):
        data += client.recv(_LONGEST_REQUEST)
    child = os.fork()
    if not child:
        _run(json.loads(data), files)
    for file in files:
        os.close(file)
    return child


def _run(request: dict[str, Any], files: list[int]) -> NoReturn:
    """Be `python -m <module> <arguments>` with this environment and output."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
    os.closerange(3, _MOST_FILES)
    os.environ.clear()
    os.environ.update(request["environment"])
    random.seed()
    set_clocks(Clocks(request["clocks"]))
    sys.argv = ["-m", *request["arguments"]]
    code = 1
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # an interpreter prints whatever ends it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]  # there is one
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
