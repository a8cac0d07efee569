"""`python -m shared run`: the connector on this machine, with the sandbox where no account is configured."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack

from shared.composition.settings import load_settings
from shared.local.commands.connector import connector_host
from shared.local.commands.demonstration.mailing_story import play_mailing
from shared.local.commands.demonstration.story import UntrueError, play
from shared.local.commands.local_settings import read_local_settings
from shared.local.commands.serve import console_link
from shared.local.functions_host.host import DEFAULT_PORT
from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.installing import Installation, bring_in_rows, install
from shared.local.sandbox.people import people
from shared.local.sandbox.process import sandbox

_SEED = 1
"""The people of the story are the same each time."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--once", action="store_true", help="tell the story and end")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the HTTP functions (0: a free one)")
    parser.add_argument("--people", type=int, default=300, help="how many people the sandbox begins with")


async def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, or until the story ends; return the exit code: 1 if a sentence was not true."""
    read_local_settings()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        addresses, installation = await _sandbox_if_needed(stack, options)
        host = await stack.enter_async_context(connector_host(port=0 if options.once else options.port))
        _introduce(addresses, host.url)
        if addresses is not None and installation is not None:
            try:
                await play(addresses, host, installation)
                await play_mailing(addresses, host)
            except UntrueError as untrue:
                print(f"\nerror: {untrue}", file=sys.stderr, flush=True)
                return 1
        if options.once:
            return 0
        print(f"\nServing. Health: {host.url}/api/health?code={host.keys.default}   Ctrl+C stops.", flush=True)
        print(f"Console, once: {console_link(host.url)}", flush=True)
        await stop.wait()
    return 0


async def _sandbox_if_needed(
    stack: AsyncExitStack, options: argparse.Namespace
) -> tuple[Addresses | None, Installation | None]:
    """Start the sandbox for what is not configured; return its addresses if both sides are simulated."""
    settings = load_settings()
    needed = {"DATAVERSE_URL": settings.dataverse_url, "SPOTLER_KEY": settings.spotler_key}
    missing = [name for name, value in needed.items() if not value]
    if not missing:
        return None, None
    if not settings.uses_azure_tables and not settings.uses_service_bus:
        # The sandbox keeps nothing when it stops: delete the connector's state, too. Runs may be concurrent.
        folder = settings.local_folder / f"sandbox-{os.getpid()}"
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ["LOCAL_FOLDER"] = str(folder)
    addresses = await stack.enter_async_context(sandbox("--bare", "--people", "0"))
    for name, value in addresses.as_environment().items():
        if any(name.startswith(absent.partition("_")[0]) for absent in missing):
            os.environ[name] = value
    installation = None
    if "DATAVERSE_URL" in missing:
        print("Installing into a new organisation: python -m shared install …", flush=True)
        installation = await install(addresses, os.environ)
        await bring_in_rows(addresses, list(people(options.people, _SEED)))
    return (addresses if len(missing) == len(needed) else None), installation


def _introduce(addresses: Addresses | None, url: str) -> None:
    print("The connector runs at", url)
    if addresses is not None:
        print(f"Sandbox: Dataverse {addresses.dataverse_url}, Spotler {addresses.spotler_url}")
    else:
        settings = load_settings()
        print(f"Dataverse {settings.dataverse_url}, Spotler {settings.spotler_url}")
