"""`python -m shared check`: the connection check, with the settings of the environment."""

from __future__ import annotations

from shared.composition import app
from shared.local.commands.connector import ROOT
from shared.local.commands.run import read_local_settings


async def run() -> None:
    """Ask Spotler harmless questions, keep what is proven, and print it. Raises ConnectorErrors."""
    read_local_settings(ROOT / "local.settings.json")
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
