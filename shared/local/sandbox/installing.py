"""Installs the connector in the simulated organisation, by the command that installs it in a real one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from shared.errors import ConfigurationError
from shared.local.sandbox.addresses import (
    COLLEAGUE_CLIENT,
    CONNECTOR_CLIENT,
    PEOPLE_CLIENT,
    PEOPLE_SECRET,
    USER_ROLE,
    Addresses,
)
from shared.local.sandbox.process import Start, start_interpreter
from shared.local.sandbox.users import DynamicsUser

_NAMESPACE = "sandbox.servicebus.windows.net"
_SEND_KEY = f"{'s' * 43}="  # opens nothing: the sandbox posts to the queue of the connector
_TOLD_AT_MOST = 1000  # characters
_WRITES = re.compile(r"^(\d+) writes, ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Installation:
    """What an installation did: `writes` counts requests that write."""

    writes: int


async def install(
    addresses: Addresses, environment: Mapping[str, str], *words: str, start: Start = start_interpreter
) -> Installation:
    """Run `python -m shared install` as an administrator, and give the colleague the role of users.

    `words` are further options of the command. ConfigurationError if it fails.
    """
    process = await start(
        (
            *("install", "--yes", "--at-once", "--sign-in", "app", "--client-id", CONNECTOR_CLIENT),
            *("--service-bus", _NAMESPACE, *words),
        ),
        {
            **environment,
            **addresses.as_environment(),
            **({"SSL_CERT_FILE": addresses.certificate} if addresses.certificate else {}),
            "DATAVERSE_CLIENT_ID": PEOPLE_CLIENT,
            "DATAVERSE_CLIENT_SECRET": PEOPLE_SECRET,
            "SERVICE_BUS_SEND_KEY": _SEND_KEY,
        },
    )
    assert process.stdout is not None, "it was asked for"
    told = (await process.stdout.read()).decode()
    if await process.wait():
        raise ConfigurationError(f"The installation in the sandbox failed: {told[-_TOLD_AT_MOST:].strip()}")
    await _employ_colleague(addresses)
    counted = _WRITES.search(told)
    return Installation(int(counted[1]) if counted else 0)


async def _employ_colleague(addresses: Addresses) -> None:
    async with DynamicsUser(addresses) as administrator:
        (unit,) = (await administrator.read("businessunits?$select=businessunitid"))["value"]
        (role,) = (await administrator.read(f"roles?$select=roleid&$filter=name eq '{USER_ROLE}'"))["value"]
        user = await administrator.create(
            "systemusers",
            {
                "applicationid": COLLEAGUE_CLIENT,
                "businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})",
            },
        )
        link = f"{addresses.dataverse_url}/api/data/v9.2/roles({role['roleid']})"
        await administrator.act(f"systemusers({user})/systemuserroles_association/$ref", {"@odata.id": link})


async def bring_in_rows(addresses: Addresses, rows: list[tuple[str, Mapping[str, object]]]) -> None:
    """Insert rows of which nobody hears, by logical column names."""
    async with httpx.AsyncClient(verify=addresses.certificate or True, timeout=60) as http:
        answer = await http.post(f"{addresses.dataverse_url}/sandbox/rows", json={"rows": rows})
        answer.raise_for_status()
