"""Checks and the audit log: can I trust it, and who did what."""

from shared.composition import app
from shared.console.access.audit import AuditLog
from shared.console.csv_file import csv_file
from shared.console.rendering.words import said
from shared.console.web import Page, Reply, Visit, link
from shared.telemetry.activity import ECHO


async def checks(visit: Visit) -> Reply:
    """Show the nightly comparison of both sides, and how many changes were echoes of our own writes."""
    del visit
    connector = await app.connector()
    quarters = await (await app.services()).activity.last_day()
    echoes = sum(quarter.outcomes.get(f"{ECHO}/{ECHO}", 0) for quarter in quarters)
    values = {
        "title": said("Checks"),
        "echoes": echoes,
        "walks": await connector.reconciliation.state(),
        "comparison": await connector.comparison.state(),
        "on": connector.settings.reconcile,
        "nights": connector.settings.reconcile_days,
    }
    return Page("pages/checks.html", values)


async def audit(visit: Visit) -> Reply:
    """List the acts of users of the console, newest first."""
    entries, following = await (await _log()).latest(after=visit.asked("after"))
    values = {
        "title": said("Audit log"),
        "entries": entries,
        "next": link("audit", after=following) if following else "",
    }
    return Page("pages/audit.html", values)


async def audit_csv(visit: Visit) -> Reply:
    """Return every act as CSV."""
    del visit
    rows = [
        {
            "at": one.at.isoformat(timespec="seconds"),
            "user": one.user,
            "role": one.role,
            "act": one.act,
            "subject": one.subject,
            "result": one.result,
        }
        async for one in (await _log()).every()
    ]
    return csv_file("audit", ("at", "user", "role", "act", "subject", "result"), rows)


async def _log() -> AuditLog:
    services = await app.services()
    return AuditLog(services.store, services.clock, services.settings.environment)
