"""The proposal of a mapping: rows in a form, check, preview, apply. Nothing is live before the last step."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from shared.administration.mapping_service import MappingChange, difference, mapping_of
from shared.composition import app
from shared.console.access.values import readable, why_hidden
from shared.console.pages.mapping.versions import SEVERITIES, accepted, applied, proposals, version_name
from shared.console.proposals import Proposal
from shared.console.reasons import text_of
from shared.console.rendering.locale import Locale
from shared.console.rendering.plots import stacked
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.mapping.findings import Severity
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.formats.yaml_format import as_document
from shared.domain.records.records import PersonTable
from shared.domain.wording.phrase import Phrase
from shared.errors import ConflictError

_NEW = "new"
_FIELDS = ("spotler", *PersonTable, "direction", "conflict", "blank", "filter", "foreign", "comment")
_SAMPLE, _SHOWN = 200, 20
_MOST_DEFECTS = 10


async def begin(visit: Visit) -> Reply:
    """Begin a proposal with the rows of the live version; an existing proposal stays."""
    kept = await proposals()
    if await kept.read() is None:
        live = await (await app.services()).mapping_service.live()
        await kept.save(mapping_of(live), live.number, visit.user.id)
    return Redirect(link("mapping", "proposal"))


async def proposal(visit: Visit) -> Reply:
    """Show the rows of the proposal."""
    found = await _proposal()
    values = {
        "title": said("Proposal"),
        "proposal": found,
        "mapping": found.mapping,
        "changed": await _changed(found, visit.locale),
    }
    return Page("pages/mapping_proposal.html", values)


async def row(visit: Visit) -> Reply:
    """Show one row in a form; the names of both sides are offered afterwards."""
    found = await _proposal()
    number = visit.parts[0]
    rows = as_document(found.mapping)["rows"]
    return form(number, {} if number == _NEW else rows[_index(number, rows)], ())


async def names(visit: Visit) -> Reply:
    """Offer the columns of Dynamics and the properties of Spotler for completion."""
    del visit
    services = await app.services()
    live = mapping_of(await services.mapping_service.live())
    around = await services.mapping_validator.surroundings(live)
    columns = {
        table: sorted(around.schema.tables[table].columns) for table in PersonTable if table in around.schema.tables
    }
    values = {"columns": columns, "properties": around.catalogue.definitions}
    return Page("parts/mapping_names.html", values, is_fragment=True)


async def save_row(visit: Visit) -> Reply:
    """Keep one row of the proposal, or remove it."""
    found, number = await _proposal(), visit.parts[0]
    document = as_document(found.mapping)
    rows: list[dict[str, Any]] = document["rows"]
    index = len(rows) if number == _NEW else _index(number, rows)
    if visit.given("act") == "remove":
        rows.pop(index)
    else:
        written = {name: visit.given(name) for name in _FIELDS if visit.given(name)}
        kept = {name: one for name, one in (rows[index] if index < len(rows) else {}).items() if name not in _FIELDS}
        rows[index : index + 1] = [{**written, **kept}]
    try:
        mapping = read_mapping(document)
    except MappingError as error:
        return form(number, rows[index] if index < len(rows) else {}, error.defects(_MOST_DEFECTS))
    await (await proposals()).save(mapping, found.base, visit.user.id, found.etag)
    return Redirect(link("mapping", "proposal"), Notice(Tone.OK, said("Kept in the proposal. Nothing is live yet.")))


async def preview(visit: Visit) -> Reply:
    """Show what the proposal changes in the rows; what it does to people follows as a part."""
    found = await _proposal()
    values = {"title": said("Preview"), "proposal": found, "changed": await _changed(found, visit.locale)}
    return Page("pages/mapping_preview.html", values)


async def effect(visit: Visit) -> Reply:
    """Check the proposal against both sides, and plan a sample of people with it. Nothing is written."""
    found = await _proposal()
    services, administration = await app.services(), await app.administration()
    findings = await services.mapping_service.check(found.mapping)
    errors = [one for one in findings if one.severity is Severity.ERROR]
    report = None if errors else await administration.preview.sample(found.mapping, size=_SAMPLE, shown=_SHOWN)
    if not errors:
        findings = (*findings, *await administration.preview.findings(found.mapping))
    same = report.looked_at - report.differing if report else 0
    ends = sum(1 for one in report.sample if one.ends) if report else 0
    values = {
        "findings": [one for one in findings if one.severity is not Severity.NOTE],
        "severities": SEVERITIES,
        "codes": dict.fromkeys(one.code for one in findings if one.severity is Severity.WARNING),
        "errors": errors,
        "report": report,
        "same": same,
        "ends": ends,
        "shares": stacked([(same, "f0"), (report.differing, "f1")]) if report else [],
        "proposal": found,
        "readable": await readable(visit, [one.key for one in report.sample]) if report else frozenset(),
        "why_hidden": why_hidden(visit),
        "text_of": text_of,
    }
    return Page("parts/mapping_effect.html", values, is_fragment=True)


async def apply(visit: Visit) -> Reply:
    """Make the proposal live, if its check allows it and its base is still live."""
    found = await _proposal()
    change = MappingChange(by=visit.user.id, comment=visit.given("comment"), base=found.base, accepted=accepted(visit))
    try:
        result = await (await app.services()).mapping_service.apply(found.mapping, change, app.trial)
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not applied: %(cause)s"), cause=error.summary) from None
    return await applied(result, link("mapping", "proposal", "preview"))


async def discard(visit: Visit) -> Reply:
    """Delete the proposal."""
    del visit
    await (await proposals()).discard()
    return Redirect(link("mapping"), Notice(Tone.INFO, said("The proposal is gone; the live version is as it was.")))


async def _proposal() -> Proposal:
    found = await (await proposals()).read()
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no proposal. Begin one on the page Mapping."))
    return found


async def _changed(found: Proposal, locale: Locale) -> list[str]:
    base = await (await app.services()).mapping_service.version(found.base)
    names = version_name(found.base, locale), locale.say("proposal")
    return difference(base.text, found.text, *names).splitlines()


def form(number: str, row: dict[str, Any], wrong: Sequence[Phrase]) -> Page:
    """Return the form of a row: its number or `new`, what it holds, and what is wrong with that."""
    values = {"title": said("Row"), "row_number": number, "row": row, "wrong": wrong, "tables": list(PersonTable)}
    return Page("pages/mapping_row.html", values, HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)


def _index(text: str, rows: list[Any]) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(rows):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("The proposal has no such row."))
    return int(text) - 1
