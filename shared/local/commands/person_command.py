"""`python -m shared export` and `forget`: what the connector remembers of one person, from a terminal (GDPR 15, 17).

Both talk to the configured services directly, with the settings of the environment; no host needs to run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.composition import app
from shared.domain.records.records import RecordKey
from shared.domain.values.values import is_email
from shared.local.commands.connector import ROOT
from shared.local.commands.run import read_local_settings
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
    parser.add_argument("record", type=_record, help="table and id of the row, such as contact:6d81597f-…")
    parser.add_argument("--email", type=_email, default="", help="an address that the record does not have any more")


def _record(text: str) -> RecordKey:
    try:
        return RecordKey.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no record: write its table and id, contact:6d81597f-…") from None


def _email(text: str) -> str:
    if text and not is_email(text.strip()):  # argparse reads the default, too
        raise argparse.ArgumentTypeError("the e-mail address is not valid")
    return text.strip()


async def export(options: argparse.Namespace) -> int:
    """Write everything that is remembered as JSON, and return the exit code."""
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
    """Forget a record, say what was done, and return the exit code."""
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
    read_local_settings(ROOT / "local.settings.json")
    return (await app.administration()).person_data
