"""The second part of `make run`: a mailing goes out, people and scanners act, and its numbers arrive in Dynamics."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from shared.local.commands.demonstration.story import TIME_LIMIT, UntrueError
from shared.local.functions_host.host import FunctionsHost
from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.users import DynamicsUser, SpotlerUser

_HALF_MINUTES = 0.1
"""Half of the acts happen within six seconds: a demonstration has no days."""

_READINGS, _BETWEEN = 3, 4.5
_NUMBERS = {"sent": "dh_sentcount", "opened": "dh_opencount", "clicked": "dh_clickcount", "bounced": "dh_bouncecount"}
_LABEL = "OData.Community.Display.V1.FormattedValue"


async def play_mailing(addresses: Addresses, host: FunctionsHost, *, time_limit: float = TIME_LIMIT) -> None:
    """Send a mailing, read it three times, and print what Dynamics shows. UntrueError if that does not fit."""
    async with DynamicsUser(addresses) as dynamics, SpotlerUser(addresses) as spotler:
        name = "Spring offers"
        await spotler.post("mailing", {"name": name, "subject": "Spring is here", "halfMinutes": _HALF_MINUTES})
        print(f"\nA mailing goes out: {name!r}. People open and click, and scanners click before them.\n")
        for _ in range(_READINGS - 1):
            await _shown(dynamics, host, name, time_limit)
        await _compare(dynamics, await _shown(dynamics, host, name, time_limit))


async def _shown(dynamics: DynamicsUser, host: FunctionsHost, name: str, time_limit: float) -> Mapping[str, Any]:
    """Let people act for a while, read, and print and return the campaign."""
    await asyncio.sleep(_BETWEEN)
    begin = time.perf_counter()
    await _read(host, time_limit)
    campaign = await _campaign(dynamics, name)
    numbers = ", ".join(f"{campaign[column]} {word}" for word, column in _NUMBERS.items())
    print(f"{(time.perf_counter() - begin) * 1000:6.0f} ms  The campaign in Dynamics shows {numbers}")
    return campaign


async def _read(host: FunctionsHost, time_limit: float) -> None:
    async with httpx.AsyncClient(base_url=host.url, timeout=time_limit) as http:
        answer = await http.post("/api/engagement", json={}, headers={"x-functions-key": host.keys.default})
    _must(f"POST /api/engagement answers 200: {answer.text}", answer.status_code == HTTPStatus.OK)


async def _campaign(dynamics: DynamicsUser, name: str) -> Mapping[str, Any]:
    columns = ",".join(("name", "campaignid", "dh_openrate", *_NUMBERS.values()))
    found = await dynamics.read(f"campaigns?$select={columns}&$filter=name eq '{name}'")
    _must("The mailing is one campaign in Dynamics", len(found["value"]) == 1)
    row: Mapping[str, Any] = found["value"][0]
    return row


async def _compare(dynamics: DynamicsUser, campaign: Mapping[str, Any]) -> None:
    """Print the interactions by kind; each recipient has one that says Sent."""
    rows = await dynamics.read(
        "dh_marketinginteractions?$select=dh_type,dh_suspect,dh_count"
        f"&$filter=_dh_campaignid_value eq {campaign['campaignid']}"
    )
    kinds = Counter(str(row.get(f"dh_type@{_LABEL}", row["dh_type"])) for row in rows["value"])
    machines = sum(row["dh_suspect"] for row in rows["value"])
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"           Interactions on the cards: {listed}; {machines} by machines")
    sent = sum(count for kind, count in kinds.items() if kind in {"Sent", "480000000"})
    _must("Every recipient has the mailing on the card", sent == campaign["dh_sentcount"])


def _must(sentence: str, is_true: bool) -> None:  # noqa: FBT001  # an assertion
    if not is_true:
        raise UntrueError(f"this did not become true: {sentence}")
