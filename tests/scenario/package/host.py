"""`python host.py FOLDER`: the unpacked package under the local functions host, as a process of its own.

The package has no `shared.local`: that part comes from the project, and nothing else of it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
FOLDER = Path(sys.argv[1]).resolve()
sys.path = [str(FOLDER), *(path for path in sys.path if Path(path).resolve() not in {PROJECT, Path(__file__).parent})]

import shared  # noqa: E402  # of the package

shared.__path__.append(str(PROJECT / "shared"))

from shared.errors import ConnectorError  # noqa: E402
from shared.local.commands.connector import connector_host  # noqa: E402


async def serve() -> None:
    """Serve until a signal comes."""
    stop = asyncio.Event()
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


if __name__ == "__main__":
    argparse.ArgumentParser().add_argument("folder")
    try:
        asyncio.run(serve())
    except ConnectorError as error:
        sys.exit(f"error: {error}")
