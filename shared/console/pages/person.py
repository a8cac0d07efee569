"""Person: why is somebody (not) in Spotler, may we mail them, what happens next (VAL-09, BNC-13, STA-07)."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from shared.administration.people.both_sides import Agreement, name_of
from shared.administration.people.both_sides import explained as read_both_sides
from shared.composition import app
from shared.console.access.values import note_views, readable, why_hidden
from shared.console.reasons import TONES, Actor, Cure, Kind, cure_of, kind_of, text_of
from shared.console.rendering.code_words import TABLES
from shared.console.rendering.happenings import happenings
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.consent.changes import permission
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.queue import QueueName

_REASON_OF_TEXT = {text: reason for reason, text in TEXTS.items()}

_AGREEMENTS: Mapping[Agreement, tuple[Tone, str, Said]] = {
    Agreement.STOPS: (Tone.BAD, "bad", said("Stops the record")),
    Agreement.TO_DECIDE: (Tone.WARN, "warn", said("To decide")),
    Agreement.LEFT_ALONE: (Tone.WARN, "hold", said("Left alone")),
    Agreement.MISFIT: (Tone.BAD, "bad", said("Does not fit")),
    Agreement.WOULD_BE_SENT: (Tone.INFO, "clock", said("Would be sent")),
    Agreement.COMES_HOME: (Tone.INFO, "clock", said("Goes to Dynamics")),
    Agreement.DYNAMICS_WON: (Tone.OK, "ok", said("Dynamics won")),
    Agreement.SPOTLER_WON: (Tone.OK, "ok", said("Spotler won")),
    Agreement.STAYS_APART: (Tone.NEUTRAL, "neutral", said("Stays apart")),
    Agreement.NOT_SENT: (Tone.NEUTRAL, "neutral", said("Not sent")),
    Agreement.EQUAL: (Tone.OK, "ok", said("Equal")),
}

_NOTES: Mapping[Agreement, Said] = {
    Agreement.STOPS: said("expects %(expected)s"),
    Agreement.MISFIT: said("expects %(expected)s; the other fields go on"),
    Agreement.TO_DECIDE: said("both sides changed it: make them equal in Dynamics or in Spotler"),
    Agreement.LEFT_ALONE: said("changed to and fro too often: something rewrites it"),
    Agreement.STAYS_APART: said("the sides differ, and the rule of the row lets nothing travel"),
}


_ASKED = said("Both sides changed a field, and the rule of its row leaves it to a person.")
_DECIDE = Cure(
    said("Choose for each field whose value counts, below."),
    Actor.ADMINISTRATOR,
    said("When an administrator has decided."),
)


async def person(visit: Visit) -> Reply:
    """Show what the connector knows at once; what asks Dataverse and Spotler follows as a part."""
    key = key_of(visit)
    connector, services = await app.connector(), await app.services()
    entry = (await connector.ledger.entries([key]))[key]
    values = {
        "title": said("Person"),
        "key": key,
        "table_name": TABLES[key.table],
        "entry": entry,
        "outcome": entry.outcome,
        "kind": kind_of(entry.outcome.result, entry.outcome.reason) if entry.outcome else Kind.WAITING,
        "reason_text": text_of(entry.outcome.reason) if entry.outcome else "",
        "tones": TONES,
        "explained_at": link("person", key.table, str(key.id), "explained"),
        "jobs_at": link("parts", "jobs", person=str(key)),
        "dynamics": in_dynamics(services.settings.dataverse_url, key),
        "is_on": key.table in services.settings.sync_tables,
    }
    return Page("pages/person.html", values)


async def explained(visit: Visit) -> Reply:
    """Read both sides and plan: assessment, way to Spotler, fields, consent, bounces. Values need the right."""
    key = key_of(visit)
    found = await read_both_sides((await app.connector()).explain, key)
    sees_values = bool(await readable(visit, [key]))
    if sees_values and found.fields:
        await note_views(visit, [key])
    shown = [one for one in found.fields if one.agreement is not Agreement.EQUAL]
    report = found.report
    values = {
        "report": report,
        "key": key,
        "name": found.name if sees_values else "",
        "assessment": _assessment(report),
        "steps": _steps(report),
        "fields": shown or found.fields[:5],
        "equal": [one for one in found.fields if one.agreement is Agreement.EQUAL] if shown else found.fields[5:],
        "agreements": _AGREEMENTS,
        "notes": _NOTES,
        "sees_values": sees_values,
        "why_hidden": why_hidden(visit),
        "text_of": text_of,
        "permissions": await _permission_names(),
        "happenings": happenings(report),
        "refusals": [one for one in report["refusedAtAddress"] if not one["lifted"]],
    }
    return Page("parts/explained.html", values, is_fragment=True)


async def name(visit: Visit) -> Reply:
    """Return the name of a person, for a page that has the id; nothing without the right to values."""
    key = key_of(visit)
    found = (await names_of(visit, [key])).get(key, "")
    return Page("parts/name.html", {"name": found}, is_fragment=True)


async def names_of(visit: Visit, keys: Collection[RecordKey]) -> Mapping[RecordKey, str]:
    """Read the names of those whose values the user may see; the audit log has whose. Raises ConnectorErrors."""
    allowed = await readable(visit, keys)
    records = await (await app.connector()).crm.read_people(sorted(allowed, key=str)) if allowed else {}
    named = {key: found for key, record in records.items() if (found := name_of(record))}
    await note_views(visit, named)
    return named


async def _permission_names() -> dict[str, str]:
    """Return what Spotler calls each permission, by the subject of a change of consent."""
    definition = (await (await app.services()).platform.properties()).named("permissions")
    return {permission(one.bit): one.label for one in definition.entries} if definition else {}


async def sync(visit: Visit) -> Reply:
    """Send the record to the live lane: it is compared and written like after a save."""
    key = key_of(visit)
    connector = await app.connector()
    if key.table not in connector.settings.sync_tables:
        raise RefusedError(HTTPStatus.CONFLICT, said("Synchronisation is not enabled for this table: SYNC_TABLES."))
    await connector.resync.some([key], QueueName.LIVE, correlation=str(uuid4()))
    text = said("Sent. The record is compared with Spotler within seconds; load the page again to see the result.")
    return Redirect(link("person", key.table, str(key.id)), Notice(Tone.INFO, text))


def in_dynamics(url: str, key: RecordKey) -> str:
    """Return the address of a record in Dynamics; empty while the environment is not known."""
    return f"{url.rstrip('/')}/main.aspx?pagetype=entityrecord&etn={key.table}&id={key.id}" if url else ""


def key_of(visit: Visit) -> RecordKey:
    """Return the record that the address names."""
    try:
        return RecordKey(PersonTable(visit.parts[0]), UUID(visit.parts[1]))
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such record.")) from None


def _steps(report: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Return the conditions: text, what it is (met, missed, later), and the reason. What follows a miss is grey."""
    steps: list[tuple[str, str, Any]] = []
    is_missed = False
    for one in report["conditions"]:
        state = "later" if is_missed else "met" if one["met"] else "missed"
        is_missed = is_missed or not one["met"]
        steps.append((str(one["condition"]), state, _REASON_OF_TEXT.get(one.get("why", ""))))
    return steps


def _assessment(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the assessment with its four parts: why, what to do, who acts, when it is tried again."""
    plan, asked = report["plan"], [name for name, one in report["merged"].items() if one == "asked"]
    reason = Reason(plan["reason"])
    is_in = bool(report["inSpotler"])
    kind = kind_of(str(plan.get("result", "written")), reason)
    if report["heldSince"]:
        reason, kind = Reason.MASS_ERASURE, Kind.WAITING
    cure = _DECIDE if asked else cure_of(reason)
    tone = Tone.WARN if asked or report["heldSince"] else Tone.OK if is_in and kind is Kind.ARRIVED else TONES[kind]
    if is_in:
        heading = said("In Spotler, and a person has to decide") if asked else said("In Spotler")
    elif kind is Kind.ARRIVED and plan["action"] == "write":
        heading, tone = said("Not in Spotler yet: it would be sent"), Tone.INFO
    else:
        heading = said("Not in Spotler")
    return {
        "tone": tone,
        "heading": heading,
        "why": _ASKED if asked else TEXTS[reason],
        "reason": reason,
        "problems": plan.get("leftOut", ()),
        "cure": cure,
        "mail": report["mail"],
    }
