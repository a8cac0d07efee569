"""`python -m shared state export|import FILE`: backs the state store up, and restores it.

Talks to the store that the settings of the environment name, with the rights of whoever signed in with `az login`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.adapters.storage.archive import export_state, import_state
from shared.composition.connections import SystemClock, quieten_libraries, state_store
from shared.composition.settings import load_settings
from shared.errors import ConfigurationError
from shared.local.commands.local_settings import read_local_settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    for name, text in (
        ("export", "write the whole state store to a file"),
        ("import", "bring such a file into an empty state store"),
    ):
        commands.add_parser(name, help=text, description=text).add_argument("file", type=Path, help="*.jsonl")


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    read_local_settings()
    settings = load_settings()
    quieten_libraries()
    store = state_store(settings, SystemClock())
    try:
        if options.action == "export":
            print(f"{await export_state(store, options.file)} documents were written to {options.file}.")
        else:
            print(f"{await import_state(store, options.file)} documents are in the state store now.")
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from None
    finally:
        await store.close()
    return 0
