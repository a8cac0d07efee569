"""The use cases of marketing lists, wired together for triggers and jobs."""

from collections.abc import Collection, Mapping
from uuid import UUID

from shared.domain.features.lists import ListKind
from shared.domain.planning.rules import Rules
from shared.engine.bindings.contact_lookup import Contacts
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.brake import Brake
from shared.engine.record_handler import RecordHandler
from shared.lists.changes import ListChanges
from shared.lists.list_state_repository import ListStateRepository
from shared.lists.list_targets import ListTargets
from shared.lists.members import Members
from shared.lists.overview import ListOverview
from shared.lists.report import ListReporter
from shared.lists.start import ListStart
from shared.lists.steps import ListSteps
from shared.lists.tools import ListTools
from shared.messages.lane_messages import Lanes
from shared.messages.list_messages import ListClean, ListLook, ListMembers, ListMessage, ListStep
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm, MarketingLists
from shared.ports.marketing_platform import ContactLists
from shared.ports.queue import QueueName
from shared.ports.state import StateStore


class Lists:
    """The use cases of marketing lists: `start`, `overview`, and the messages."""

    def __init__(
        self,
        *,
        crm: Crm,
        marketing_lists: MarketingLists,
        kinds: Mapping[ListKind, ContactLists],
        store: StateStore,
        environment: str,
        people: RecordHandler,
        ledger: Ledger,
        lanes: Lanes,
        redelivery: Redelivery,
        clock: Clock,
        rules: Rules,
        default_kind: ListKind,
        removes_at_once: bool,
        brake: Brake,
    ) -> None:
        self._states = ListStateRepository(store, environment)
        tools = ListTools(
            lists=marketing_lists,
            targets=ListTargets(kinds),
            states=self._states,
            members=Members(Contacts(crm, ledger, people, rules)),
            lanes=lanes,
            redelivery=redelivery,
            reporter=ListReporter(crm=crm, marketing_lists=marketing_lists, clock=clock),
            clock=clock,
            brake=brake,
        )
        self.start = ListStart(tools, rules=rules, default_kind=default_kind)
        self.overview = ListOverview(tools, self.start)
        self._steps = ListSteps(tools)
        self._changes = ListChanges(tools, removes_at_once=removes_at_once)

    async def handle(self, message: ListMessage, *, lane: QueueName) -> None:
        """Do what a message asks for; when this returns, nothing of it is lost."""
        match message:
            case ListStep():
                await self._steps.step(message, lane=lane)
            case ListClean():
                await self._steps.clean(message, lane=lane)
            case ListMembers():
                await self._changes.members(message, lane=lane)
            case ListLook():
                await self._changes.check_list(message, lane=lane)

    async def add_single(self, marketing_list: UUID, contacts: Collection[str]) -> frozenset[str] | None:
        """Add contacts to a list that is in Spotler already; None if it is not (AUD-07).

        Returns those that could not be added. A contact that is no member leaves at the next synchronisation.
        """
        state = await self._states.read(marketing_list)
        if state is None or not state.is_listed:
            return None
        return await self._changes.add(state, contacts, attempt=1)
