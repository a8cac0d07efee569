"""`python -m shared host`: the connector alone, with the settings of the environment, as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal

from shared.console.access.sessions import LINK_TOKEN
from shared.local.commands.connector import connector_host
from shared.local.functions_host.host import DEFAULT_PORT


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the HTTP functions (0: a free one)")
    parser.add_argument("--json", action="store_true", help="print address and keys as one line of JSON")


async def run(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with connector_host(port=options.port) as host:
        if options.json:
            keys = {"key": host.keys.default, "master": host.keys.master}
            print(json.dumps({"url": host.url, **keys, "console": console_link(host.url)}), flush=True)
        else:
            print(f"Serving. Health: {host.url}/api/health?code={host.keys.default}   Ctrl+C stops.", flush=True)
        await stop.wait()


def console_link(url: str) -> str:
    """Make the token of this process, and return the link that opens the console once."""
    token = os.environ.setdefault(LINK_TOKEN, secrets.token_urlsafe(24))
    return f"{url}/console/sign-in?token={token}"
