"""What an event means for the connector: which people, jobs, permission rows, lists or members to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.core.records import Lookup, PersonTable, RecordKey, Reference, Why
from shared.dataverse import tables
from shared.dataverse.events import DataverseEvent, Message

_REASONS: Mapping[Message | str, Why] = {
    Message.DELETE: Why.DELETED,
    Message.MERGE: Why.MERGED,
    Message.QUALIFY_LEAD: Why.QUALIFIED,
}

_PEOPLE = frozenset(str(table) for table in PersonTable)


@dataclass(frozen=True, slots=True)
class Routed:
    """What to look at; all empty when the event is of no interest."""

    people: tuple[Reference, ...] = ()
    jobs: tuple[UUID, ...] = ()
    permissions: tuple[UUID, ...] = ()
    lists: tuple[UUID, ...] = ()
    memberships: tuple[tuple[UUID, UUID], ...] = ()
    """Pairs of list and person."""


def route(event: DataverseEvent, *, own_tag: str) -> Routed:
    """Turn an event into references. Our own writes are of no interest: they carry our tag.

    Except new subscribers that we created: who did so may have died before binding them.

    CS-08..CS-13: created, changed, activated, deactivated, deleted, merged, qualified; CS-11: permissions changed.
    """
    correlation = str(event.correlation_id or "")
    if own_tag in event.tags:
        newcomers = (Lookup(event.table, event.id),) if event.id and event.message == Message.CREATE else ()
        return Routed(people=_people(newcomers, Why.SPOTLER, correlation))
    if event.table == tables.JOB:
        return Routed(jobs=(event.id,)) if event.id and event.message == Message.CREATE else Routed()
    if event.table == tables.PERMISSION:
        owners = _people(event.references, Why.PERMISSION, correlation)
        unknown = (event.id,) if event.id and not owners and event.message != Message.DELETE else ()
        return Routed(people=owners, permissions=unknown)
    names_list = any(lookup.table == tables.LIST for lookup in event.references)
    if event.table in _ABOUT_LISTS or (event.message in _LINKS and names_list):
        return _about_lists(event)
    if event.table not in _PEOPLE and event.message not in _REASONS:
        return Routed()
    own = (Lookup(event.table, event.id),) if event.id else ()
    why = _REASONS.get(event.message, Why.SAVED)
    touched = event.references if event.message in {Message.MERGE, Message.QUALIFY_LEAD} else own
    return Routed(people=_people((*own, *touched), why, correlation))


_ABOUT_LISTS = frozenset({tables.LIST, tables.LIST_MEMBER})
_LINKS = frozenset({Message.ASSOCIATE, Message.DISASSOCIATE})
_LIST_ENDS = frozenset({Message.DELETE, Message.SET_STATE, Message.SET_STATE_DYNAMIC_ENTITY})


def _about_lists(event: DataverseEvent) -> Routed:
    """A member comes or goes, whichever of its several events tells it (ML-24, C-28); a list ends (ML-28)."""
    lists = [lookup.id for lookup in event.references if lookup.table == tables.LIST]
    people = [lookup.id for lookup in event.references if lookup.table in _PEOPLE]
    if pairs := [(one, person) for one in lists[:1] for person in dict.fromkeys((*people, *event.members))]:
        return Routed(memberships=tuple(pairs))
    if event.table != tables.LIST or event.id is None:
        return Routed()
    may_end = event.message == Message.UPDATE and (not event.changed or "statecode" in event.changed)
    return Routed(lists=(event.id,)) if may_end or event.message in _LIST_ENDS else Routed()


def _people(lookups: tuple[Lookup, ...], why: Why, correlation: str) -> tuple[Reference, ...]:
    people = dict.fromkeys(lookup for lookup in lookups if lookup.table in _PEOPLE)
    return tuple(Reference(RecordKey(PersonTable(lookup.table), lookup.id), why, correlation) for lookup in people)
