"""`python -m shared state export|import|recover|spread`: backup and restore of the state store, and its partitions.

Talks to the store that the settings of the environment name, with the rights of whoever signed in with `az login`.
`recover` also reads Dataverse and Spotler, and writes to neither.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from shared.adapters.storage.archive import export_state, import_state
from shared.administration.mode import restored
from shared.composition import app
from shared.composition.connections import SystemClock, quieten_libraries, state_store
from shared.composition.former_state import former_state
from shared.composition.settings import Settings, load_settings
from shared.errors import ConfigurationError
from shared.local.commands.local_settings import read_local_settings
from shared.ports.state import Put, StateStore

_BINDINGS = "-binding"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    for name, text in (
        ("export", "write the whole state store to a file"),
        ("import", "bring such a file into an empty state store, which begins in shadow mode"),
    ):
        commands.add_parser(name, help=text, description=text).add_argument("file", type=Path, help="*.jsonl")
    text = "while the app is stopped: spread a table that an early release has filled over more partitions"
    commands.add_parser("spread", help=text, description=text)
    text = "after an import: enter refusals since the backup, before anything is written"
    recover = commands.add_parser("recover", help=text, description=text)
    recover.add_argument("--from", dest="former", metavar="TABLE", help="the table that was replaced, if it is whole")


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    read_local_settings()
    settings = load_settings()
    quieten_libraries()
    if options.action == "recover":
        return await _recover(settings, options.former)
    clock = SystemClock()
    store = state_store(settings, clock)
    try:
        if options.action == "spread":
            print(f"{await _spread(store)} documents were moved. New tables need no spread.")
        elif options.action == "export":
            print(f"{await export_state(store, options.file)} documents were written to {options.file}.")
        else:
            now = clock.now()
            count = await import_state(store, options.file, lambda found: _beginnings(found, settings, now))
            print(f"{count} documents are in the state store now. It begins in shadow mode: nothing is written.")
            print("Next: python -m shared state recover, then go live in the console (Mode).")
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from None
    finally:
        await store.close()
    return 0


async def _spread(store: StateStore) -> int:
    from shared.adapters.storage.tables import TableStateStore  # noqa: PLC0415  # its library is large

    if not isinstance(store, TableStateStore):
        raise ConfigurationError("The state store is a file of SQLite, which needs no spread: set STATE_STORAGE")
    return await store.spread()


def _beginnings(partitions: Collection[str], settings: Settings, at: datetime) -> Sequence[Put]:
    """Let every environment of a backup begin in shadow mode: nothing may be written with what it has forgotten."""
    names = {one.removesuffix(_BINDINGS) for one in partitions if one.endswith(_BINDINGS)} | {settings.environment}
    return [restored(name, at) for name in sorted(names)]


async def _recover(settings: Settings, table: str | None) -> int:
    """Enter forgotten refusals in the restored state. ConfigurationError while the app may write."""
    try:
        services = await app.services()
        if not await app.is_shadow():
            raise ConfigurationError(
                "The connector is live: recover before it writes. After an import it is in shadow mode; otherwise "
                "choose that in the console (Mode) first"
            )
        async with former_state(settings, table, services.clock) as former:
            found = await (await app.administration()).refusal_recovery.recover(former)
        await services.modes.recovered()
    finally:
        await app.shut_down()
    print(
        f"Refusals hold at addresses: {found.columns} of columns of records, {found.former} of the former state, "
        f"{found.erased} without a contact, which perhaps nobody asked for: an administrator lifts single ones "
        "(POST /api/suppressions/lift). Next: go live in the console (Mode), which compares every record."
    )
    return 0
