"""`python -m shared bundle …`: carries a configuration from one environment to another, as files.

Exit codes: 0 fine, 1 something differs (`diff`), was refused, or the user said no.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.administration.mapping_service import MappingChange
from shared.composition import app
from shared.deployment.checks import signed_in
from shared.deployment.command_line.az import AzProgram
from shared.deployment.command_line.azure import Azure
from shared.deployment.provisioning import existing
from shared.deployment.request import DeploymentRequest
from shared.deployment.running import access_to
from shared.errors import ConfigurationError
from shared.local.bundles import folder
from shared.local.bundles.bundle import difference
from shared.local.bundles.deployed_app import DeployedApp
from shared.local.bundles.environments import ConfiguredEnvironment, RunningEnvironment
from shared.local.bundles.promotion import Promotion, promote
from shared.local.commands.local_settings import ROOT, read_local_settings
from shared.local.commands.mapping_command import add_change_options

FINE, FOUND = 0, 1
_LIVE = "live"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--group", help="resource group of a deployed app; without it, the settings of this process")
    place.add_argument("--environment", default="production", help="its name (default: %(default)s)")

    exported = commands.add_parser("export", parents=[place], help="write what is live into a folder")
    exported.add_argument("folder", type=Path)
    compared = commands.add_parser("diff", parents=[place], help="compare a folder with what is live, or two folders")
    compared.add_argument("folder", type=Path)
    compared.add_argument("other", type=Path, nargs="?", help="another folder; without it, what is live")
    imported = commands.add_parser("import", parents=[place], help="make a folder live: mapping, settings, defaults")
    imported.add_argument("folder", type=Path)
    imported.add_argument("--yes", action="store_true", help="do not ask")
    add_change_options(imported)


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    if options.action == "diff" and options.other is not None:
        return _print(difference(folder.read(options.folder), folder.read(options.other), *_names(options)))
    read_local_settings()
    try:
        return await _on(await _target(options), options)
    finally:
        await app.shut_down()


async def _on(target: RunningEnvironment, options: argparse.Namespace) -> int:
    if options.action == "export":
        files = folder.write(await target.bundle(), options.folder)
        print(f"Written to {options.folder}: {len(files)} files")
        return FINE
    bundle, current = folder.read(options.folder), await target.bundle()
    found = _print(difference(current, bundle, _LIVE, str(options.folder)))
    if options.action == "diff" or not found:
        return found
    if not options.yes and not _agreed():
        print("Nothing was changed.")
        return FOUND
    change = MappingChange(by=options.by, comment=options.comment, accepted=frozenset(options.accept))
    return FINE if await promote(bundle, current, target, change, print) is Promotion.DONE else FOUND


async def _target(options: argparse.Namespace) -> RunningEnvironment:
    if not options.group:
        return ConfiguredEnvironment(await app.services())
    azure = Azure(AzProgram(), say=print)
    request = DeploymentRequest(ROOT, options.group, options.environment, location="", dataverse_url="")
    installation = existing(azure, request)
    if installation is None:
        raise ConfigurationError(f"There is no deployment of {options.environment} in {options.group}")
    token = access_to(azure, signed_in(azure), request, installation).token
    return DeployedApp(azure, request.group, installation.app, f"https://{installation.host}", token=token)


def _names(options: argparse.Namespace) -> tuple[str, str]:
    return str(options.folder), str(options.other)


def _agreed() -> bool:
    return input("Make this live? [y/N] ").strip().casefold() in {"y", "yes", "j", "ja"}


def _print(lines: list[str]) -> int:
    print("\n".join(lines) or "Nothing differs.")
    return FOUND if lines else FINE
