"""Mapping: what is live, its history, its files, its drift (MAP, C-41)."""

from http import HTTPStatus
from typing import Any

from shared.adapters.workbook.files import Format, read_file, write_file
from shared.administration.mapping_repository import Version
from shared.administration.mapping_service import Applied, ChangeRefused, MappingChange, difference, mapping_of
from shared.administration.worker_thread import run_in_thread
from shared.composition import app
from shared.console.proposals import Proposals
from shared.console.rendering.locale import Locale
from shared.console.rendering.words import said
from shared.console.web import Download, Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.mapping.findings import Code, Severity
from shared.domain.mapping.formats.document import MappingError
from shared.domain.wording.phrase import series
from shared.errors import NotFoundError

_MOST_DEFECTS = 5
SEVERITIES = {
    Severity.ERROR: (Tone.BAD, said("Error")),
    Severity.WARNING: (Tone.WARN, said("Warning")),
    Severity.NOTE: (Tone.INFO, said("Note")),
}


async def proposals() -> Proposals:
    """Return the proposals of this environment."""
    services = await app.services()
    return Proposals(services.store, services.clock, services.settings.environment)


async def mapping(visit: Visit) -> Reply:
    """Show the live version, row by row."""
    del visit
    version = await (await app.services()).mapping_service.live()
    values = {
        "title": said("Mapping"),
        "version": version,
        "mapping": mapping_of(version),
        "proposal": await (await proposals()).read(),
    }
    return Page("pages/mapping.html", values)


async def history(visit: Visit) -> Reply:
    """List every version that was live, newest first."""
    del visit
    versions = await (await app.services()).mapping_service.history()
    return Page("pages/mapping_history.html", {"title": said("History"), "versions": versions})


async def version(visit: Visit) -> Reply:
    """Show one version: what it changed, and what going back to it would change."""
    service = (await app.services()).mapping_service
    wanted = await _version(visit.parts[0])
    live = await service.live()
    before = await service.version(wanted.replaces) if wanted.replaces else None
    values: dict[str, Any] = {
        "title": said("Version"),
        "version": wanted,
        "live": live,
        "changed": _lines(before, wanted, visit.locale) if before else [],
        "back": _lines(live, wanted, visit.locale),
    }
    return Page("pages/mapping_version.html", values)


async def roll_back(visit: Visit) -> Reply:
    """Make a new version equal to an old one, if its check allows it."""
    wanted = await _version(visit.parts[0])
    change = MappingChange(by=visit.user.id, accepted=accepted(visit))
    result = await (await app.services()).mapping_service.rollback(wanted.number, change, app.trial)
    return await applied(result, link("mapping", "version", str(wanted.number)))


async def applied(result: Applied | ChangeRefused, back: str) -> Reply:
    """Return what a change of the mapping led to; refused warnings come with the page to accept them."""
    match result:
        case Applied(version=made):
            await app.mapping_changed()
            await (await proposals()).discard()
            text = said("Version %(number)s is live. Start a run to bring everybody up to date, or wait for the night.")
            return Redirect(link("mapping"), Notice(Tone.OK, text, {"number": made.number}))
        case ChangeRefused(findings):
            values = {
                "title": said("Not applied"),
                "findings": findings,
                "severities": SEVERITIES,
                "back": back,
                "errors": any(one.severity is Severity.ERROR for one in findings),
                "codes": dict.fromkeys(one.code for one in findings if one.severity is Severity.WARNING),
            }
            return Page("pages/mapping_refused.html", values, HTTPStatus.CONFLICT)


async def file(visit: Visit) -> Reply:
    """Return a version, or the proposal, as YAML or as a workbook."""
    if visit.parts[0] not in set(Format):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("A mapping is a file of the kind yaml or xlsx."))
    form, services = Format(visit.parts[0]), await app.services()
    number = visit.asked("version")
    found = await _version(number) if number else await services.mapping_service.live()
    names = [definition.name for definition in (await services.platform.properties()).definitions]
    environment = services.settings.environment
    content = await run_in_thread(write_file, mapping_of(found), form, environment, names)
    return Download(content, form.media_type, f"mapping-{environment}-{found.number}.{form}")


async def upload(visit: Visit) -> Reply:
    """Make the proposal from a file."""
    services = await app.services()
    content = visit.request.files.get("file", b"")
    if not content:
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose a file: a mapping as YAML or as a workbook."))
    try:
        read = await run_in_thread(read_file, content, services.settings.environment)
    except MappingError as error:
        places = series(*error.defects(_MOST_DEFECTS))
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, said("This is no valid mapping. %(places)s"), places=places
        ) from None
    kept = await proposals()
    known = await kept.read()
    live = await services.mapping_service.live()
    await kept.save(read, live.number, visit.user.id, known.etag if known else "")
    return Redirect(
        link("mapping", "proposal"), Notice(Tone.OK, said("The file is read. It is a proposal; nothing is live yet."))
    )


async def drift(visit: Visit) -> Reply:
    """Show what changed on either side that the mapping depends on."""
    del visit
    report = await (await app.administration()).drift.last()
    values = {"title": said("Drift"), "report": report, "severities": SEVERITIES}
    return Page("pages/mapping_drift.html", values)


async def look_for_drift(visit: Visit) -> Reply:
    """Compare both sides with the mapping now."""
    del visit
    report = await (await app.administration()).drift.check()
    text = said("Both sides were compared. Findings: %(count)s.")
    return Redirect(link("mapping", "drift"), Notice(Tone.INFO, text, {"count": len(report.findings)}))


def accepted(visit: Visit) -> frozenset[Code]:
    """Return the warnings that the form accepts, by code."""
    return frozenset(Code(one) for one in visit.request.chosen.get("accept", ()) if one in set(Code))


async def _version(text: str) -> Version:
    try:
        return await (await app.services()).mapping_service.version(int(text))
    except (ValueError, NotFoundError):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such version.")) from None


def _lines(old: Version, new: Version, locale: Locale) -> list[str]:
    return difference(
        old.text, new.text, version_name(old.number, locale), version_name(new.number, locale)
    ).splitlines()


def version_name(number: int, locale: Locale) -> str:
    """Return what a version is called in a difference."""
    return locale.say("version %(number)s", number=str(number))
