"""Changes between two synchronisations: a member joins or leaves (ML-24), a list ends (ML-28)."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from shared.domain.records.jobs import JobStatus
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.recovery.retry import GiveUp
from shared.errors import ConnectorError, DataError, NotFoundError, TransientError
from shared.lists.delivery import ListDelivery
from shared.lists.list_state import ListState
from shared.lists.list_state_repository import MemberPresence
from shared.lists.list_targets import IN_USE
from shared.lists.members import MemberSelection, reason_to_wait
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
    """Handles changes of lists that are in Spotler; ignores all others (ML-26)."""

    def __init__(self, tools: ListTools, *, removes_at_once: bool) -> None:
        """`removes_at_once`: whether a member who leaves a static list leaves Spotler's list at once (C-28)."""
        self._tools = tools
        self._delivery = ListDelivery(targets=tools.targets, states=tools.states, members=tools.members)
        self._removes_at_once = removes_at_once

    async def members(self, message: ListMembers, *, lane: QueueName) -> None:
        """Handle single memberships: all members of one message with a few calls."""
        try:
            state = await self._tools.states.read(message.list)
            if state is None or state.is_dynamic or not state.is_listed:
                return
            waiting = await self._memberships(state, message, lane)
        except ConnectorError as error:
            await self._tools.redelivery.postpone(lane, message, error)
            return
        if waiting.waiting:
            rest = message.model_copy(update={"members": tuple(key.id for key in waiting.waiting)})
            await self._tools.redelivery.postpone(lane, rest, reason_to_wait(waiting))

    async def check_list(self, message: ListLook, *, lane: QueueName) -> None:
        """Remove the list from Spotler if it is deleted or not active (ML-28); otherwise do nothing.

        A list that is activated again stays out until it is synchronised again (ML-30); so does a new name (ML-20).
        """
        marketing_list: MarketingList | None = None
        try:
            state = await self._tools.states.read(message.list)
            if state is None or not (state.is_listed or state.run or state.snapshots):
                return
            marketing_list = await self._tools.lists.read_list(message.list)
            if marketing_list is None or not marketing_list.is_active:
                await self._remove(state, marketing_list)
        except ConnectorError as error:
            await self._postpone_removal(message, error, marketing_list, lane)

    # ------------------------------------------------------------------------------------------------ single members

    async def _memberships(self, state: ListState, message: ListMembers, lane: QueueName) -> MemberSelection:
        wanted = list(dict.fromkeys(message.members))
        present = await self._tools.lists.members_among(state.id, wanted)
        come = [RecordKey(state.table, one) for one in wanted if one in present]
        gone = [RecordKey(state.table, one) for one in wanted if one not in present]
        selection = await self._tools.members.resolve(come, state.rules, lane=lane, correlation=message.correlation)
        try:
            await self.add(state, frozenset(selection.contacts.values()), attempt=message.attempt)
            if gone and self._removes_at_once and self._tools.targets.of(state.kind).can_remove:
                await self._remove_members(state, gone)
        except NotFoundError:
            await self._gone_in_spotler(state)
        return selection

    async def add(self, state: ListState, contacts: Collection[str], *, attempt: int) -> frozenset[str]:
        """Add contacts, noting it before and after for the next synchronisation. Returns those that are not in.

        NotFoundError if Spotler has no such list.
        """
        if not contacts:
            return frozenset()
        where = state.noted_in
        await self._tools.states.note(state.id, where, contacts, MemberPresence.UNCERTAIN)
        unknown = await self._tools.targets.add(state, sorted(contacts))
        added = set(contacts) - unknown
        if unknown:
            repaired = await self._delivery.repair(state, unknown, attempt=attempt)
            added |= repaired.added
            for key, reason in repaired.failed.items():
                log.warning("%s is not in list %s (%s)", key, state.id, reason)
        await self._tools.states.note(state.id, where, set(contacts) - added, MemberPresence.OUT)
        await self._tools.states.note(state.id, where, added, MemberPresence.IN)
        return frozenset(contacts) - added

    async def _remove_members(self, state: ListState, gone: Sequence[RecordKey]) -> None:
        contacts = await self._tools.members.contacts_of(gone)
        leaving = [contact for key, contact in contacts.items() if not await self._is_needed(state, key, contact)]
        where = state.noted_in
        await self._tools.states.note(state.id, where, leaving, MemberPresence.UNCERTAIN)
        await self._tools.targets.remove(state, leaving)
        await self._tools.states.note(state.id, where, leaving, MemberPresence.OUT)

    async def _is_needed(self, state: ListState, key: RecordKey, contact: str) -> bool:
        """Whether another member of the list shares the contact."""
        others = await self._tools.members.others_using(contact, key)
        return bool(others) and bool(await self._tools.lists.members_among(state.id, [other.id for other in others]))

    async def _gone_in_spotler(self, state: ListState) -> None:
        """ML-31: somebody has deleted the list in Spotler. The connector does not create it again without a request."""
        if state.run is None:
            await self._tools.states.save(replace(state, is_listed=False, snapshots={}))
        marketing_list = await self._tools.lists.read_list(state.id)
        if marketing_list is not None:
            await self._tools.reporter.try_status(marketing_list, SyncStatus.FAILED, "list-gone", _GONE_IN_SPOTLER)

    # ------------------------------------------------------------------------------------------------------ the list

    async def _remove(self, state: ListState, marketing_list: MarketingList | None) -> None:
        if state.run is not None:
            await self._tools.reporter.jobs(state.run.jobs, JobStatus.FAILED, Reason.INACTIVE, STOPPED)
            obsolete = (*state.obsolete, state.run.snapshot)
            # Its steps find no run any more, and end. Until Spotler's list is deleted, this message is repeated.
            state = await self._tools.states.save(
                replace(
                    state,
                    run=None,
                    snapshots=state.snapshots_after_break(state.run),
                    is_listed=True,
                    obsolete=obsolete,
                )
            )
        await self._tools.targets.delete(state)
        old = tuple(dict.fromkeys((*state.obsolete, *(state.snapshots or {}))))
        state = await self._tools.states.save(replace(state, is_listed=False, snapshots={}, obsolete=old))
        if old:
            await self._tools.lanes.send(QueueName.BULK, ListClean(list=state.id, generations=old))
        if marketing_list is None:
            await self._tools.states.forget(state)
        else:
            await self._tools.reporter.status(
                marketing_list, SyncStatus.SUCCEEDED, "list-removed", _DEACTIVATED, spotler_id=state.spotler_id
            )
        log.info("list %s was removed from Spotler", state.id)

    async def _postpone_removal(
        self, message: ListLook, error: ConnectorError, marketing_list: MarketingList | None, lane: QueueName
    ) -> None:
        """A mailing that uses the list ends some day: try again, then leave it to a person."""
        trouble = TransientError(error.summary, service=error.service, code=error.code)
        if not isinstance(error, DataError) or error.code != IN_USE:
            await self._tools.redelivery.postpone(lane, message, error)
            return
        if marketing_list is not None and (
            message.attempt == 1 or isinstance(self._tools.redelivery.after(message, trouble), GiveUp)
        ):
            text = f"{error.summary}. Stop using it there; then it is removed, or delete it in Spotler."
            await self._tools.reporter.try_status(marketing_list, SyncStatus.FAILED, IN_USE, text)
        await self._tools.redelivery.postpone(lane, message, trouble)
