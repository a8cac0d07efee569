"""What a new instance costs: the import of the function app from its package, and the memory after its first work."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import zipfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from shared.deployment.package import build_package
from tests.bench.quarter_core import quarter_core
from tests.bench.through_the_app import bench, settled

_ROOT = Path(__file__).parents[2]
_ATTEMPTS = 5
_PEOPLE = 1_000

_CODE = """
import sys
sys.stdin.readline()  # until the limit is set
import resource, time
begin = time.perf_counter(), time.process_time()
import function_app
count = len(function_app.app.get_functions())
own = time.process_time() - begin[1]
print(time.perf_counter() - begin[0], own, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count)
"""


@dataclass(frozen=True, order=True)
class Start:
    """One import: seconds, seconds of the processor, most memory in megabytes, functions, and how it was limited."""

    seconds: float
    processor: float
    megabytes: float
    functions: float
    limit: str


async def cold_start() -> None:
    """Import the unpacked package five times, with and without byte code; print the best time and the memory."""
    runtime = f"{sys.version_info.major}.{sys.version_info.minor}"
    for label, version in (("with byte code", runtime), ("without byte code", "none")):
        with tempfile.TemporaryDirectory() as folder:
            package = await asyncio.to_thread(build_package, _ROOT, Path(folder) / "app.zip", runtime=version)
            stage = Path(folder) / "app"
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(stage)
            full = min([await _imported(stage, is_limited=False) for _ in range(_ATTEMPTS)])
            quarter = min([await _imported(stage, is_limited=True) for _ in range(_ATTEMPTS)])
        print(
            f"cold start {label}: {full.seconds:.2f} s on a core ({full.processor:.2f} s of processor), "
            f"{quarter.seconds:.2f} s on a quarter of one ({quarter.limit}); {full.megabytes:.0f} MB, "
            f"{full.functions:.0f} functions, package of {package.files} files"
        )


async def memory() -> None:
    """Print the most memory of this process, with the connector and its host in it, before and after some saves."""
    async with bench() as running:
        before = most_memory()
        for begin in range(0, _PEOPLE, 20):
            rows = [
                {"lastname": "Bench", "emailaddress1": f"memory{number}@example.com"}
                for number in range(begin, begin + 20)
            ]
            await asyncio.gather(*(running.dynamics.create("contacts", row) for row in rows))
        await settled()
        print(f"memory   before {before:.0f} MB, after {_PEOPLE} contacts {most_memory():.0f} MB (host included)")


def most_memory() -> float:
    """Return the most megabytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _imported(stage: Path, *, is_limited: bool) -> Start:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-B", "-c", _CODE, cwd=stage, env={**os.environ, "PYTHONPATH": str(stage)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    with quarter_core(process.pid) if is_limited else nullcontext("no limit") as limit:
        output, _ = await process.communicate(b"\n")
    seconds, processor, megabytes, functions = (float(word) for word in output.split())
    return Start(seconds, processor, megabytes, functions, limit)
