"""Routes an event: to records, jobs, permission rows, lists or members."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.adapters.dataverse.events.events import DataverseEvent, Message
from shared.adapters.dataverse.records import tables
from shared.domain.records.records import Lookup, PersonTable, RecordKey, Reference, Why

_REASONS: Mapping[Message | str, Why] = {
    Message.DELETE: Why.DELETED,
    Message.DELETE_MULTIPLE: Why.DELETED,
    Message.MERGE: Why.MERGED,
    Message.QUALIFY_LEAD: Why.QUALIFIED,
}

_PEOPLE = frozenset(str(table) for table in PersonTable)
_CREATIONS = frozenset({Message.CREATE, Message.CREATE_MULTIPLE, Message.UPSERT_MULTIPLE})
_DELETIONS = frozenset({Message.DELETE, Message.DELETE_MULTIPLE})


@dataclass(frozen=True, slots=True)
class Routed:
    """What to process; all empty if the event is of no interest."""

    people: tuple[Reference, ...] = ()
    jobs: tuple[UUID, ...] = ()
    permissions: tuple[UUID, ...] = ()
    lists: tuple[UUID, ...] = ()
    memberships: tuple[tuple[UUID, UUID], ...] = ()
    """Pairs of list and member."""


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """The identity of the connector in its own writes: their tag and their user.

    `user` is None until it is known; meanwhile no write counts as the connector's, and each costs a read.
    """

    tag: str
    user: UUID | None

    def wrote(self, event: DataverseEvent) -> bool:
        """Return whether an event reports a write of the connector.

        Any caller of the Web API can choose the tag, so the calling and the impersonated user must also be the
        connector's. A plug-in that answers a write has the same tag and users, but a greater depth (decision 6).
        """
        if self.user is None or self.tag not in event.tags or event.depth > 1:
            return False
        return event.initiating_user == event.user == self.user


def route(event: DataverseEvent, *, own: OwnIdentity) -> Routed:
    """Turn an event into references. The connector's own writes are of no interest, except created records.

    A created record is processed because the worker may have ended before it stored the binding.

    CS-08..CS-13: created, changed, activated, deactivated, deleted, merged, qualified; CS-11: permissions changed.
    """
    correlation = str(event.correlation_id or "")
    rows = tuple(Lookup(event.table, row) for row in event.rows)
    if own.wrote(event):
        return Routed(people=_people(rows if event.message in _CREATIONS else (), Why.PLATFORM, correlation))
    if event.table == tables.JOB:
        return Routed(jobs=event.rows) if event.message in _CREATIONS else Routed()
    if event.table == tables.PERMISSION:
        owners = _people(event.references, Why.PERMISSION, correlation)
        # A message about one row names all owners or none; a message about several rows may name some of them.
        is_complete = event.message in _DELETIONS or (owners and event.id is not None)
        return Routed(people=owners, permissions=() if is_complete else event.rows)
    names_list = any(lookup.table == tables.LIST for lookup in event.references)
    if event.table in _ABOUT_LISTS or (event.message in _LINKS and names_list):
        return _about_lists(event)
    if event.table not in _PEOPLE and event.message not in _REASONS:
        return Routed()
    why = _REASONS.get(event.message, Why.SAVED)
    touched = event.references if event.message in {Message.MERGE, Message.QUALIFY_LEAD} else rows
    return Routed(people=_people((*rows, *touched), why, correlation))


_ABOUT_LISTS = frozenset({tables.LIST, tables.LIST_MEMBER})
_LINKS = frozenset({Message.ASSOCIATE, Message.DISASSOCIATE})
_LIST_CHANGES = frozenset({Message.UPDATE, Message.UPDATE_MULTIPLE, Message.UPSERT_MULTIPLE})
_LIST_ENDS = frozenset({*_DELETIONS, Message.SET_STATE, Message.SET_STATE_DYNAMIC_ENTITY})


def _about_lists(event: DataverseEvent) -> Routed:
    """Route a changed membership, which several kinds of events report (ML-24, C-28), or an ended list (ML-28)."""
    lists = dict.fromkeys(lookup.id for lookup in event.references if lookup.table == tables.LIST)
    people = dict.fromkeys([*(lookup.id for lookup in event.references if lookup.table in _PEOPLE), *event.members])
    # One request may associate a record with several lists, or several records with one. A wrong pair costs a read.
    if pairs := tuple((one, person) for one in lists for person in people):
        return Routed(memberships=pairs)
    if event.table != tables.LIST:
        return Routed()
    may_end = event.message in _LIST_CHANGES and (not event.changed or "statecode" in event.changed)
    return Routed(lists=event.rows) if may_end or event.message in _LIST_ENDS else Routed()


def _people(lookups: tuple[Lookup, ...], why: Why, correlation: str) -> tuple[Reference, ...]:
    people = dict.fromkeys(lookup for lookup in lookups if lookup.table in _PEOPLE)
    return tuple(Reference(RecordKey(PersonTable(lookup.table), lookup.id), why, correlation) for lookup in people)
