"""`make run` tells nothing that is not true: it waits for each sentence, and fails where one does not become true."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.installed import organisation
from tests.programs.processes import run
from tests.scenario.hosting.untrue_story import Lie

ROOT = Path(__file__).parents[3]

_RUN = """
import argparse, asyncio, functools, sys
from shared.local.commands import run
from shared.local.commands.demonstration import story

if __name__ == "__main__":
    run.play = functools.partial(story.play, time_limit=60)
    sys.exit(asyncio.run(run.run(argparse.Namespace(once=True, port=0, people=20))))
"""


async def told(folder: Path) -> tuple[int, str, str]:
    """Run the story as its users do; exit code, what it printed, and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _RUN,
        cwd=ROOT,
        env={**os.environ, "LOCAL_FOLDER": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def test_a_story_that_is_true_ends_well(tmp_path: Path) -> None:
    code, out, errors = await told(tmp_path)

    assert code == 0, errors
    assert "The connector is installed in Dynamics, and works under the role Spotler Service alone: " in out
    assert "Her permissions in Dynamics: Newsletter no, Offers yes" in out
    assert "Done: 6 changes arrived" in out
    assert "The campaign in Dynamics shows" in out
    assert "Interactions on the cards" in out


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (Lie.ANOTHER_ROLE, "works under the role Spotler Service alone"),
        (Lie.POLL_FAILS, "POST /api/poll answers 200"),
        pytest.param(Lie.POLL_BLOCKED, "a poll writes that to Dynamics", marks=pytest.mark.slow),
        pytest.param(Lie.ERASURE_BLOCKED, "Spotler has forgotten her", marks=pytest.mark.slow),
    ],
)
async def test_a_sentence_that_does_not_become_true_is_not_printed_and_ends_it(
    lie: Lie, sentence: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "LOCAL_FOLDER": str(tmp_path)}
    ended = await run([lie, str(organisation())], environment, module="tests.scenario.hosting.untrue_story")

    assert ended.code == 1
    assert sentence in ended.complaint
    assert sentence not in ended.output
    assert "Done" not in ended.output
