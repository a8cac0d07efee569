"""The command line; `python -m shared --help` lists the commands."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from shared.domain.values.texts import trimmed
from shared.errors import ConnectorError
from shared.telemetry.logs import LogFormat, formatter

_TABLES = {
    "settings": ("settings", "the README"),
    "routes": ("HTTP routes", "docs/security.md"),
    "roles": ("security roles", "docs/security.md"),
    "metrics": ("metrics", "docs/observability.md"),
    "alarms": ("alarms", "docs/observability.md"),
    "calls": ("the simulated Spotler's calls", "docs/sandbox.md"),
    "rooms": ("rooms", "docs/architecture.md"),
    "tables": ("tables in Dataverse", "docs/tables.md"),
}
"""Command, contents, and the document that has the table."""


def main() -> int:
    """Run one command; an error is one sentence that says what to do."""
    _log()
    parser = argparse.ArgumentParser(prog="python -m shared", description="The Spotler Connector on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    from shared.local.commands import (  # noqa: PLC0415  # needs the dependencies of the local mode
        bundle_command,
        consent_command,
        mapping_command,
        person_command,
        rekey_command,
        run,
        serve,
        sync_command,
    )
    from shared.local.commands.engagement import visits_command, weights_command  # noqa: PLC0415
    from shared.local.commands.provisioning import deploy_command, install_command, state_command  # noqa: PLC0415
    from shared.local.sandbox import command as sandbox  # noqa: PLC0415

    run.add_options(commands.add_parser("run", help="the connector, with the sandbox where no account is configured"))
    serve.add_options(commands.add_parser("host", help="the connector alone, with the settings of the environment"))
    sandbox.add_options(commands.add_parser("sandbox", help="the simulated Dataverse and Spotler alone"))
    commands.add_parser("check", help="find out which of Spotler's unpublished calls work with the account")
    install_command.add_options(commands.add_parser("install", help="install the Dataverse side, check it, remove it"))
    mapping_command.add_options(commands.add_parser("mapping", help="check, preview, change, export the mapping"))
    weights_command.add_options(commands.add_parser("weights", help="preview and change the points of scores"))
    visits_command.add_options(commands.add_parser("visits", help="bring visits to a website from a file"))
    bundle_command.add_options(commands.add_parser("bundle", help="carry a configuration to another environment"))
    consent_command.add_options(commands.add_parser("consent", help="export the changes of consent"))
    person_command.add_export_options(commands.add_parser("export", help="everything that is stored about a person"))
    person_command.add_forget_options(
        commands.add_parser("forget", help="delete what is stored about a person, not refusals")
    )
    sync_command.add_options(
        commands.add_parser("sync", help="send a whole table to Spotler, or read all of it: start, watch, pause")
    )
    rekey_command.add_options(commands.add_parser("rekey", help="encrypt the fingerprints with a new FINGERPRINT_KEY"))
    state_command.add_options(commands.add_parser("state", help="back the state store up, and bring it back"))
    deploy_command.add_options(commands.add_parser("deploy", help="create or update the Azure side, by the az command"))
    deploy_command.add_examination(
        commands.add_parser("doctor", help="find out what is wrong with a running installation")
    )
    operations = commands.add_parser("operations", help="print the table of job operations, for docs/operations.md")
    operations.add_argument("--form", action="store_true", help="print it for the job form's script instead")
    for name, (contents, document) in _TABLES.items():
        commands.add_parser(name, help=f"print the table of {contents}, as it stands in {document}")
    options = parser.parse_args()
    try:
        return _run(options)
    except ConnectorError as error:
        print(f"error: {error}", *getattr(error, "__notes__", ()), sep="\n  ", file=sys.stderr)
        return 1
    except TimeoutError as error:
        print(f"error: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    """Run the command that was named, and return the exit code."""
    from shared.local.commands import (  # noqa: PLC0415
        check,
        run,
        serve,
    )
    from shared.local.commands.provisioning import deploy_command, install_command  # noqa: PLC0415
    from shared.local.sandbox import command as sandbox  # noqa: PLC0415
    from shared.operations.model import (  # noqa: PLC0415
        documentation,
        form,
    )

    match options.command:
        case "run":
            return asyncio.run(run.run(options))
        case "host":
            asyncio.run(serve.run(options))
        case "sandbox":
            asyncio.run(sandbox.run(options))
        case "check":
            asyncio.run(check.run())
        case "install":
            return asyncio.run(install_command.run(options))
        case (
            "mapping"
            | "bundle"
            | "consent"
            | "export"
            | "forget"
            | "rekey"
            | "state"
            | "sync"
            | "visits"
            | "weights" as name
        ):
            return asyncio.run(_on_the_state(name)(options))
        case "deploy":
            return deploy_command.deploy(options)
        case "doctor":
            return deploy_command.doctor(options)
        case "operations":
            print(form.form_table() if options.form else documentation.operations_table())
        case name:
            print(_table(name))
    return 0


def _on_the_state(
    name: Literal["mapping", "bundle", "consent", "export", "forget", "rekey", "state", "sync", "visits", "weights"],
) -> Callable[[argparse.Namespace], Coroutine[Any, Any, int]]:
    """Return a command that works on the configured state store."""
    from shared.local.commands import (  # noqa: PLC0415
        bundle_command,
        consent_command,
        mapping_command,
        person_command,
        rekey_command,
        sync_command,
    )
    from shared.local.commands.engagement import visits_command, weights_command  # noqa: PLC0415
    from shared.local.commands.provisioning import state_command  # noqa: PLC0415

    commands: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]] = {
        "mapping": mapping_command.run,
        "bundle": bundle_command.run,
        "consent": consent_command.run,
        "export": person_command.export,
        "forget": person_command.forget,
        "rekey": rekey_command.run,
        "state": state_command.run,
        "sync": sync_command.run,
        "visits": visits_command.run,
        "weights": weights_command.run,
    }
    return commands[name]


def _table(name: str) -> str:
    """Return a table of the documents."""
    from shared.local.pages.alarms_table import alarms_table  # noqa: PLC0415
    from shared.local.pages.dataverse_tables import dataverse_tables  # noqa: PLC0415
    from shared.local.pages.roles import roles_table  # noqa: PLC0415
    from shared.local.pages.rooms_table import rooms_table  # noqa: PLC0415
    from shared.local.pages.settings_table import settings_table  # noqa: PLC0415
    from shared.local.spotler_sandbox.http.documentation import calls_table  # noqa: PLC0415
    from shared.telemetry.signals import signals_table  # noqa: PLC0415
    from shared.triggers.http.access import routes_table  # noqa: PLC0415

    tables = {
        "settings": settings_table,
        "routes": routes_table,
        "roles": roles_table,
        "metrics": signals_table,
        "alarms": alarms_table,
        "calls": calls_table,
        "rooms": rooms_table,
        "tables": dataverse_tables,
    }
    return tables[name]()


def _log() -> None:
    """Log to standard error: level `LOG_LEVEL`, format `LOG_FORMAT` (text or json)."""
    logging.basicConfig(level=_log_level(os.environ.get("LOG_LEVEL", "")))
    wanted = trimmed(os.environ.get("LOG_FORMAT", "")).lower()
    form = LogFormat(wanted) if wanted in set(LogFormat) else LogFormat.TEXT
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter(form))


def _log_level(wanted: str) -> str:
    """Return a level of `logging`; an unknown level must not prevent a command from running."""
    level = trimmed(wanted).upper()
    return level if level in logging.getLevelNamesMapping() else "WARNING"


if __name__ == "__main__":
    sys.exit(main())
