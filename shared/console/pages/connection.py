"""Connection: do both accounts answer, and may we do everything (SET-14..17, SET-19)."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.administration.mapping_service import mapping_of
from shared.administration.measures.timer_runs import RunResult, TimerRun
from shared.composition import app
from shared.composition.connections import certificate_end
from shared.composition.setting_groups.ncrontab import next_run
from shared.composition.settings import Settings
from shared.console.rendering.schedules import schedule_in_words
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, Reply, Tone, Visit, link
from shared.domain.mapping.findings import Severity

TIMERS: tuple[tuple[str, Said], ...] = (
    ("poll_schedule", said("Look at Spotler for changes")),
    ("reconcile_schedule", said("Compare everybody on both sides")),
    ("watch_schedule", said("Measure queues and services")),
    ("job_sweep_schedule", said("Find Spotler Jobs that were missed")),
    ("stuck_jobs_schedule", said("Find Spotler Jobs that take too long")),
    ("automations_schedule", said("Refresh automations and campaigns")),
    ("permissions_schedule", said("Write Spotler's permissions into the environment variable")),
    ("drift_schedule", said("Compare both sides with the mapping")),
    ("housekeeping_schedule", said("Delete what is kept no longer")),
    ("engagement_schedule", said("Read mailings and what recipients did")),
    ("engagement_night_schedule", said("Age scores, and delete old interactions")),
    ("round_trip_schedule", said("Measure the round trip of the marked record")),
)

Credential = tuple[Said, Said, str, datetime | None]
"""What it is, a remark, the id to look it up by, and until when it is valid, if that is known."""


async def connection(visit: Visit) -> Reply:
    """Show accounts and schedules at once; the check of both sides follows as a part."""
    services = await app.services()
    settings, runs = services.settings, await services.timer_runs.latest()
    zone = settings.schedule_time_zone or "UTC"
    values = {
        "title": said("Connection"),
        "dataverse": settings.dataverse_url,
        "spotler": settings.spotler_url,
        "simulated": settings.spotler_is_simulated,
        "zone": zone,
        "timers": [
            (name.upper(), text, expression, schedule_in_words(expression, zone, visit.locale), had, following)
            for name, text in TIMERS
            for expression, had in ((getattr(settings, name), _runs_of(name, runs)),)
            for following in (had[0].following if had else next_run(expression, zone, visit.now),)
        ],
        "results": _RESULTS,
        "credentials": _credentials(settings, await asyncio.to_thread(certificate_end, settings)),
        "soon": visit.now + _SOON,
    }
    return Page("pages/connection.html", values)


def _runs_of(setting: str, runs: Sequence[TimerRun]) -> list[TimerRun]:
    return [run for run in runs if run.setting == setting]


def _credentials(settings: Settings, end: datetime | None) -> list[Credential]:
    """Return the credentials of both sides, and the licence. `end` is the moment at which the certificate ends."""
    client = settings.dataverse_client_id
    entra: Credential
    if settings.dataverse_client_secret.get_secret_value():  # used before a certificate
        entra = (said("Client secret of the app registration"), _ENTRA_KNOWS, client, None)
    elif settings.dataverse_certificate.get_secret_value():
        entra = (said("Certificate of the app registration"), _ENTRA_KNOWS, client, end)
    else:
        entra = (said("Managed identity"), said("Azure renews it by itself: nothing expires."), client, None)
    remark = said("They do not expire. Spotler's account shows who made them.")
    return [
        entra,
        (said("Key and secret of Spotler"), remark, "", None),
        (said("Licence of the Spotler account"), _SPOTLER_DOES_NOT_TELL, "", None),
    ]


_SOON = timedelta(days=30)
_SPOTLER_DOES_NOT_TELL = said("Not told by Spotler: edition and term. The capabilities show what the account may do.")
_ENTRA_KNOWS = said("Entra knows until when: App registrations, Certificates and secrets.")
_RESULTS: Mapping[RunResult, tuple[Tone, str, Said]] = {
    RunResult.OK: (Tone.OK, "ok", said("Succeeded")),
    RunResult.FAILED: (Tone.BAD, "bad", said("Failed")),
    RunResult.RESTED: (Tone.NEUTRAL, "pause", said("Rested: shadow")),
}


async def checked(visit: Visit) -> Reply:
    """Ask both sides: services, permissions, capabilities, roles and steps that are missing."""
    services, administration = await app.services(), await app.administration()
    report: dict[str, Any] = await administration.health.check()
    mapping = mapping_of(await services.mapping_service.live())
    findings = [one for one in await services.mapping_service.check(mapping) if one.severity is not Severity.NOTE]
    catalogue = await services.platform.properties()
    permissions = catalogue.named("permissions")
    values = {
        "report": report,
        "at": visit.now,
        "findings": findings,
        "permissions": [one.label for one in permissions.entries] if permissions else [],
        "properties": len(catalogue.definitions),
        "capabilities": report["capabilities"] if isinstance(report["capabilities"], dict) else {},
    }
    return Page("parts/connection.html", values, is_fragment=True)


async def test_capabilities(visit: Visit) -> Reply:
    """Call Spotler's unpublished calls without effect, and keep what is proven."""
    del visit
    found = await (await app.services()).capabilities.check()
    text = said("Tested: %(count)s capabilities. The page shows what was proven.")
    return Redirect(link("connection"), Notice(Tone.INFO, text, {"count": len(found)}))


async def look_now(visit: Visit) -> Reply:
    """Look at Spotler for changes now."""
    del visit
    polled = await (await app.connector()).poll.poll()
    text = said("Looked at Spotler: %(count)s changed contacts.")
    return Redirect(link("connection"), Notice(Tone.OK, text, {"count": polled.seen.total()}))
