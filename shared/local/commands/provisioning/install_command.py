"""`python -m shared install`: installs the Dataverse side, checks it for drift, takes it out again, or exports it.

Exit codes: 0 fine, 1 something differs (`--check`), was refused or failed, or the user said no.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import httpx

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import AzureCli, Credential, token_provider
from shared.administration.mapping_repository import MappingRepository
from shared.administration.mapping_service import mapping_of
from shared.composition.connections import SystemClock, dataverse_credential, state_store
from shared.composition.first_mapping import first_mapping, load_mapping
from shared.composition.settings import Settings, load_settings
from shared.domain.mapping.model import Mapping
from shared.errors import ConfigurationError
from shared.installation import plan
from shared.installation.components.kind import EVENT_KINDS, OUTSIDE_THE_SOLUTION, Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, DesiredState, Endpoint
from shared.installation.desired.texts import Names
from shared.installation.install import Sleep
from shared.installation.mapped_columns import mapped_columns
from shared.installation.originals import FormFiles
from shared.installation.pages.reading import read_customisation
from shared.installation.plan import Action, Step
from shared.installation.session import Goal, Session
from shared.installation.solution_file import Package
from shared.installation.wire.customization_client import CustomizationClient
from shared.local.commands.local_settings import read_local_settings
from shared.local.commands.provisioning.progress import Progress
from shared.local.commands.provisioning.solution_export import write_solution_file
from shared.local.commands.terminal import table

KEY_VARIABLE = "SERVICE_BUS_SEND_KEY"
SERVICE_ROLE = "Spotler Service"
_FINE, _FOUND = 0, 1
_KEY_LENGTH = 44  # 32 bytes in Base64
LONGEST_WRITE = timedelta(minutes=3)  # a table takes tens of seconds, publishing may take longer


class SignIn(StrEnum):
    """Who installs."""

    AZ = "az"
    APP = "app"


class Part(StrEnum):
    """Parts that may be left out."""

    FORMS = "forms"
    APP = "app"
    BUTTONS = "buttons"
    STEPS = "steps"
    TRANSLATIONS = "translations"


_PARTS = {
    Part.FORMS: {Kind.VIEW, Kind.CHART, Kind.FORM, Kind.TAB},
    Part.APP: {Kind.APP, Kind.DASHBOARD},
    Part.BUTTONS: {Kind.COMMAND},
    Part.STEPS: EVENT_KINDS,
    Part.TRANSLATIONS: frozenset[Kind](),  # they belong to rows of other kinds
}
_PARTS_OF_KINDS = tuple(part for part in Part if _PARTS[part])
_SHARED = {Kind.VIEW, Kind.CHART}
"""Forms and the dashboard show them: they are left out only with both."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", action="store_true", help="print the plan and change nothing")
    what.add_argument("--check", action="store_true", help="print what differs (drift); exit code 1 if anything does")
    what.add_argument("--uninstall", action="store_true", help="take the connector's own parts out; data stays")
    what.add_argument(
        "--export-solution",
        type=Path,
        metavar="FILE",
        help="write what is installed as a solution file for other environments, with the next version; or a folder",
    )
    parser.add_argument("--managed", action="store_true", help="with --export-solution: a managed solution")
    parser.add_argument("--delete-data", action="store_true", help="with --uninstall: tables, columns and rows as well")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    names = ", ".join([*Kind, *_PARTS_OF_KINDS])
    parser.add_argument("--only", nargs="+", type=_only, metavar="KIND", help=f"nothing but these: {names}")
    parser.add_argument("--without", nargs="+", type=Part, choices=list(Part), default=[], help="leave parts out")
    parser.add_argument(
        "--skip-form", nargs="+", default=[], metavar="NAME", help="forms of standard tables that get no own tab"
    )
    parser.add_argument(
        "--originals",
        type=Path,
        metavar="FOLDER",
        help="where each form of others is kept as it was before its first change (default: .local/form-originals)",
    )
    parser.add_argument("--organisation", metavar="URL", help="https://….crm4.dynamics.com; default: DATAVERSE_URL")
    parser.add_argument(
        "--sign-in",
        type=SignIn,
        choices=list(SignIn),
        default=SignIn.AZ,
        help="az: whoever signed in with `az login`; app: the client secret or certificate of the DATAVERSE_ settings",
    )
    parser.add_argument("--tenant", default="", help="with az: the tenant of the organisation")
    parser.add_argument("--client-id", type=UUID, help="app registration or managed identity of the connector")
    parser.add_argument("--service-bus", metavar="HOST", help="name.servicebus.windows.net, for the service endpoint")
    parser.add_argument("--sas-key-name", default="dataverse", help="name of the rule with Send on the queue")
    parser.add_argument("--sas-key", help=f"its key, to create or rotate; better in {KEY_VARIABLE}, or asked for")
    parser.add_argument("--mapping", type=Path, help="mapping of the steps; default: the live one, or the first one")
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="do not wait until definitions have spread to all servers of Dataverse: for the simulated organisation",
    )


def _only(text: str) -> frozenset[Kind]:
    """Return the kinds that a word of `--only` names: a kind, or a part such as `steps`."""
    if text in _PARTS_OF_KINDS:
        return frozenset(_PARTS[Part(text)])
    try:
        return frozenset({Kind(text)})
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join([*Kind, *_PARTS_OF_KINDS])}") from None


async def run(options: argparse.Namespace) -> int:
    """Install, check, uninstall or export; return the exit code."""
    read_local_settings()
    if options.delete_data and not options.uninstall:
        raise ConfigurationError("--delete-data belongs to --uninstall")
    if options.managed and options.export_solution is None:
        raise ConfigurationError("--managed belongs to --export-solution")
    settings = load_settings()
    url = options.organisation or settings.dataverse_url
    if not url:
        raise ConfigurationError("No organisation: name it by --organisation https://….crm4.dynamics.com")
    desired = await _desired(options, settings)
    tokens = token_provider(_credential(options, settings), url, authority=settings.dataverse_authority)
    async with DataverseClient(url, tokens, read_timeout=LONGEST_WRITE) as dataverse:
        client = CustomizationClient(dataverse, solution=desired.solution.name)
        originals = options.originals or settings.local_folder / "form-originals"
        keep = FormFiles(originals / httpx.URL(url).host).keep
        pages = page_kinds(read_customisation(), keep, frozenset(options.skip_form))
        only = set(_kinds(options)) - (OUTSIDE_THE_SOLUTION if options.export_solution else set())
        session = Session(client, desired, sleep=_sleep(options), only=only, pages=pages)
        if options.export_solution:
            package = Package.MANAGED if options.managed else Package.UNMANAGED
            path = await write_solution_file(session, client, desired.solution, package, options.export_solution)
            print(f"The solution file is {path}.")
            return _FINE
        return await _run(options, session, client)


def _credential(options: argparse.Namespace, settings: Settings) -> Credential:
    match options.sign_in:
        case SignIn.APP:
            return dataverse_credential(settings)
        case _:
            return AzureCli(options.tenant)


def _sleep(options: argparse.Namespace) -> Sleep:
    async def at_once(_seconds: float) -> None:
        return

    return at_once if options.at_once else asyncio.sleep


def _kinds(options: argparse.Namespace) -> Collection[Kind]:
    left_out = {kind for part in options.without for kind in _PARTS[part]}
    if not {Part.FORMS, Part.APP} <= set(options.without):
        left_out -= _SHARED
    wanted = set(Kind) if options.only is None else {kind for kinds in options.only for kind in kinds}
    return wanted - left_out


async def _desired(options: argparse.Namespace, settings: Settings) -> DesiredState:
    desired = read_desired_state(mapped_columns(await _mapping(options, settings)))
    if Part.TRANSLATIONS in options.without:
        desired = replace(desired, names=Names.BASE_LANGUAGE)
    if options.client_id is not None:
        desired = replace(desired, user=ApplicationUser(str(options.client_id), SERVICE_ROLE))
    if namespace := options.service_bus or settings.service_bus_namespace:
        endpoint = Endpoint(desired.endpoint_name, namespace, desired.queue, options.sas_key_name, _key(options))
        desired = replace(desired, endpoint=endpoint)
    return desired


async def _mapping(options: argparse.Namespace, settings: Settings) -> Mapping:
    """Return the mapping of the option, the live one of the state store, or the one of a first start."""
    if options.mapping is not None:
        return load_mapping(options.mapping)
    clock = SystemClock()
    store = state_store(settings, clock)
    try:
        repository = MappingRepository(store, clock, settings.environment)
        pointer = await repository.pointer()
        return first_mapping(settings) if pointer is None else mapping_of(await repository.version(pointer.number))
    finally:
        await store.close()


def _key(options: argparse.Namespace) -> str | None:
    """Return the key of the option, the environment or the terminal; None leaves the endpoint's key as it is."""
    key = str(options.sas_key or os.environ.get(KEY_VARIABLE, ""))
    asks = (
        options.service_bus
        and not (options.plan or options.check or options.yes or options.export_solution)
        and sys.stdin.isatty()
    )
    if not key and asks:
        key = getpass.getpass("Key with Send on the queue (empty: leave it as it is): ")
    if key and len(key) != _KEY_LENGTH:
        raise ConfigurationError(
            f"The key of the queue has {len(key)} characters, and a key of Service Bus has {_KEY_LENGTH}: copy the "
            f"primary key of the rule {options.sas_key_name} (portal, Service Bus, Shared access policies), not the "
            "connection string. Nothing was changed"
        )
    return key or None


async def _run(options: argparse.Namespace, session: Session, client: CustomizationClient) -> int:
    if options.check:
        return _print_state(await session.read(Goal.INSTALL), Goal.INSTALL)
    goal = _goal(options)
    prepared = await session.prepare(goal)
    steps = plan.writes(prepared.steps)
    print("\n".join(_plan_lines(prepared.steps)))
    if options.plan or not steps:
        return _FINE
    _refuse_missing_key(steps)
    if not options.yes and not _agreed():
        print("Nothing was changed.")
        return _FOUND
    with Progress(steps, sys.stdout) as progress:
        await session.apply(prepared, progress)
    state = await session.read(goal)
    unusable = await session.check_endpoint(prepared) if goal is Goal.INSTALL else None
    print(f"{client.counts.writes} writes, {client.counts.reads} reads.")
    if unusable is not None:
        print(f"{unusable}.")
    return max(_print_state(state, goal), _FINE if unusable is None else _FOUND)


def _goal(options: argparse.Namespace) -> Goal:
    if not options.uninstall:
        return Goal.INSTALL
    return Goal.UNINSTALL_WITH_DATA if options.delete_data else Goal.UNINSTALL


def _refuse_missing_key(steps: Sequence[Step]) -> None:
    """Refuse before the first write what would fail at the end."""
    for step in steps:
        if step.kind is Kind.ENDPOINT and step.action is Action.CREATE and not step.wanted.key:
            raise ConfigurationError(
                f"The service endpoint needs the key of the rule with Send: give it in {KEY_VARIABLE}, or leave the "
                "steps out (--without steps)"
            )


def _agreed() -> bool:
    return input("Apply this? [y/N] ").strip().casefold() in {"y", "yes", "j", "ja"}


def _plan_lines(steps: Sequence[Step]) -> list[str]:
    rows = [(step.action, step.kind, step.name, step.reason) for step in plan.writes(steps)]
    counts = Counter(step.action for step in steps)
    why_left = dict.fromkeys(step.reason for step in steps if step.action is Action.LEAVE)
    reasons = {Action.LEAVE: f" ({', '.join(why_left)})"}
    summary = ", ".join(f"{counts[one]} to {one}{reasons.get(one, '')}" for one in Action if counts[one])
    return [*(table(("action", "kind", "name", "reason"), rows) if rows else ()), summary or "Nothing to do."]


def _print_state(steps: Sequence[Step], goal: Goal) -> int:
    for step in plan.remarks(steps) if goal is Goal.INSTALL else ():
        print(f"{step.kind} {step.name}: {step.reason}.")
    return _print_drift(plan.writes(steps))


def _print_drift(steps: Sequence[Step]) -> int:
    if not steps:
        print("Everything is as it should be.")
        return _FINE
    rows = [(step.kind, step.name, step.reason) for step in steps]
    print("\n".join(table(("kind", "name", "differs"), rows)))
    print("Run `python -m shared install` to set this right.")
    return _FOUND
