"""`python -m shared visits FILE`: brings visits to a website from a file, of any length, to the people who came.

Talks to the configured services directly, with the settings of the environment; no host needs to run.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from shared.composition import app
from shared.local.commands.local_settings import read_local_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.engagement.service import Engagement
    from shared.engagement.website_visits import WebsiteVisit
    from shared.triggers.routes.engagement.visit_reports import VisitReports

FINE, FOUND = 0, 1
_TOGETHER = 1_000
_MOST_NAMED = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", type=Path, help="*.csv with one line for each page; else JSON, or an object in each line"
    )


async def run(options: argparse.Namespace) -> int:
    """Keep the visits of a file, and return the exit code. An interrupted import may be repeated."""
    from shared.triggers.routes.engagement.visit_reports import (  # noqa: PLC0415  # the functions SDK; no other command needs it
        items_of_csv,
        items_of_json,
        read_reports,
    )

    read_local_settings()
    try:
        text = options.file.read_text(encoding="utf-8-sig")
        items = items_of_csv(text) if options.file.suffix.lower() == ".csv" else items_of_json(text)
        engagement, now = (await app.connector()).engagement, (await app.services()).clock.now()
        if not engagement.policy.is_on:
            print("error: visits are not kept: ENGAGEMENT or SYNC_ENABLED is false", file=sys.stderr)
            return FOUND
        if await app.is_shadow():
            print("error: the connector is in shadow mode, and writes nothing: go live first", file=sys.stderr)
            return FOUND
        return await keep_reports(engagement, read_reports(items, now))
    except UnicodeDecodeError:
        print(f"error: {options.file} is no UTF-8: save it as CSV UTF-8", file=sys.stderr)
        return FOUND
    except ValueError as error:
        print(f"error: {options.file} cannot be read: {error}", file=sys.stderr)
        return FOUND
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return FOUND
    finally:
        await app.shut_down()


async def keep_reports(engagement: Engagement, reports: VisitReports) -> int:
    """Keep visits in portions, print counts and rejected lines, and return the exit code."""
    await engagement.weights.refresh()
    kept, without_record = 0, 0
    lines = [f"line {one.line}: {one.field}: {one.reason}" for one in reports.rejected]
    for portion in _portions([visit for _, visit in reports.visits.values()]):
        found = await engagement.visits.keep(portion)
        kept, without_record = kept + found.kept, without_record + found.without_record
        lines += [f"line {reports.visits[one][0]}: Dataverse refuses it: {code}" for one, code in found.refused.items()]
    print(
        f"{kept:,} visits are kept; {without_record:,} were of people without a record; {len(lines):,} were rejected."
    )
    for line in lines[:_MOST_NAMED]:
        print(f"  {line}")
    if len(lines) > _MOST_NAMED:
        print(f"  and {len(lines) - _MOST_NAMED:,} more")
    return FOUND if lines else FINE


def _portions(visits: Sequence[WebsiteVisit]) -> Iterator[list[WebsiteVisit]]:
    waiting = iter(visits)
    while portion := list(islice(waiting, _TOGETHER)):
        yield portion
