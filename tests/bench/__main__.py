"""`python -m tests.bench [name …]`: run benchmarks and print their figures."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable

from shared.errors import ConnectorError
from tests.bench import cold_start, from_spotler, jobs, lists, live_beside_bulk, mailings, planning, through_the_app

BENCHMARKS: dict[str, Callable[[], Awaitable[None]]] = {
    "plan": planning.plan_speed,
    "mapping": planning.mapping_speed,
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
    "mailing-memory": mailings.mailing_memory,
    "cold-start": cold_start.cold_start,
    "memory": cold_start.memory,
}
_ON_REQUEST = frozenset({"changes-50k", "lists-50k", "long-list", "mailing-20k", "mailing-memory"})
"""These take minutes."""


async def main(names: list[str]) -> int:
    """Run the named benchmarks, or all that do not take minutes."""
    names = [name.replace("_", "-") for name in names]
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    for name in names or [name for name in BENCHMARKS if name not in _ON_REQUEST]:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["LOCAL_FOLDER"] = folder
            try:
                await BENCHMARKS[name]()
            except ConnectorError as error:
                print(f"{name}: {error}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
