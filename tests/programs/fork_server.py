"""Starts processes by forking one that has imported already what they need.

What is forked is a process like any other: it has its own environment, can be killed, and is gone after that. Two
servers serve a run of all tests:

- `python -m tests.programs.fork_server <socket>` has imported the product, and forks the connector and the sandbox
  (`processes`). A fresh interpreter takes a second of processor time for that, and the scenarios start hundreds.
- `python -m tests.programs.fork_server <socket> <arguments of pytest>` has collected the tests as well, and forks the
  processes of xdist (`forked_python`). Each of these would import all modules of tests again.

For each process a client connects and sends the file descriptors of its output (and input). One line of JSON follows,
with the environment and with what is to run. The server answers with the process id, and with the exit code when the
process has ended.
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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_LONGEST_REQUEST = 1_000_000
_MOST_FILES = 65_536
_STANDARD_FILES = 3


def _collect(arguments: Sequence[str]) -> None:
    """Import the modules of tests as pytest does; a process of xdist tells what cannot be collected."""
    import pytest  # noqa: PLC0415  # the other server has no use for it

    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        pytest.main(["--collect-only", "-qq", *arguments])


def _import_product() -> None:
    from tests.programs.preloaded import import_product  # noqa: PLC0415  # pytest rewrites what it imports itself

    import_product()


def serve(path: str, prepare: Callable[[], None]) -> None:
    """Fork on request until standard input ends: then the process that started the server is gone."""
    prepare()
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
    _, files, _flags, _address = socket.recv_fds(client, 1, _STANDARD_FILES)
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
    """Be `python -m <module> <arguments>`, or `python -c <code>`, with this environment, input and output."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files, start=_STANDARD_FILES - len(files)):
        os.dup2(file, number)
    os.closerange(3, _MOST_FILES)
    os.environ.clear()
    os.environ.update(request["environment"])
    random.seed()
    code = 1
    try:
        if "code" in request:
            _run_code(request["code"])
        else:
            _run_module(request["module"], request["arguments"], request["clocks"])
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


def _run_module(module: str, arguments: Sequence[str], clocks: str) -> None:
    from tests.programs.short_clocks import Clocks, set_clocks  # noqa: PLC0415  # as above

    set_clocks(Clocks(clocks))
    sys.argv = ["-m", *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _run_code(code: str) -> None:
    sys.argv = ["-c"]
    sys.modules["__main__"] = ModuleType("__main__")
    exec(code, vars(sys.modules["__main__"]))  # as `python -c` does


if __name__ == "__main__":
    _socket, *of_pytest = sys.argv[1:]
    serve(_socket, partial(_collect, of_pytest) if of_pytest else _import_product)
