"""Forecasts: what a proposal of the mapping, or going live, would do to everybody. Nothing is written."""

from http import HTTPStatus
from typing import Any

from shared.composition import app
from shared.console.access.values import readable, why_hidden
from shared.console.proposals import Proposals
from shared.console.reasons import text_of
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Unchanged, Visit, link
from shared.dispatch.forecasts import Forecast
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.records.records import RecordKey
from shared.messages.lane_messages import Subject

_MOST_READ = 30
"""Records whose values are read again for a page."""

_PAGES = {Subject.MAPPING: ("mapping", "proposal", "preview"), Subject.LIVE: ("mode",)}


async def begin(visit: Visit) -> Reply:
    """Plan everybody with the proposal, or as if the connector were live."""
    subject = _subject(visit)
    mapping = None
    if subject is Subject.MAPPING:
        services = await app.services()
        found = await Proposals(services.store, services.clock, services.settings.environment).read()
        if found is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no proposal. Begin one on the page Mapping."))
        mapping = found.mapping
    await (await app.connector()).forecasts.begin(subject, mapping, by=visit.user.id)
    text = said("Everybody is being planned. You can close this page; nothing is written.")
    return Redirect(link(*_PAGES[subject]), Notice(Tone.INFO, text))


async def progress(visit: Visit) -> Reply:
    """Show how far a forecast is and what it found; nothing if nothing has changed."""
    subject = _subject(visit)
    found = await (await app.connector()).forecasts.latest(subject)
    if found is not None and visit.asked("saved") == found.saved.isoformat():
        return Unchanged(ended=found.is_finished)
    values: dict[str, Any] = {
        "subject": subject,
        "forecast": found,
        "records": [],
        "why_hidden": why_hidden(visit),
        "text_of": text_of,
    }
    values["renewed"] = bool(visit.asked("saved"))
    if found is not None:
        values |= await _shown(found)
        values["readable"] = await readable(visit, [one.key for one in values["records"]])
    return Page("parts/forecast.html", values, is_fragment=True)


async def _shown(found: Forecast) -> dict[str, Any]:
    actions = [
        (before, after, text_of(before), text_of(after), count)
        for name, count in sorted(found.tally.actions.items(), key=lambda one: -one[1])
        for before, _, after in [name.partition(" -> ")]
    ]
    return {
        "actions": actions,
        "same": found.tally.done - found.tally.differing,
        "most": max((count for *_, count in actions), default=0),
        "records": await _records(found) if found.is_finished else [],
        "is_current": await _is_current(found),
    }


async def _records(found: Forecast) -> list[Any]:
    """Read some records of each kind again, for their values before and after."""
    if found.subject is not Subject.MAPPING:
        return []
    keys = dict.fromkeys(RecordKey.parse(one) for ids in found.tally.samples.values() for one in ids[:2])
    chosen = list(keys)[:_MOST_READ]
    preview = (await app.connector()).preview
    return list((await preview.records(from_yaml(found.text), chosen, shown=_MOST_READ)).sample)


async def _is_current(found: Forecast) -> bool:
    """Whether the proposal is still the one that was planned."""
    if found.subject is not Subject.MAPPING:
        return True
    services = await app.services()
    proposal = await Proposals(services.store, services.clock, services.settings.environment).read()
    return proposal is not None and proposal.text == found.text


def _subject(visit: Visit) -> Subject:
    if visit.parts[0] not in set(Subject):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such forecast."))
    return Subject(visit.parts[0])
