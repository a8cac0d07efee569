"""`make run` tells nothing that is not true: it waits for each sentence, and fails where one does not become true."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.installed import organisation

ROOT = Path(__file__).parents[3]

_RUN = """
import argparse, asyncio, functools, sys
from shared.local.commands import run
from shared.local.commands.demonstration import story

{lie}

if __name__ == "__main__":
    run.play = functools.partial(story.play, time_limit={time_limit})
    sys.exit(asyncio.run(run.run(argparse.Namespace(once=True, port=0, people=20))))
"""
_NOTHING = ""
_INSTALLED_BEFORE = """
from shared.local.sandbox.installing import Installation

begin_bare = run.sandbox

def begin_installed(*options):
    return begin_bare(*(one for one in options if one != "--bare"), "--organisation", {snapshot!r})

async def install_nothing(*_):
    return Installation(1)

run.sandbox, run.install = begin_installed, install_nothing
"""
"""Begins with an organisation in which the same command has installed the connector already."""

_POLL_BLOCKED = """
from shared.inbound.poll import Poll, PollResult

async def blocked(self):
    return PollResult(await self.cursor() or self.clock.now())

Poll.poll = blocked
"""
_POLL_FAILS = """
from shared.errors import TransientError
from shared.inbound.poll import Poll

async def fails(self):
    raise TransientError("Spotler is down")

Poll.poll = fails
"""
_ERASURE_BLOCKED = """
from shared.domain.records.marketing_contact import Ending
from shared.adapters.spotler.contacts.platform import SpotlerPlatform

async def kept(self, external_id):
    return Ending.DONE, 204

SpotlerPlatform.anonymize = kept
"""
_ANOTHER_ROLE = """
from shared.local.sandbox.addresses import CONNECTOR_CLIENT
from shared.local.sandbox.users import DynamicsUser

of_the_command = run.install

async def generous(addresses, environment):
    installation = await of_the_command(addresses, environment)
    async with DynamicsUser(addresses) as administrator:
        (user,) = (await administrator.read(f"systemusers?$filter=applicationid eq {CONNECTOR_CLIENT}"))["value"]
        (role,) = (await administrator.read("roles?$filter=name eq 'Spotler User'"))["value"]
        address = f"{addresses.dataverse_url}/api/data/v9.2/roles({role['roleid']})"
        roles = f"systemusers({user['systemuserid']})/systemuserroles_association"
        await administrator.act(f"{roles}/$ref", {"@odata.id": address})
    return installation

run.install = generous
"""


async def told(lie: str, folder: Path, *, time_limit: float) -> tuple[int, str, str]:
    """Run the story in a process; exit code, what it printed, and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _RUN.format(lie=lie, time_limit=time_limit),
        cwd=ROOT,
        env={**os.environ, "LOCAL_FOLDER": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def test_a_story_that_is_true_ends_well(tmp_path: Path) -> None:
    code, out, errors = await told(_NOTHING, tmp_path, time_limit=60)

    assert code == 0, errors
    assert "The connector is installed in Dynamics, and works under the role Spotler Service alone: " in out
    assert "Her permissions in Dynamics: Newsletter no, Offers yes" in out
    assert "Done: 6 changes arrived" in out
    assert "The campaign in Dynamics shows" in out
    assert "Interactions on the cards" in out


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (_ANOTHER_ROLE, "works under the role Spotler Service alone"),
        (_POLL_FAILS, "POST /api/poll answers 200"),
        pytest.param(_POLL_BLOCKED, "a poll writes that to Dynamics", marks=pytest.mark.slow),
        pytest.param(_ERASURE_BLOCKED, "Spotler has forgotten her", marks=pytest.mark.slow),
    ],
)
async def test_a_sentence_that_does_not_become_true_is_not_printed_and_ends_it(
    lie: str, sentence: str, tmp_path: Path
) -> None:
    beginning = _INSTALLED_BEFORE.format(snapshot=str(organisation()))
    code, out, errors = await told(beginning + lie, tmp_path, time_limit=6)

    assert code == 1
    assert sentence in errors
    assert sentence not in out
    assert "Done" not in out
