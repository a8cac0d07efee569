"""`python -m tests.bench [--keep] [name …]`: run benchmarks and print their figures."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence

from shared.errors import ConnectorError
from tests.bench import (
    cold_start,
    cost,
    from_spotler,
    jobs,
    lists,
    live_beside_bulk,
    through_the_app,
)
from tests.bench.engagement import over_twins
from tests.bench.engagement import through_the_app as mailings
from tests.bench.figures.figure import Figure, Measured, compared, keep_baseline
from tests.bench.figures.page import machine, write_part, write_plot
from tests.bench.load import ten_minutes, under_load, workers
from tests.bench.peers import contest
from tests.bench.processor import contacts, planning, scale

BENCHMARKS: dict[str, Callable[[], Awaitable[Measured | None]]] = {
    "plan": planning.plan_speed,
    "mapping": planning.mapping_speed,
    "processor": contacts.processor,
    "latency": through_the_app.latency,
    "singles": through_the_app.singles,
    "burst": through_the_app.burst,
    "table": through_the_app.table,
    "jobs": jobs.jobs,
    "beside": live_beside_bulk.live_beside_bulk,
    "changes": from_spotler.changes,
    "changes-50k": from_spotler.many_changes,
    "lists": lists.lists,
    "lists-50k": lists.lists_50k,
    "list-memory": lists.list_memory,
    "long-list": lists.long_list,
    "mailing": mailings.mailing,
    "mailing-20k": mailings.mailing_20k,
    "mailing-memory": over_twins.mailing_memory,
    "peers": contest.peers,
    "cost": cost.cost,
    "limits-model": ten_minutes.limits_model,
    "under-load": under_load.under_load,
    "under-load-tenth": under_load.under_load_tenth,
    "under-load-long": under_load.under_load_long,
    "under-load-whole": under_load.under_load_whole,
    "workers": workers.workers,
    "scale-short": scale.scale_short,
    "scale": scale.scale,
    "scale-million": scale.scale_million,
    "cold-start": cold_start.cold_start,
    "memory": cold_start.memory,
}
_ON_REQUEST = frozenset(
    {
        "changes-50k",
        "lists-50k",
        "long-list",
        "mailing-20k",
        "mailing-memory",
        "under-load-tenth",
        "under-load-long",
        "under-load-whole",
        "workers",
        "scale",
        "scale-million",
    }
)
"""These take minutes."""
_COMPARED = ("plan", "processor", "peers", "cost", "scale-short")
"""These have a baseline."""
_COMPARE = "compare"


async def measured(name: str) -> Measured:
    """Run one benchmark in a folder of its own. Raises ConnectorErrors."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOCAL_FOLDER"] = folder
        found = await BENCHMARKS[name]() or Measured()
    if found.markdown:
        print(f"{found.markdown}\n")
    return found


async def main(names: Sequence[str], *, keeps: bool) -> int:
    """Run the named benchmarks, or all that do not take minutes."""
    compares = list(names) == [_COMPARE]
    chosen = _COMPARED if compares else names or [name for name in BENCHMARKS if name not in _ON_REQUEST]
    print(f"{machine()}\n")
    figures: list[Figure] = []
    for name in chosen:
        try:
            found = await measured(name)
        except ConnectorError as error:
            print(f"{name}: {error}")
            return 1
        figures += found.figures
        if keeps and found.markdown:
            write_part(name, f"{found.markdown}\n\n`make bench ARGS={name}`; {machine()}.")
            for plot, svg in found.plots.items():
                write_plot(plot, svg)
    if keeps:
        keep_baseline(figures)
    worse = compared(figures) if compares else []
    print("\n".join(worse) if worse else "nothing is more than 20 % worse than the baseline" if compares else "")
    return 1 if worse else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"any of {', '.join(BENCHMARKS)}; or {_COMPARE}, alone"
    )
    parser.add_argument("--keep", action="store_true", help="write into docs/performance.md, and into the baseline")
    options = parser.parse_args()
    options.names = [name.replace("_", "-") for name in options.names]
    if options.names != [_COMPARE] and (unknown := set(options.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    chosen = _options()
    sys.exit(asyncio.run(main(chosen.names, keeps=chosen.keep)))
