"""`python -m shared consent export`: every change of consent as CSV, from a terminal.

Talks to the configured state store directly, with the settings of the environment; no host needs to run.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from shared.composition import app
from shared.consent.audit_ledger import COLUMNS, as_rows
from shared.domain.values.csv_text import csv_header, csv_lines
from shared.domain.values.moments import complaint_about_range
from shared.local.commands.local_settings import read_local_settings
from shared.local.commands.terminal import record


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    text = "write changes of consent as CSV, oldest first"
    exported = commands.add_parser("export", help=text, description=text)
    exported.add_argument("file", type=Path, nargs="?", help="*.csv; without it, the terminal")
    exported.add_argument("--from", dest="since", type=_moment, help="first day, such as 2026-01-31; UTC")
    exported.add_argument("--to", dest="until", type=_moment, help="first day that is not wanted any more")
    exported.add_argument("--record", type=record, help="only of this one, such as contact:6d81597f-…")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    read_local_settings()
    count, path = 0, options.file
    try:
        services = await app.services()
        if wrong := complaint_about_range(options.since, options.until, services.clock.now()):
            print(f"error: {wrong}", file=sys.stderr)
            return 1
        ledger = services.consent
        pages = ledger.export(since=options.since, until=options.until, record=options.record)
        with nullcontext(sys.stdout) if path is None else path.open("w", encoding="utf-8", newline="") as file:
            file.write(csv_header(COLUMNS))
            async for page in pages:
                file.write(csv_lines(COLUMNS, as_rows(page)))
                count += len(page)
    except OSError as error:
        print(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}", file=sys.stderr)
        return 1
    finally:
        await app.shut_down()
    print(f"{count} changes of consent", file=sys.stderr)
    return 0
