"""Stands in for the interpreter of a process of xdist: it is forked from a process that has collected the tests.

xdist starts `<python> -u -c <code>` and talks to it by standard input and output. This module hands these files and the
code to the fork server of `FORK_WORKERS`, and ends as the forked process does. It imports little: it is run by each
process.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

_STANDARD_FILES = (0, 1, 2)


def main() -> int:
    """Run the code of the command line in a forked process; return its exit code."""
    with _connected(os.environ["FORK_WORKERS"]) as server:
        socket.send_fds(server, [b"\0"], list(_STANDARD_FILES))
        request = {"code": sys.argv[-1], "environment": dict(os.environ)}
        server.sendall(json.dumps(request).encode() + b"\n")
        for file in _STANDARD_FILES:
            os.close(file)
        with server.makefile() as answers:
            _process_id, code = answers
    return int(code)


def _connected(path: str) -> socket.socket:
    """Connect to the server, which collects first."""
    while True:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            server.close()
            time.sleep(0.1)
        else:
            return server


if __name__ == "__main__":
    os._exit(main())  # whose output is closed
