"""`python -m tests.scenario.hosting.untrue_story <lie> <snapshot>`: `make run` where one sentence of it is not true.

The story begins with an organisation in which the same command has installed the connector already: `snapshot`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum

from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.domain.records.marketing_contact import Ending
from shared.errors import TransientError
from shared.inbound.poll import Poll, PollResult
from shared.local.commands import run
from shared.local.commands.demonstration import story
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, Addresses
from shared.local.sandbox.installing import Installation
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser
from tests.programs.processes import start

_TIME_LIMIT = 6
"""Seconds for a sentence to become true."""


class Lie(StrEnum):
    """What is not as the story tells it."""

    ANOTHER_ROLE = "another role"
    POLL_FAILS = "the poll fails"
    POLL_BLOCKED = "the poll is blocked"
    ERASURE_BLOCKED = "the erasure is blocked"


def tell(lie: Lie) -> None:
    """Change the connector, or the story, in this process."""
    match lie:
        case Lie.ANOTHER_ROLE:
            run.install = _generous
        case Lie.POLL_FAILS:
            Poll.poll = _fails
        case Lie.POLL_BLOCKED:
            Poll.poll = _blocked
        case Lie.ERASURE_BLOCKED:
            SpotlerPlatform.anonymize = _kept


async def _blocked(self: Poll) -> PollResult:
    moment: datetime = await self.cursor() or self.clock.now()
    return PollResult(moment)


async def _fails(_self: Poll) -> PollResult:
    raise TransientError("Spotler is down")


async def _kept(_self: SpotlerPlatform, _external_id: str) -> tuple[Ending, int]:
    return Ending.DONE, 204


async def _generous(addresses: Addresses, _environment: Mapping[str, str]) -> Installation:
    async with DynamicsUser(addresses) as administrator:
        (user,) = (await administrator.read(f"systemusers?$filter=applicationid eq {CONNECTOR_CLIENT}"))["value"]
        (role,) = (await administrator.read("roles?$filter=name eq 'Spotler User'"))["value"]
        address = f"{addresses.dataverse_url}/api/data/v9.2/roles({role['roleid']})"
        roles = f"systemusers({user['systemuserid']})/systemuserroles_association"
        await administrator.act(f"{roles}/$ref", {"@odata.id": address})
    return Installation(1)


async def _installed(_addresses: Addresses, _environment: Mapping[str, str]) -> Installation:
    return Installation(1)


def main(lie: Lie, snapshot: str) -> int:
    """Tell the story; return its exit code."""

    def begin_installed(*options: str) -> AbstractAsyncContextManager[Addresses]:
        others = [one for one in options if one != "--bare"]
        return sandbox(*others, "--organisation", snapshot, start=start)

    run.sandbox, run.install = begin_installed, _installed
    run.play = functools.partial(story.play, time_limit=_TIME_LIMIT)
    tell(lie)
    return asyncio.run(run.run(argparse.Namespace(once=True, port=0, people=20)))


if __name__ == "__main__":
    sys.exit(main(Lie(sys.argv[1]), sys.argv[2]))
