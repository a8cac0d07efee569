"""`python -m shared deploy` and `python -m shared doctor`: the Azure side, by the az command line."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

from shared.deployment.command_line.az import AzProgram
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import ByHand, DataverseSide
from shared.deployment.deploy import Deployer
from shared.deployment.request import DeploymentRequest, Plan
from shared.deployment.web import HttpsWeb
from shared.errors import ConfigurationError

ROOT = Path(__file__).parents[4]
_FEWEST, _MOST = 40, 1000
"""The least and the greatest maximum of instances that the plan flex allows."""


class Part(StrEnum):
    """Parts that may be left out."""

    DATAVERSE = "dataverse"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `deploy`."""
    add_place(parser)
    parser.add_argument("--location", default="westeurope", help="region (default: %(default)s)")
    parser.add_argument("--dataverse-url", default="", help="organisation URL (default: DATAVERSE_URL)")
    parser.add_argument(
        "--alarms-to", action="append", default=[], metavar="ADDRESS", help="gets a mail for each alarm"
    )
    parser.add_argument("--time-zone", default="Europe/Amsterdam", help="of the schedules (default: %(default)s)")
    parser.add_argument("--without-roles", action="store_true", help="leave the roles to an administrator")
    parser.add_argument(
        "--hosting",
        type=Plan,
        choices=list(Plan),
        default=Plan.FLEX,
        help="flex scales to zero; premium keeps an instance (default: %(default)s)",
    )
    parser.add_argument(
        "--memory", type=int, choices=[512, 2048, 4096], default=2048, help="MB of an instance (default: %(default)s)"
    )
    parser.add_argument("--instances", type=_instances, default=40, help="at most, from 40 on (default: %(default)s)")
    parser.add_argument("--diagnostics", action="store_true", help="keep logs of Service Bus and key vault")
    parser.add_argument("--retention-days", type=int, default=30, help="of telemetry (default: %(default)s)")
    parser.add_argument("--trial", action="store_true", help="let a deleted key vault be purged")
    parser.add_argument("--closed-network", action="store_true", help="close storage and key vault to the internet")
    _add_without(parser, "leave parts out; dataverse: print what a System Administrator of Dataverse does by hand")
    parser.add_argument("--plan", action="store_true", help="only show what would change")


def _instances(text: str) -> int:
    if not text.isdecimal() or not _FEWEST <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {_FEWEST} to {_MOST}")
    return int(text)


def add_examination(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `doctor`."""
    add_place(parser)
    _add_without(parser, "leave parts out; dataverse: without rights there")


def _add_without(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--without", nargs="+", type=Part, choices=list(Part), default=[], help=text)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name an installation."""
    parser.add_argument("--group", required=True, help="resource group; made if it does not exist")
    parser.add_argument("--environment", default="production", help="name of this installation (default: %(default)s)")


def deploy(options: argparse.Namespace) -> int:
    """Deploy, or show what would change; return the exit code, 1 if something is not well.

    Spotler's secrets come from the environment.
    """
    url = options.dataverse_url or os.environ.get("DATAVERSE_URL", "")
    if not url:
        raise ConfigurationError("DATAVERSE_URL is not set: name the organisation, or give --dataverse-url")
    request = DeploymentRequest(
        root=ROOT,
        group=options.group,
        environment=options.environment,
        location=options.location,
        dataverse_url=url,
        spotler_key=os.environ.get("SPOTLER_KEY", ""),
        spotler_secret=os.environ.get("SPOTLER_SECRET", ""),
        alarm_emails=tuple(options.alarms_to),
        time_zone=options.time_zone,
        assign_roles=not options.without_roles,
        closed_network=options.closed_network,
        plan=options.hosting,
        instance_memory=options.memory,
        maximum_instances=options.instances,
        diagnostics=options.diagnostics,
        retention_days=options.retention_days,
        purge_protection=not options.trial,
    )
    deployer = deployer_without(options.without)
    if options.plan:
        print("\n".join(deployer.plan(request)) or "Nothing would change.")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        deployed = deployer.deploy(request, Path(folder) / "connector.zip")
    print("\n".join([*deployed.problems, f"Done: https://{deployed.installation.host}/api/health"]))
    return 1 if deployed.problems else 0


def doctor(options: argparse.Namespace) -> int:
    """Examine a running installation; return 1 if something is wrong."""
    request = DeploymentRequest(ROOT, options.group, options.environment, location="", dataverse_url="")
    found = deployer_without(options.without).doctor(request)
    print("\n".join(found) or "All is well.")
    return 1 if found else 0


def deployer_without(parts: Collection[Part]) -> Deployer:
    """Return a deployer on the command line az; ConfigurationError if it is not installed."""
    azure = Azure(AzProgram(), say=_say)
    return Deployer(azure, HttpsWeb(), _dataverse_side(azure, parts))


def _dataverse_side(azure: Azure, parts: Collection[Part]) -> DataverseSide:
    if Part.DATAVERSE in parts:
        return ByHand()
    from shared.local.commands.provisioning.installed_side import ByInstaller  # noqa: PLC0415  # most of a second

    return ByInstaller(azure)


def _say(text: str) -> None:
    print(text, flush=True)
