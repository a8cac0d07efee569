"""Whatever arrives is read or refused: each reader raises its own refusal and nothing else, so nothing else is lost."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.examples import examples
from tests.programs.foreign import pypi_package
from tests.property.hostile_input.damage import damaged
from tests.property.hostile_input.readers import READERS, SAMPLES, Reader

ATHERIS = "3.0.0"
"""The newest fuzzer with files for Python 3.11 to 3.13 on Linux."""

MOST_SECONDS = 20.0
"""Of processor time. An input takes milliseconds; this finds the one that never ends."""


def _tried(reader: Reader, content: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(*reader.refusals):
        reader.read(content)
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("name", READERS)
def test_damaged_inputs_are_read_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(max_examples=examples(50), deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(reader))
    def trial(content: bytes) -> None:
        _tried(reader, content)

    trial()


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_inputs_damaged_in_very_many_ways_are_read_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(reader))
    def trial(content: bytes) -> None:
        _tried(reader, content)

    trial()


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_search_guided_by_coverage_finds_no_crash(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The seconds of each search are those of FUZZ_SECONDS (30)."""
    search = subprocess.run(
        [
            *(sys.executable, "-m", "tests.property.hostile_input.readers_under_coverage", name),
            f"-max_total_time={os.environ.get('FUZZ_SECONDS', '30')}",
        ],
        cwd=SAMPLES.parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(pypi_package("atheris", ATHERIS))},
        capture_output=True,
        check=False,
    )

    told = search.stderr.decode(errors="replace")
    assert search.returncode == 0, told[-2000:]
    (inputs,) = re.findall(r"^Done (\d+) runs", told, re.MULTILINE)
    record_property("inputs", int(inputs))
    assert int(inputs) > 0
