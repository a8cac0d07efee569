"""The use cases of marketing lists, wired together for triggers and jobs."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from shared.domain.features.lists import ListKind
from shared.domain.planning.rules import Rules
from shared.lists.changes import ListChanges
from shared.lists.list_state import ListState
from shared.lists.overview import ListOverview
from shared.lists.start import ListStart
from shared.lists.steps import ListSteps
from shared.lists.tools import ListTools
from shared.messages.list_messages import ListClean, ListLook, ListMembers, ListMessage, ListStep
from shared.ports.queue import QueueName

_REST = timedelta(hours=1)
"""As in shadow mode."""


class Lists:
    """The use cases of marketing lists: `start`, `overview`, and the messages."""

    def __init__(self, tools: ListTools, *, rules: Rules, default_kind: ListKind, removes_at_once: bool) -> None:
        self.start = ListStart(tools, rules=rules, default_kind=default_kind)
        self.overview = ListOverview(tools, self.start)
        self._states = tools.states
        self._tools = tools
        self._rests = rules.allow_list is not None
        self._steps = ListSteps(tools)
        self._changes = ListChanges(tools, removes_at_once=removes_at_once)

    async def handle(self, message: ListMessage, *, lane: QueueName) -> None:
        """Do what a message asks for; when this returns, nothing of it is lost. With an allow-list, lists wait."""
        if self._rests:
            await self._tools.lanes.send_later(lane, message, self._tools.clock.now() + _REST)
            return
        match message:
            case ListStep():
                await self._steps.step(message, lane=lane)
            case ListClean():
                await self._steps.clean(message, lane=lane)
            case ListMembers():
                await self._changes.members(message, lane=lane)
            case ListLook():
                await self._changes.check_list(message, lane=lane)

    async def state_of(self, marketing_list: UUID) -> ListState | None:
        """Return what is known of a list; None if it was never synchronised."""
        return await self._states.read(marketing_list)

    async def add_single(self, marketing_list: UUID, contacts: Collection[str]) -> frozenset[str] | None:
        """Add contacts to a list that is in Spotler already; None if it is not (AUD-07).

        Returns those that could not be added. A contact that is no member leaves at the next synchronisation.
        """
        state = await self._states.read(marketing_list)
        if state is None or not state.is_listed:
            return None
        return await self._changes.add(state, contacts, attempt=1)
