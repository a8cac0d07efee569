"""`python host.py FOLDER`: the unpacked package under the local functions host, as a process of its own.

With `--each` it reads environments from its input, as JSON by name, and tries to start once in each: a fork saves the
imports. It prints by name whether it started, and what it said.

The package has no `shared.local`: that part comes from the project, and nothing else of it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).parents[3]
FOLDER = Path(sys.argv[1]).resolve()
sys.path = [str(FOLDER), *(path for path in sys.path if Path(path).resolve() not in {PROJECT, Path(__file__).parent})]

import shared  # noqa: E402  # of the package

shared.__path__.append(str(PROJECT / "shared"))

from shared.errors import ConnectorError  # noqa: E402
from shared.local.commands.connector import connector_host  # noqa: E402


async def serve(stop: asyncio.Event) -> None:
    """Serve until a signal comes."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with connector_host(port=0, root=FOLDER) as host:
        told = {"url": host.url, "key": host.keys.default, "foreign": foreign()}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        await stop.wait()


def foreign() -> list[str]:
    """Name the modules of the product that do not come from the package."""
    loaded = {name: getattr(one, "__file__", "") or "" for name, one in sys.modules.items()}
    return [
        name
        for name, file in loaded.items()
        if name.startswith("shared.") and not name.startswith("shared.local") and not file.startswith(str(FOLDER))
    ]


def start(*, and_stop: bool = False) -> None:
    """Serve, or end with what keeps the app from it."""
    stop = asyncio.Event()
    if and_stop:
        stop.set()
    try:
        asyncio.run(serve(stop))
    except ConnectorError as error:
        sys.exit(f"error: {error}")


def started(environment: Mapping[str, str]) -> tuple[bool, str]:
    """Start a fork of this process in an environment; return whether it did, and what it said."""
    read, write = os.pipe()
    if not (child := os.fork()):
        os.dup2(write, sys.stdout.fileno())
        os.dup2(write, sys.stderr.fileno())
        os.environ.clear()
        os.environ.update(environment)
        start(and_stop=True)
        sys.exit()
    os.close(write)
    with os.fdopen(read) as output:
        said = output.read()
    _, status = os.waitpid(child, 0)
    return status == 0, said


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--each", action="store_true")
    if parser.parse_args().each:
        import_module("shared.composition.process")  # what each fork would import
        sys.stdout.write(json.dumps({name: started(one) for name, one in json.load(sys.stdin).items()}))
    else:
        start()
