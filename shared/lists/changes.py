"""What changes between two synchronisations: a member comes or goes (ML-24), a list ends (ML-28)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from shared.domain.records.jobs import JobStatus
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.recovery.retry import GiveUp
from shared.errors import ConnectorError, DataError, NotFoundError, TransientError
from shared.lists.delivery import Delivery
from shared.lists.list_state import ListMemo
from shared.lists.list_state_repository import Presence
from shared.lists.list_targets import IN_USE
from shared.lists.members import Judged, reason_to_wait
from shared.lists.report import STOPPED
from shared.lists.tools import ListTools
from shared.messages.list_messages import ListClean, ListLook, ListMembers
from shared.ports.dataverse import MarketingList
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)

_GONE_IN_SPOTLER = "The list was deleted in Spotler. Sync it again to make it anew."
_DEACTIVATED = (
    "The list was deactivated, so it was removed from Spotler. Activate it and sync it again to bring it back."
)


class ListChanges:
    """Looks at lists that are in Spotler; of all others it wants to know nothing (ML-26)."""

    def __init__(self, tools: ListTools, *, removes_at_once: bool) -> None:
        """`removes_at_once`: whether somebody who leaves a static list leaves Spotler's list at once (C-28)."""
        self._tools = tools
        self._delivery = Delivery(places=tools.places, memory=tools.memory, members=tools.members)
        self._removes_at_once = removes_at_once

    async def members(self, message: ListMembers, *, lane: QueueName) -> None:
        """Look at single memberships: all members of one message with a few calls."""
        try:
            memo = await self._tools.memory.read(message.list)
            if memo is None or memo.is_dynamic or not memo.is_listed:
                return
            waiting = await self._memberships(memo, message, lane)
        except ConnectorError as error:
            await self._tools.patience.postpone(lane, message, error)
            return
        if waiting.waiting:
            rest = message.model_copy(update={"members": tuple(key.id for key in waiting.waiting)})
            await self._tools.patience.postpone(lane, rest, reason_to_wait(waiting))

    async def look(self, message: ListLook, *, lane: QueueName) -> None:
        """Remove the list from Spotler if it is not there or not active any more (ML-28); otherwise do nothing.

        A list that is activated again stays out until it is synchronised again (ML-30), and a new name waits for that
        as well (ML-20).
        """
        marketing_list: MarketingList | None = None
        try:
            memo = await self._tools.memory.read(message.list)
            if memo is None or not (memo.is_listed or memo.run or memo.generations):
                return
            marketing_list = await self._tools.lists.read_list(message.list)
            if marketing_list is None or not marketing_list.is_active:
                await self._remove(memo, marketing_list)
        except ConnectorError as error:
            await self._postpone_removal(message, error, marketing_list, lane)

    # ------------------------------------------------------------------------------------------------ single members

    async def _memberships(self, memo: ListMemo, message: ListMembers, lane: QueueName) -> Judged:
        wanted = list(dict.fromkeys(message.members))
        present = await self._tools.lists.members_among(memo.id, wanted)
        come = [RecordKey(memo.table, one) for one in wanted if one in present]
        gone = [RecordKey(memo.table, one) for one in wanted if one not in present]
        judged = await self._tools.members.bring(come, memo.rules, lane=lane, correlation=message.correlation)
        try:
            await self.add(memo, frozenset(judged.contacts.values()), attempt=message.attempt)
            if gone and self._removes_at_once and self._tools.places.of(memo.kind).can_remove:
                await self._take_out(memo, gone)
        except NotFoundError:
            await self._gone_in_spotler(memo)
        return judged

    async def add(self, memo: ListMemo, contacts: Collection[str], *, attempt: int) -> frozenset[str]:
        """Add contacts, and note it before and after: the next synchronisation must know. Returns who is not in.

        NotFoundError if Spotler has no such list.
        """
        if not contacts:
            return frozenset()
        where = memo.noted_in
        await self._tools.memory.note(memo.id, where, contacts, Presence.MAYBE)
        unknown = await self._tools.places.add(memo, sorted(contacts))
        added = set(contacts) - unknown
        if unknown:
            repaired = await self._delivery.repair(memo, unknown, attempt=attempt)
            added |= repaired.added
            for key, reason in repaired.failed.items():
                log.warning("%s is not in list %s (%s)", key, memo.id, reason)
        await self._tools.memory.note(memo.id, where, set(contacts) - added, Presence.OUT)
        await self._tools.memory.note(memo.id, where, added, Presence.IN)
        return frozenset(contacts) - added

    async def _take_out(self, memo: ListMemo, gone: Sequence[RecordKey]) -> None:
        contacts = await self._tools.members.contacts_of(gone)
        leaving = [contact for key, contact in contacts.items() if not await self._is_needed(memo, key, contact)]
        where = memo.noted_in
        await self._tools.memory.note(memo.id, where, leaving, Presence.MAYBE)
        await self._tools.places.remove(memo, leaving)
        await self._tools.memory.note(memo.id, where, leaving, Presence.OUT)

    async def _is_needed(self, memo: ListMemo, key: RecordKey, contact: str) -> bool:
        """Whether another member of the list shares the contact."""
        others = await self._tools.members.others_using(contact, key)
        return bool(others) and bool(await self._tools.lists.members_among(memo.id, [other.id for other in others]))

    async def _gone_in_spotler(self, memo: ListMemo) -> None:
        """ML-31: somebody has deleted the list in Spotler; it is not made again behind their back."""
        if memo.run is None:
            await self._tools.memory.save(replace(memo, is_listed=False, generations={}))
        marketing_list = await self._tools.lists.read_list(memo.id)
        if marketing_list is not None:
            await self._tools.reporter.courtesy(marketing_list, SyncStatus.FAILED, "list-gone", _GONE_IN_SPOTLER)

    # ------------------------------------------------------------------------------------------------------ the list

    async def _remove(self, memo: ListMemo, marketing_list: MarketingList | None) -> None:
        if memo.run is not None:
            await self._tools.reporter.jobs(memo.run.jobs, JobStatus.FAILED, Reason.INACTIVE, STOPPED)
            obsolete = (*memo.obsolete, memo.run.generation)
            # Its steps find no synchronisation any more, and end. Until Spotler's list is gone, this comes again.
            memo = await self._tools.memory.save(
                replace(memo, run=None, generations=memo.doubting(memo.run), is_listed=True, obsolete=obsolete)
            )
        await self._tools.places.delete(memo)
        old = tuple(dict.fromkeys((*memo.obsolete, *(memo.generations or {}))))
        memo = await self._tools.memory.save(replace(memo, is_listed=False, generations={}, obsolete=old))
        if old:
            await self._tools.lanes.send(QueueName.BULK, ListClean(list=memo.id, generations=old))
        if marketing_list is None:
            await self._tools.memory.forget(memo)
        else:
            await self._tools.reporter.status(
                marketing_list, SyncStatus.SUCCEEDED, "list-removed", _DEACTIVATED, spotler_id=memo.spotler_id
            )
        log.info("list %s was removed from Spotler", memo.id)

    async def _postpone_removal(
        self, message: ListLook, error: ConnectorError, marketing_list: MarketingList | None, lane: QueueName
    ) -> None:
        """A mailing that uses the list ends some day: try again, then leave it to a person."""
        trouble = TransientError(error.summary, service=error.service, code=error.code)
        if not isinstance(error, DataError) or error.code != IN_USE:
            await self._tools.patience.postpone(lane, message, error)
            return
        if marketing_list is not None and (
            message.attempt == 1 or isinstance(self._tools.patience.after(message, trouble), GiveUp)
        ):
            text = f"{error.summary}. Stop using it there; then it is removed, or delete it in Spotler."
            await self._tools.reporter.courtesy(marketing_list, SyncStatus.FAILED, IN_USE, text)
        await self._tools.patience.postpone(lane, message, trouble)


def memberships(pairs: Mapping[tuple[UUID, UUID], str]) -> list[ListMembers]:
    """Group pairs of list and person (with their correlation ids) by list: a change fires several events."""
    grouped: dict[UUID, dict[UUID, str]] = {}
    for (marketing_list, person), correlation in pairs.items():
        grouped.setdefault(marketing_list, {})[person] = correlation
    return [
        ListMembers(list=marketing_list, members=tuple(people), correlation=list(people.values())[-1])
        for marketing_list, people in grouped.items()
    ]
