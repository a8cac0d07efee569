"""Resolves the members of a list to Spotler contacts: included, left out with a reason, or waiting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.features.lists import LeftOut, ListRules, left_out_because
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import PersonRecord, RecordKey
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.contact_lookup import Contacts
from shared.engine.report import is_success
from shared.errors import ConfigurationError, ConnectorError, ThrottledError, TransientError
from shared.ports.queue import QueueName

MEMBER_ATTEMPTS = 4
"""After this many attempts a synchronisation continues without members that are still waiting."""

_PAUSE = timedelta(seconds=30)


@dataclass(slots=True)
class MemberSelection:
    """The result for members: the external id of their contact, or why they are left out.

    `waiting` need another attempt.

    `new_subscribers` have no contact yet, and were not synchronised.
    """

    contacts: dict[RecordKey, str] = field(default_factory=dict)
    skipped: dict[RecordKey, str] = field(default_factory=dict)
    failed: dict[RecordKey, str] = field(default_factory=dict)
    waiting: dict[RecordKey, Reason] = field(default_factory=dict)
    new_subscribers: list[RecordKey] = field(default_factory=list)


class Members:
    """Resolves members by the conditions of synchronisation and by the two fields of the list."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts
        self._ledger = contacts.ledger

    async def select(self, members: Sequence[RecordKey], rules: ListRules) -> MemberSelection:
        """Resolve without writing anything (ML-16, ML-17)."""
        selection, _ = await self._select(members, rules)
        return selection

    async def resolve(
        self, members: Sequence[RecordKey], rules: ListRules, *, lane: QueueName, correlation: str = ""
    ) -> MemberSelection:
        """Resolve, and first synchronise members without a contact, in bulk (ML-18)."""
        selection, untold = await self._select(members, rules)
        # A record without any Spotler Status goes to the engine, so that the record itself shows what is wrong.
        await self._synchronise([*selection.new_subscribers, *untold], selection, lane, correlation)
        return selection

    async def find_again(self, contacts: Collection[str]) -> MemberSelection:
        """Synchronise people whose contact Spotler does not know (any more), with all values."""
        selection = MemberSelection()
        users = [user for contact in contacts for user in await self._ledger.users_of(contact)]
        await self._contacts.doubt(contacts)
        await self._synchronise(list(dict.fromkeys(users)), selection, QueueName.BULK, "")
        return selection

    async def contacts_of(self, members: Collection[RecordKey]) -> dict[RecordKey, str]:
        """Return the contacts of people that are in Spotler."""
        return await self._contacts.known(members)

    async def others_using(self, contact: str, key: RecordKey) -> list[RecordKey]:
        """Return the other records of the same table that share a contact."""
        users = await self._ledger.users_of(contact)
        return [user for user in users if user != key and user.table is key.table]

    async def _select(self, members: Sequence[RecordKey], rules: ListRules) -> tuple[MemberSelection, list[RecordKey]]:
        selection = MemberSelection()
        untold: list[RecordKey] = []
        if not members:
            return selection, untold
        entries = await self._ledger.entries(members)
        records = await self._contacts.crm.read_people(members)
        for key in dict.fromkeys(members):
            record, entry = records.get(key), entries[key]
            reason = self._left_out_because(key, record, entry, rules)
            if reason is None and entry.binding.is_live:
                selection.contacts[key] = entry.binding.external_id
            elif reason is None:
                selection.new_subscribers.append(key)
            else:
                selection.skipped[key] = reason
                if _has_no_status(record, entry) and reason is not LeftOut.NO_BULK:
                    untold.append(key)
        return selection, untold

    def _left_out_because(
        self, key: RecordKey, record: PersonRecord | None, entry: Entry, rules: ListRules
    ) -> Reason | LeftOut | None:
        return left_out_because(
            self._contacts.unmet(key, record),
            rules,
            refuses_bulk=record is not None and refuses_bulk(record),
            is_known=entry.binding.is_live,
        )

    async def _synchronise(
        self, people: Sequence[RecordKey], selection: MemberSelection, lane: QueueName, correlation: str
    ) -> None:
        for key, end in (await self._contacts.synchronise(people, lane=lane, correlation=correlation)).items():
            _take(key, end.outcome, end.external_id, selection)


def _take(key: RecordKey, outcome: Outcome, external_id: str, selection: MemberSelection) -> None:
    selection.skipped.pop(key, None)
    if is_success(outcome) and external_id:
        selection.contacts[key] = external_id
    elif outcome.result is Result.WAITING:
        selection.waiting[key] = outcome.reason
    elif outcome.result is Result.SKIPPED:
        selection.skipped[key] = outcome.reason
    else:
        selection.failed[key] = outcome.reason


def _has_no_status(record: PersonRecord | None, entry: Entry) -> bool:
    return record is not None and record.status is None and not entry.binding.is_live


def reason_to_wait(selection: MemberSelection) -> ConnectorError:
    """Return the error that decides when waiting members get another attempt."""
    reasons = set(selection.waiting.values())
    if Reason.MISCONFIGURED in reasons:
        return ConfigurationError(WorkCause.MEMBERS_MISCONFIGURED())
    if Reason.THROTTLED in reasons:
        return ThrottledError(WorkCause.MEMBERS_PAUSE(), retry_after=_PAUSE)
    return TransientError(SpotlerCause.MEMBERS_UNSENT(), code=min(reasons))


def wait_or_leave_out(selection: MemberSelection, attempt: int) -> None:
    """Raise the error that repeats the step; after some attempts, leave the waiting members out."""
    error = reason_to_wait(selection)
    if not isinstance(error, TransientError) or attempt < MEMBER_ATTEMPTS:
        raise error
    selection.failed |= dict.fromkeys(selection.waiting, LeftOut.LATE)
