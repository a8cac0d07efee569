"""`python -m shared check`: the connection check, with the settings of the environment."""

from __future__ import annotations

from shared.composition import app
from shared.local.commands.local_settings import read_local_settings


async def run() -> None:
    """Send harmless requests to Spotler, store which capabilities are proven, and print them.

    Raises ConnectorErrors.
    """
    read_local_settings()
    try:
        services = await app.services()
        findings = await services.capabilities.check()
        states = await services.capabilities.states()
    finally:
        await app.shut_down()
    print(f"Spotler at {services.settings.spotler_url}")
    for finding in findings:
        switch = "on " if states[finding.capability] else "off"
        print(f"  {switch}  {finding.capability:<18} {finding.state}: {finding.evidence}")
