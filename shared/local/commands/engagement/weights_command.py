"""`python -m shared weights …`: the weights of engagement scores, from a terminal.

Talks to the configured services directly, with the settings of the environment; no host needs to run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.composition import app
from shared.engagement.weights.change import WeightsChange
from shared.local.commands.local_settings import read_local_settings

FINE, FOUND = 0, 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    exported = commands.add_parser("export", help="write the live file of weights, as YAML")
    exported.add_argument("file", type=Path, nargs="?", help="*.yaml; without it, the terminal")
    previewed = commands.add_parser("preview", help="show how many people's scores would move by how much")
    previewed.add_argument("file", type=Path, help="YAML")
    applied = commands.add_parser("apply", help="make a file of weights live; all scores are computed again")
    applied.add_argument("file", type=Path, help="YAML, with a version above the live one")
    applied.add_argument("--by", default="command-line", help="role or id that makes the change; not a name")
    applied.add_argument("--comment", default="", help="why")
    commands.add_parser("history", help="list every version that was applied, newest first")


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    read_local_settings()
    try:
        await _run(options, (await app.connector()).engagement.weights_change)
    except ValueError as error:
        print(f"error: {options.file} is no file of weights: {error}", file=sys.stderr)
        return FOUND
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return FOUND
    finally:
        await app.shut_down()
    return FINE


async def _run(options: argparse.Namespace, change: WeightsChange) -> None:
    match options.action:
        case "export":
            _, text = await change.text()
            if options.file is None:
                print(text, end="")
            else:
                options.file.write_text(text, encoding="utf-8")
        case "preview":
            print(json.dumps((await change.preview(options.file.read_text(encoding="utf-8"))).as_json(), indent=2))
        case "apply":
            text = options.file.read_text(encoding="utf-8")
            version = await change.apply(text, by=options.by, comment=options.comment)
            print(f"Version {version.number} is live. The connector computes all scores again.")
        case _:
            for one in await change.versions.history():
                print(f"{one.number:>6}  {one.at.isoformat(timespec='seconds')}  {one.by}  {one.comment}")
