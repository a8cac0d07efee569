"""The connector's use cases over the twins: what a worker process is, and how messages reach it."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.composition.ports import MappedPorts, Ports
from shared.composition.settings import Settings
from shared.composition.wiring import build
from shared.consent.audit_ledger import ConsentLedger
from shared.dispatch.dispatch import Dispatcher
from shared.dispatch.work import Work
from shared.domain.consent.bounce_text import Language
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.features.lists import ListKind
from shared.domain.features.subscriber_import import ImportResult
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    SetEntry,
)
from shared.domain.records.records import Intent, PersonRecord, PersonTable, RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.ledger import CLAIM_TIME
from shared.engine.guards.brake import BrakeLimits
from shared.engine.guards.priority import Priority
from shared.engine.work_items import ItemResult
from shared.errors import ConnectorError
from shared.inbound.poll import PollResult
from shared.messages.lane_messages import Jobs, read_lane_message
from shared.ports.queue import OutgoingMessage, QueueName
from tests.contract.clocks import ManualClock
from tests.twins import CrashError, Faults, TwinContact, TwinCrm, TwinPlatform, TwinQueue, TwinStore, Waiting
from tests.twins.consent import TwinBounceTasks, TwinPermissionRows, TwinVariables
from tests.twins.engagement import (
    TwinActivityRows,
    TwinCampaignRows,
    TwinInteractionRows,
    TwinMailings,
    TwinRows,
    TwinScoreRows,
)
from tests.twins.jobs import (
    TwinAudiences,
    TwinAutomationRows,
    TwinAutomations,
    TwinLists,
    TwinRecordAccess,
    TwinTagging,
)
from tests.twins.subscriber_import import TwinNewRecords
from tests.twins.write_back import TwinWritebacks

NEWSLETTER, EVENTS = "permissions:1", "permissions:2"

CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("firstName", "First name", PropertyType.STRING),
        PropertyDefinition("city", "City", PropertyType.STRING),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("foreignPostalCode", "Foreign post code", PropertyType.STRING),
        PropertyDefinition("customerType", "Type", PropertyType.STRING),
        PropertyDefinition("hobby", "Hobby", PropertyType.STRING),
        PropertyDefinition(
            "permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"), SetEntry(2, "Events"))
        ),
    )
)
"""A small account; nothing is mapped to `hobby`."""

MAPPING = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1")},
            {"spotler": "firstName", **dict.fromkeys(PersonTable, "firstname")},
            {"spotler": "city", **dict.fromkeys(PersonTable, "address1_city")},
            {
                "spotler": "postalCode",
                **dict.fromkeys(PersonTable, "address1_postalcode"),
                "foreign": "foreignPostalCode",
            },
            {"spotler": "customerType", **dict.fromkeys(PersonTable, "$CustomerType")},
            {"spotler": "permissions", **dict.fromkeys(PersonTable, "@map(permissions)"), "direction": "<->"},
        ],
    }
)

RULES = Rules(MAPPING, Fingerprinter(b"a key for nothing but tests"))


class TwinSubscriberRecords:
    """Nobody is taken in, but everybody is counted."""

    def __init__(self) -> None:
        self.seen: list[MarketingContact] = []
        self.refused: list[str] = []

    async def import_page(self, contacts: Sequence[MarketingContact], *, correlation: str) -> Sequence[ImportResult]:
        assert correlation
        self.seen += contacts
        return []

    async def refuse(self, contact: MarketingContact, *, text: str, correlation: str) -> None:
        assert text
        assert correlation
        self.refused.append(contact.encrypted_id)


class TwinReading:
    """Reads people as the twin of Dataverse has them, whatever the mapping."""

    def __init__(self, crm: TwinCrm) -> None:
        self._crm = crm

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        return dict(await self._crm.read_people(keys))


class ConnectorTwin:
    """One environment: its services, and workers that handle what the queue holds."""

    def __init__(
        self,
        rules: Rules = RULES,
        *,
        claim_time: timedelta = CLAIM_TIME,
        work_time: timedelta | None = None,
        clock: ManualClock | None = None,
        erasure_limit: int = 0,
        change_limit: int = 0,
        missing_limit: int = 50,
        days: int = 1,
    ) -> None:
        self.clock = clock or ManualClock()
        self.faults = Faults()
        self.crm = TwinCrm(self.faults)
        self.crm.clock = self.clock
        self.platform = TwinPlatform(CATALOGUE, self.faults)
        self.platform.clock = self.clock
        self.writebacks = TwinWritebacks(self.crm)
        self.new_records = TwinNewRecords(self.crm)
        self.bounce_tasks = TwinBounceTasks()
        self.permission_rows = TwinPermissionRows(self.clock)
        self.access = TwinRecordAccess(self.crm)
        self.defaults: tuple[PermissionDefault, ...] = ()
        self.new_subscribers = TwinSubscriberRecords()
        self.store = TwinStore(self.faults)
        self.tagging = TwinTagging(self.platform, self.faults)
        self.automations = TwinAutomations(self.platform, self.faults)
        self.automation_rows = TwinAutomationRows()
        self.audiences = TwinAudiences(self.platform, self.faults)
        self.temporary_lists = TwinAudiences(self.platform, self.faults, can_remove=False)
        self.marketing_lists = TwinLists(self.faults)
        self.mailings = TwinMailings(self.clock, self.faults)
        self.rows = TwinRows(self.faults)
        self.engagement_settings: dict[str, Any] = {}
        self.list_kind, self.list_removals_at_once = ListKind.AUDIENCE, False
        self.queue = TwinQueue(self.clock, self.faults)
        self.rules = rules
        self.claim_time = claim_time
        self.limits = BrakeLimits(erasure_limit, change_limit, missing_limit)
        self.days = days
        self.work_time = claim_time if work_time is None else work_time
        self.policy = RetryPolicy(chance=lambda: 0.0)
        self._world = tuple(vars(self))
        self.worker = self.start_worker()

    def copy(self) -> ConnectorTwin:
        """Return a twin of the world as it is now, with a worker of its own: acts on one do not show in the other.

        It costs a tenth of what it takes to live up to this moment again.
        """
        values = {id(value): value for value in (self.rules, self.policy)}  # nobody changes them
        other = object.__new__(ConnectorTwin)
        vars(other).update(deepcopy({name: getattr(self, name) for name in self._world}, values), _world=self._world)
        other.worker = other.start_worker()
        return other

    def start_worker(self) -> Dispatcher:
        """Start a process: it has a ledger of its own, and everything else in common with the others."""
        self.consent = ConsentLedger(self.store, self.clock, "test")
        connector = build(
            self._ports(),
            MappedPorts(self.crm, self.writebacks, self.new_records, lambda _: TwinReading(self.crm)),
            self._settings(),
            self.rules,
            policy=self.policy,
            new_subscribers=self.new_subscribers,
        )
        self.ledger, self.lanes, self.suppressions = connector.ledger, connector.lanes, connector.suppressions
        self.people, self.jobs, self.lists = connector.people, connector.jobs, connector.lists
        self.brake, self.release, self.circuits = connector.brake, connector.release, connector.circuits
        self.bounces, self.permission_names = connector.bounces, connector.permission_names
        self.explain, self.refusal_lifting = connector.explain, connector.refusal_lifting
        self.poller, self.comparison = connector.poll, connector.comparison
        self.reconciliation, self.resync = connector.reconciliation, connector.resync
        self.engagement, self.preview, self.forecasts = connector.engagement, connector.preview, connector.forecasts
        return connector.dispatcher

    def _ports(self) -> Ports:
        return Ports(
            clock=self.clock,
            store=self.store,
            queue=self.queue,
            platform=self.platform,
            feeds=self.platform,
            tagging=self.tagging,
            automations=self.automations,
            mailings=self.mailings,
            campaign_rows=TwinCampaignRows(self.rows),
            interaction_rows=TwinInteractionRows(self.rows),
            activity_rows=TwinActivityRows(self.rows),
            score_rows=TwinScoreRows(self.rows),
            audiences=self.audiences,
            list_kinds={ListKind.AUDIENCE: self.audiences, ListKind.TEMPORARY: self.temporary_lists},
            automation_rows=self.automation_rows,
            marketing_lists=self.marketing_lists,
            access=self.access,
            bounce_tasks=self.bounce_tasks,
            permission_rows=self.permission_rows,
            variables=TwinVariables(),
            default_permissions=self,
            consent=self.consent,
            priority=Priority(),
        )

    def _settings(self) -> Settings:
        """Settings that are not checked: tests use shorter times than the limits of the settings."""
        return Settings.model_construct(
            environment="test",
            claim_seconds=self.claim_time.total_seconds(),
            local_lock_seconds=(self.claim_time + self.work_time * 1.5).total_seconds(),
            mass_erasure_limit=self.limits.erasures,
            mass_change_limit=self.limits.changes,
            mass_missing_limit=self.limits.missing,
            reconcile_days=self.days,
            spotler_list_kind=self.list_kind,
            list_removals_at_once=self.list_removals_at_once,
            bounce_task_language=Language.ENGLISH,
            **self.engagement_settings,
        )

    async def current(self) -> tuple[PermissionDefault, ...]:
        """What the environment variables of permissions say."""
        return self.defaults

    # ---------------------------------------------------------------------------------------------------- messages

    async def look(
        self, *keys: RecordKey, why: Why = Why.SAVED, intent: Intent = Intent.SYNC, lane: QueueName = QueueName.LIVE
    ) -> dict[RecordKey, ItemResult]:
        """Let a worker look at records now; how each ended last."""
        finished = await self.people.handle([Reference(key, why, "c-1", intent=intent) for key in keys], lane=lane)
        return {one.item.key: one for one in finished}

    async def run_jobs(self, *jobs: UUID) -> None:
        await self.jobs.run(Jobs(jobs=list(jobs), correlation="c-1"), lane=QueueName.LIVE)

    async def receive(self, messages: Sequence[Waiting], worker: Dispatcher | None = None) -> None:
        """Handle messages in one call and complete them; if the worker dies, they stay in the queue."""
        work = Work()
        for one in messages:
            work.add(read_lane_message(one.message.body))
        await (worker or self.worker).dispatch(work, lane=messages[0].lane)
        self.queue.waiting = [one for one in self.queue.waiting if one not in messages]

    async def quiet(self, *, deliveries: int = 2000) -> None:
        """Deliver and wait until nothing is left to do."""
        for _ in range(deliveries):
            if not self.queue.waiting:
                return
            due = self.queue.due()
            if not due:
                self.clock.advance(min(one.due for one in self.queue.waiting) - self.clock.now())
                continue
            try:
                await self.receive([one for one in due if one.lane is due[0].lane])
            except (CrashError, ConnectorError):
                self.clock.advance(timedelta(minutes=1))  # the lock ends, the message comes again
                self.worker = self.start_worker()
        raise AssertionError(f"still busy after {deliveries} deliveries")

    async def poll(self) -> PollResult:
        """Let a quarter of an hour pass, poll, and wait for everything that follows from it."""
        self.clock.advance(timedelta(minutes=15))
        polled = await self.poller.poll()
        await self.quiet()
        return polled

    async def sync(self, *keys: RecordKey) -> None:
        """Look at records and at everything that follows from it."""
        await self.lanes.send_references(QueueName.LIVE, [Reference(key, Why.SAVED) for key in keys])
        await self.quiet()

    async def enqueue(self, body: bytes, lane: QueueName = QueueName.LIVE) -> None:
        await self.queue.send(lane, [OutgoingMessage(body)])

    # ------------------------------------------------------------------------------------------------------ questions

    def contact_of(self, email: str) -> TwinContact:
        """The one Spotler contact with an address."""
        (contact,) = self.platform.having(email)
        return contact

    def status_of(self, key: RecordKey) -> tuple[str, str]:
        """Spotler Status and its reason's code."""
        status = self.crm.people[key].status
        assert status is not None
        return status.status, status.reason_code

    def claims(self) -> list[str]:
        """External ids of contacts that somebody holds."""
        return [key.row for key, document in self.store.documents.items() if document.body.get("claim")]

    def users(self) -> dict[str, dict[str, Consent]]:
        """Who uses which contact, by external id."""
        return {
            key.row: document.body["users"]
            for key, document in self.store.documents.items()
            if key.partition == "test-contact"
        }


def rules(**changes: Any) -> Rules:
    """Return the usual rules with some settings changed."""
    return replace(RULES, **changes)


def person(**values: Any) -> MappingABC[str, Any]:
    """Columns of a person with the usual address unless another one is given."""
    return {"emailaddress1": "ann@example.com", "firstname": "Ann", **values}
