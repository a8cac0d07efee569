"""`python -m shared mapping …`: administration of the mapping, from a terminal.

Talks to the configured services directly, with the settings of the environment; no host needs to run. Exit codes: 0
fine, 1 something is wrong or was refused (notes of the check are fine).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.adapters.workbook.files import Format, read_file
from shared.adapters.workbook.writing import to_workbook
from shared.administration.mapping_repository import Version
from shared.administration.mapping_service import Applied, ChangeRefused, MappingChange, difference, mapping_of
from shared.administration.preview import PreviewReport
from shared.composition import app
from shared.composition.services import Services
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import MappingError, place_name
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.local.commands.local_settings import read_local_settings
from shared.local.commands.terminal import record, table

FINE, FOUND = 0, 1
_COMMAND_LINE = "command-line"
_CURED_BY_STEPS = frozenset({Code.STEP_MISSING, Code.COLUMN_WITHOUT_STEP})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print JSON instead of tables")
    change = argparse.ArgumentParser(add_help=False)
    add_change_options(change)

    def command(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[everywhere, *parents])

    checked = command("check", "hold a mapping against Dataverse and Spotler")
    checked.add_argument("file", type=Path, nargs="?", help="YAML or workbook; without it, the live mapping")
    previewed = command("preview", "show what a mapping would change, on real records; prints their values")
    previewed.add_argument("file", type=Path, help="YAML or workbook")
    previewed.add_argument("--sample", type=int, default=100, help="how many records to look at")
    previewed.add_argument("--shown", type=int, default=10, help="how many of those that differ to print")
    previewed.add_argument("--record", type=record, action="append", help="such as contact:6d81597f-…")
    applied = command("apply", "make a mapping live, if it is fit", change)
    applied.add_argument("file", type=Path, help="YAML or workbook")
    applied.add_argument("--base", type=int, help="number of the version that the change was made on")
    command("history", "list every version that was live, newest first")
    back = command("rollback", "make a new version equal to an old one", change)
    back.add_argument("version", type=int)
    compared = command("diff", "show what changed")
    compared.add_argument("old", type=int, nargs="?", help="a version; without it, the one before the live one")
    compared.add_argument("new", nargs="?", help="a version or a file; without it, the live version")
    exported = command("export", "write the live mapping, as YAML or as a workbook")
    exported.add_argument("file", type=Path, nargs="?", help="*.yaml or *.xlsx; without it, YAML to the terminal")
    exported.add_argument("--version", type=int, help="another version than the live one")
    imported = command("import", "read a mapping and write it as YAML, to look at or to keep; changes nothing live")
    imported.add_argument("file", type=Path, help="workbook or YAML")
    imported.add_argument("--output", type=Path, help="file to write; without it, the terminal")
    command("defaults", "bring back the default rows whose Spotler property no row fills any more", change)


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a command that makes a mapping live."""
    parser.add_argument("--by", default=_COMMAND_LINE, help="role or id that makes the change; not a name")
    parser.add_argument("--comment", default="", help="why")
    parser.add_argument(
        "--accept",
        type=_code,
        action="append",
        default=[],
        metavar="CODE",
        help="take warnings of this code for what they are; once for each code",
    )


def _code(text: str) -> Code:
    try:
        return Code(text)
    except ValueError:
        known = ", ".join(Code)
        raise argparse.ArgumentTypeError(f"{text!r} is no code of a finding: write one of {known}") from None


async def run(options: argparse.Namespace) -> int:
    """Run one subcommand and return the exit code."""
    read_local_settings()
    try:
        return await _Command(options, await app.services()).run()
    except MappingError as wrong:
        for place, text in wrong.places:
            print(f"error: {place_name(place)}: {text}", file=sys.stderr)
        return FOUND
    except OSError as error:
        print(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}", file=sys.stderr)
        return FOUND
    finally:
        await app.shut_down()


class _Command:
    """One subcommand."""

    def __init__(self, options: argparse.Namespace, services: Services) -> None:
        self._options = options
        self._services = services
        self._mapping_service = services.mapping_service
        self._environment = services.settings.environment

    async def run(self) -> int:
        """Run the subcommand."""
        actions: Mapping[str, Callable[[], Awaitable[int]]] = {
            "check": self._check,
            "preview": self._preview,
            "apply": self._apply,
            "history": self._history,
            "rollback": self._rollback,
            "diff": self._diff,
            "export": self._export,
            "import": self._import,
            "defaults": self._defaults,
        }
        return await actions[self._options.action]()

    # --------------------------------------------------------------------------------------------------------- input

    def _read(self, path: Path) -> FieldMapping:
        return read_file(path.read_bytes(), self._environment)

    def _change(self) -> MappingChange:
        options = self._options
        return MappingChange(
            by=options.by,
            comment=options.comment,
            base=getattr(options, "base", None),
            accepted=frozenset(options.accept),
        )

    # -------------------------------------------------------------------------------------------------------- actions

    async def _check(self) -> int:
        path: Path | None = self._options.file
        mapping = mapping_of(await self._mapping_service.live()) if path is None else self._read(path)
        return self._print_findings(await self._mapping_service.check(mapping))

    async def _apply(self) -> int:
        return self._print_result(
            await self._mapping_service.apply(self._read(self._options.file), self._change(), app.trial)
        )

    async def _rollback(self) -> int:
        return self._print_result(
            await self._mapping_service.rollback(self._options.version, self._change(), app.trial)
        )

    async def _defaults(self) -> int:
        return self._print_result(await self._mapping_service.restore_defaults(self._change(), app.trial))

    async def _import(self) -> int:
        return self._write(self._options.output, to_yaml(self._read(self._options.file)).encode())

    async def _preview(self) -> int:
        options, preview = self._options, (await app.administration()).preview
        mapping = self._read(options.file)
        if options.record:
            report = await preview.records(mapping, options.record, shown=options.shown)
        else:
            report = await preview.sample(mapping, size=options.sample, shown=options.shown)
        return self._print_preview(report)

    async def _diff(self) -> int:
        live = await self._mapping_service.live()
        old = await self._mapping_service.version(
            live.replaces or live.number if self._options.old is None else self._options.old
        )
        new = self._options.new
        if new is None or new.isdecimal():
            other = await self._mapping_service.version(int(new) if new else None)
            text, name = other.text, f"version {other.number}"
        else:
            text, name = to_yaml(self._read(Path(new))), new
        self._print({"difference": (changes := difference(old.text, text, f"version {old.number}", name))}, [changes])
        return FINE

    async def _export(self) -> int:
        version = await self._mapping_service.version(self._options.version)
        path: Path | None = self._options.file
        if path is None or path.suffix != f".{Format.WORKBOOK}":
            return self._write(path, version.text.encode())
        properties = [definition.name for definition in (await self._services.platform.properties()).definitions]
        content = to_workbook(self._environment, mapping_of(version), properties, into=_content(path))
        return self._write(path, content)

    # --------------------------------------------------------------------------------------------------------- output

    def _print(self, answer: Any, lines: Iterable[str]) -> None:
        print(json.dumps(answer, indent=1, default=str) if self._options.json else "\n".join(lines))

    def _write(self, path: Path | None, content: bytes) -> int:
        if path is None:
            sys.stdout.write(content.decode())
        else:
            path.write_bytes(content)
            self._print({"file": str(path)}, [f"Written to {path}"])
        return FINE

    def _print_findings(self, findings: Sequence[Finding]) -> int:
        self._print({"findings": [asdict(finding) for finding in findings]}, _finding_lines(findings))
        return FOUND if any(finding.severity is not Severity.NOTE for finding in findings) else FINE

    def _print_result(self, result: Applied | ChangeRefused) -> int:
        answer: dict[str, Any] = {"findings": [asdict(finding) for finding in result.findings]}
        match result:
            case Applied(version):
                answer["version"] = _version_json(version)
                lines = [*_finding_lines(result.findings), f"Version {version.number} is live."]
                if any(finding.code in _CURED_BY_STEPS for finding in result.findings):
                    lines.append(
                        "Run `python -m shared install --only steps`, so that Dataverse tells of these columns."
                    )
                self._print(answer, lines)
                return FINE
            case ChangeRefused():
                hint = result.advice(lambda codes: " ".join(f"--accept {code}" for code in codes))
                self._print(answer, [*_finding_lines(result.findings), hint])
                return FOUND

    async def _history(self) -> int:
        versions = await self._mapping_service.history()
        rows = [(str(one.number), f"{one.at:%Y-%m-%d %H:%M}", one.by, one.comment or "") for one in versions]
        self._print(
            {"versions": [_version_json(one) for one in versions]}, table(("version", "at (UTC)", "by", "why"), rows)
        )
        return FINE

    def _print_preview(self, report: PreviewReport) -> int:
        self._print(report.as_json(), _preview_lines(report))
        return FOUND if report.refused or report.cut else FINE


def _content(path: Path) -> bytes:
    """Return the content of an existing workbook, whose other sheets are kept."""
    return path.read_bytes() if path.exists() else b""


def _finding_lines(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["Nothing is the matter."]
    rows = [(one.severity, str(one.row or ""), one.table or "", one.text, one.code) for one in findings]
    return table(("severity", "row", "table", "what to do", "code"), rows)


def _preview_lines(report: PreviewReport) -> list[str]:
    lines = [f"{report.differing} of {report.looked_at} records would differ."]
    counts: Mapping[str, Mapping[str, int]] = {
        "field": report.fields,
        "action": report.actions,
        "refused": report.refused,
        "cut": report.cut,
    }
    for title, count in counts.items():
        if count:
            lines += ["", *table((title, "records"), [(name, str(number)) for name, number in count.items()])]
    for one in report.sample:
        rows = [(name, _shown(one.before.values.get(name)), _shown(one.after.values.get(name))) for name in one.changed]
        lines += [
            "",
            f"{one.key}: {one.before.action} -> {one.after.action}",
            *table(("field", "before", "after"), rows),
        ]
    return lines


def _shown(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, str) else str(value)


def _version_json(version: Version) -> dict[str, Any]:
    return {name: value for name, value in asdict(version).items() if name != "text"}
