"""`python -m shared export` and `forget`: the stored data of one person, from a terminal (GDPR 15, 17).

Both talk to the configured services directly, with the settings of the environment; no host needs to run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.composition import app
from shared.domain.values.values import is_email
from shared.local.commands.local_settings import read_local_settings
from shared.local.commands.terminal import record
from shared.privacy.person_data import PersonData


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `export`."""
    _add_person(parser)
    parser.add_argument("file", type=Path, nargs="?", help="*.json; without it, the terminal")


def add_forget_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `forget`."""
    _add_person(parser)
    parser.add_argument(
        "--although-synchronised",
        action="store_true",
        help="forget a record that Spotler still has; its next save makes the connector remember it anew",
    )


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=record, help="table and id of the row, such as contact:6d81597f-…")
    parser.add_argument("--email", type=_email, default="", help="an address that the record does not have any more")


def _email(text: str) -> str:
    if text and not is_email(text.strip()):  # argparse parses the default, too
        raise argparse.ArgumentTypeError("the e-mail address is not valid")
    return text.strip()


async def export(options: argparse.Namespace) -> int:
    """Write all stored data of a record as JSON, and return the exit code."""
    try:
        answer = await (await _memory()).export(options.record, options.email)
    finally:
        await app.shut_down()
    text = json.dumps(answer, indent=2, default=str)
    if options.file is None:
        print(text)
        return 0
    try:
        options.file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


async def forget(options: argparse.Namespace) -> int:
    """Delete the stored data of a record, print a summary, and return the exit code."""
    try:
        memory = await _memory()
        done = await memory.forget(options.record, options.email, although_synchronised=options.although_synchronised)
    finally:
        await app.shut_down()
    print(json.dumps({"record": str(options.record), **done.as_json()}, indent=2))
    if done.is_in_dataverse:
        print("The record is still in Dataverse: its next save makes the connector remember it anew.", file=sys.stderr)
    return 0


async def _memory() -> PersonData:
    read_local_settings()
    return (await app.administration()).person_data
