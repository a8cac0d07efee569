"""An hour without one of the services, over twins with a clock that is moved by hand: seconds instead of an hour.

The engine, its retries and its messages are the real ones. A call of a twin stands for one call of a port: what the
HTTP clients repeat within a call is left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.domain.records.records import RecordKey, Reference, Why
from shared.errors import ConnectorError, TransientError
from shared.ports.queue import QueueName
from tests.chaos.figures import Figures
from tests.connector_twin import ConnectorTwin, person

_FOR_EVER = datetime.max.replace(tzinfo=UTC)
_BATCH, _MOST_DELIVERIES = 500, 10
_MINUTES = 60
_POLL = 15


class Down(StrEnum):
    """What is away."""

    SPOTLER = "Spotler"
    DATAVERSE = "Dataverse"
    STATE = "state store"


_CALLS = {
    Down.SPOTLER: ("upsert", "insert", "search", "contact", "updates", "bounces", "anonymize", "update", "inactivate"),
    Down.DATAVERSE: ("read_people", "people_using", "people_page", "people_of_permissions", "read_jobs", "report"),
    Down.STATE: ("read", "write", "scan"),
}


async def an_hour_without(down: Down, people: int) -> Figures:
    """Let people work on for an hour of which one service is away, and for as long as the connector then needs."""
    dice = random.Random(people)
    twin = ConnectorTwin()
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(people)]
    await twin.sync(*keys)
    await twin.poll()
    figures = Figures(f"{down} down for an hour (simulated clock)", records=people)
    service = {Down.SPOTLER: twin.platform, Down.DATAVERSE: twin.crm, Down.STATE: twin.store}[down]
    calls = _calls(twin)
    service.broken = {call: TransientError("down") for call in _CALLS[down]}
    before, began = sum(service.calls.values()), twin.clock.now()
    saved = {}
    opted_out = set(dice.sample(keys, people // 20))
    for minute in range(_MINUTES):
        some = keys[minute * people // _MINUTES : (minute + 1) * people // _MINUTES]
        for key in some:
            if key in opted_out:
                twin.platform.opt_out(twin.contact_of(_address(twin, key)))
            twin.crm.edit(key, firstname=f"Minute {minute}")
            saved[key] = twin.clock.now()
        await twin.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED) for key in some])
        await _work_until(twin, began + timedelta(minutes=minute + 1), figures)
        if minute % _POLL == 0:
            await _poll(twin)
    figures.faults = sum(service.calls.values()) - before
    service.broken = {}
    healed = twin.clock.now()
    await _work_until(twin, _FOR_EVER, figures)
    figures.recovery = (twin.clock.now() - healed).total_seconds()
    await _poll(twin)
    await _work_until(twin, _FOR_EVER, figures)
    figures.requests = _calls(twin) - calls
    figures.dead = len(twin.queue.dead)
    figures.slowest = max(
        (contact.last_changed - saved[key]).total_seconds()
        for key in keys
        if key not in opted_out and (contact := twin.contact_of(_address(twin, key))).last_changed is not None
    )
    assert _complaints(twin, keys, opted_out) == []
    return figures


def _complaints(twin: ConnectorTwin, keys: Iterable[RecordKey], opted_out: set[RecordKey]) -> list[str]:
    complaints = [f"{claim} is still claimed" for claim in twin.claims()]
    for key in keys:
        record, contact = twin.crm.people[key], twin.contact_of(_address(twin, key))
        if key in opted_out:
            if not contact.is_inactive:
                complaints.append(f"{key} was opted in again")
            continue
        if contact.values["firstName"] != record.values["firstname"]:
            complaints.append(f"{key} differs")
        if record.status is None or record.status.reason_code not in {"updated", "agreed", "created"}:
            complaints.append(f"{key} has no outcome")
    return complaints


async def _work_until(twin: ConnectorTwin, moment: datetime, figures: Figures) -> None:
    """Deliver what falls due until a moment."""
    deliveries: Counter[int] = Counter()
    while twin.queue.waiting:
        due = twin.queue.due()
        if not due:
            upcoming = min(one.due for one in twin.queue.waiting)
            if upcoming > moment:
                break
            twin.clock.advance(upcoming - twin.clock.now())
            continue
        batch = [one for one in due if one.lane is due[0].lane][:_BATCH]
        deliveries.update(one.number for one in batch)
        assert max(deliveries.values()) <= _MOST_DELIVERIES, "Service Bus would have dead-lettered it"
        figures.retries += sum(one.message.not_before is not None for one in batch)
        try:
            await twin.receive(batch)
        except ConnectorError:
            twin.clock.advance(timedelta(minutes=1))  # the lock ends, the messages come again
    if moment < _FOR_EVER and twin.clock.now() < moment:
        twin.clock.advance(moment - twin.clock.now())


async def _poll(twin: ConnectorTwin) -> None:
    try:
        await twin.poller.poll()
    except ConnectorError:
        return  # the next one begins where this one should have begun


def _address(twin: ConnectorTwin, key: RecordKey) -> str:
    return str(twin.crm.people[key].values["emailaddress1"])


def _calls(twin: ConnectorTwin) -> int:
    return sum(sum(service.calls.values()) for service in (twin.crm, twin.platform))
