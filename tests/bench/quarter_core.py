"""A share of one processor core for a process, as an instance of 512 MB has a quarter of one.

Where control groups can be written, the kernel enforces the share: 25 ms of processor time in each period of 100 ms.
Elsewhere the process is stopped and continued in that rhythm: it runs 25 ms of each 100 ms, whether it needs them or
waits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_PERIOD, _RUN = 0.1, 0.025
_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_MICROSECONDS = 1_000_000


@contextmanager
def quarter_core(process: int) -> Iterator[str]:
    """Limit a process while the block runs; yields how."""
    group = _group()
    if group is None:
        with _duty_cycle(process):
            yield "stopped and continued"
        return
    (group / "cgroup.procs").write_text(str(process))
    try:
        yield "control group"
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def _group() -> Path | None:
    """Make a control group with a quarter of a core; None where that is not allowed."""
    quota, period = int(_RUN * _MICROSECONDS), int(_PERIOD * _MICROSECONDS)
    for root, files in (
        (_V1, {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)}),
        (_V2, {"cpu.max": f"{quota} {period}"}),
    ):
        group = root / f"bench-{uuid4().hex[:8]}"
        try:
            group.mkdir()
            for name, text in files.items():
                (group / name).write_text(text)
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
        else:
            return group
    return None


@contextmanager
def _duty_cycle(process: int) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.is_set():
            time.sleep(_RUN)
            _send(process, signal.SIGSTOP)
            time.sleep(_PERIOD - _RUN)
            _send(process, signal.SIGCONT)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)
