"""`python -m tests.chaos [--short] [--keep] [name …]`: the long versions, and their figures as a table in Markdown."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from shared.local.commands.local_settings import ROOT
from tests.chaos.backlog import backlog
from tests.chaos.figures import Figures, merged, table
from tests.chaos.hours import Down, an_hour_without
from tests.chaos.ordeal import LONG, SHORT, Size, open_ordeal
from tests.chaos.scenarios import SCENARIOS

_PAGE = ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- make chaos: begin -->", "<!-- make chaos: end -->"
_BACKLOG, _HOURS = "backlog", "hours"


async def figures(size: Size, names: list[str], folder: Path) -> AsyncIterator[Figures]:
    """Yield the figures of the named scenarios, or of all."""
    if not names or _HOURS in names:
        for down in Down:
            yield await an_hour_without(down, 1_200 if size is LONG else 120)
    chosen = [one for one in SCENARIOS if not names or one.__name__ in names]
    if chosen:
        async with open_ordeal(folder / "world", size) as ordeal:
            for scenario in chosen:
                yield await scenario(ordeal)
    if not names or _BACKLOG in names:
        yield await backlog(folder / "backlog", 100_000 if size is LONG else 600)


async def main(options: argparse.Namespace) -> int:
    """Run, print, and keep."""
    logging.disable(logging.CRITICAL)  # of twins in this process; the connector's own log is a file
    size = SHORT if options.short else LONG
    rows: list[Figures] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async for row in figures(size, options.names, Path(folder)):
            print(f"{time.monotonic() - began:7.1f} s  {row}", file=sys.stderr, flush=True)
            rows.append(row)
    text = f"{table(rows)}\n\nPython {platform.python_version()}, {os.cpu_count()} cores."
    print(text)
    if options.keep:
        before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
        old, _, after = rest.partition(_END)
        text = merged(old, text)
        _PAGE.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    names = [_HOURS, *(one.__name__ for one in SCENARIOS), _BACKLOG]
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(names)}; all without a name")
    parser.add_argument("--short", action="store_true", help="as short as in `make test`")
    parser.add_argument("--keep", action="store_true", help="write the table into docs/reliability.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no scenario is called {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_options())))
