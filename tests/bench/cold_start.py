"""What a new instance costs before its first message: the import of the function app from its package."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from shared.deployment.package import build_package

_ROOT = Path(__file__).parents[2]
_QUARTER = 4
"""An instance of 512 MB has a quarter of a core."""

_CODE = """
import resource, time
begin = time.perf_counter(), time.process_time()
import function_app
count = len(function_app.app.get_functions())
own = time.process_time() - begin[1]
print(time.perf_counter() - begin[0], own, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count)
"""


async def cold_start() -> None:
    """Import the unpacked package five times, with and without byte code; print the best time and the memory."""
    runtime = f"{sys.version_info.major}.{sys.version_info.minor}"
    for label, version in (("with byte code", runtime), ("without byte code", "none")):
        with tempfile.TemporaryDirectory() as folder:
            package = await asyncio.to_thread(build_package, _ROOT, Path(folder) / "app.zip", runtime=version)
            stage = Path(folder) / "app"
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(stage)
            seconds, own, memory, count = min([await _imported(stage) for _ in range(5)])
        share = f"{own:.2f} s of processor, {own * _QUARTER:.1f} s on a quarter of a core"
        size = f"{memory:.0f} MB, {count:.0f} functions, package of {package.files} files"
        print(f"cold start {label}: {seconds:.2f} s, {share}; {size}")


async def _imported(stage: Path) -> tuple[float, ...]:
    """Return seconds, seconds of the processor, megabytes, and the number of functions."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-B", "-c", _CODE, cwd=stage, env={**os.environ, "PYTHONPATH": str(stage)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return tuple(float(word) for word in output.split())
