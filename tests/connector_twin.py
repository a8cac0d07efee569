"""The connector's use cases over the twins: what a worker process is, and how messages reach it."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.administration.explain import Explain
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.bounce_catch_up import BounceCatchUp
from shared.consent.bounce_service import BounceService
from shared.consent.permission_renames import PermissionNames
from shared.consent.refusal_lifting import RefusalLifting
from shared.dispatch.dispatch import Dispatcher, Work
from shared.dispatch.resync import Resync
from shared.dispatch.walks import Walks
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
from shared.domain.records.records import Intent, PersonTable, RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.batch_pass import BatchPass
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.ledger import CLAIM_TIME, Ledger
from shared.engine.guards.brake import Brake, BrakeLimits
from shared.engine.guards.circuits import Circuits
from shared.engine.guards.priority import Priority
from shared.engine.guards.release import Release
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.report import Reporter
from shared.engine.sync_engine import SyncEngine
from shared.engine.work_items import ItemResult
from shared.errors import ConnectorError, Service
from shared.inbound.comparison import Comparison
from shared.inbound.contact_changes import ContactChanges
from shared.inbound.poll import Poll, PollResult
from shared.inbound.poll_cursor import PollCursor
from shared.inbound.reconciliation import Reconciliation
from shared.lists.service import Lists
from shared.messages.lane_messages import Jobs, Lanes, read_lane_message
from shared.messages.redelivery import Redelivery
from shared.operations.automations.automation_refresh import AutomationRefresh
from shared.operations.model.services import JobServices
from shared.operations.running.journal import Journal
from shared.operations.running.runner import JobRunner
from shared.operations.running.table import OPERATIONS
from shared.ports.queue import OutgoingMessage, QueueName
from tests.consent_twins import TwinBounceTasks, TwinPermissionRows, TwinVariables
from tests.contract.clocks import ManualClock
from tests.job_twins import TwinAudiences, TwinAutomationRows, TwinAutomations, TwinLists, TwinRecordAccess, TwinTagging
from tests.twins import CrashError, Faults, TwinContact, TwinCrm, TwinPlatform, TwinQueue, TwinStore, Waiting
from tests.writeback_twins import TwinWritebacks

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
        self.bounce_tasks = TwinBounceTasks()
        self.permission_rows = TwinPermissionRows(self.clock)
        self.access = TwinRecordAccess()
        self.defaults: tuple[PermissionDefault, ...] = ()
        self.new_subscribers = TwinSubscriberRecords()
        self.store = TwinStore(self.faults)
        self.tagging = TwinTagging(self.platform, self.faults)
        self.automations = TwinAutomations(self.platform, self.faults)
        self.automation_rows = TwinAutomationRows()
        self.audiences = TwinAudiences(self.platform, self.faults)
        self.temporary_lists = TwinAudiences(self.platform, self.faults, can_remove=False)
        self.marketing_lists = TwinLists(self.faults)
        self.list_kind, self.list_removals_at_once = ListKind.AUDIENCE, False
        self.queue = TwinQueue(self.clock, self.faults)
        self.rules = rules
        self.claim_time = claim_time
        self.limits = BrakeLimits(erasure_limit, change_limit, missing_limit)
        self.days = days
        self.work_time = claim_time if work_time is None else work_time
        self.policy = RetryPolicy(chance=lambda: 0.0)
        self.worker = self.start_worker()

    def start_worker(self) -> Dispatcher:
        """Start a process: it has a ledger of its own, and everything else in common with the others."""
        ledger = Ledger(self.store, self.clock, "test", claim_time=self.claim_time)
        lanes = Lanes(self.queue)
        patience = Redelivery(queue=self.queue, lanes=lanes, clock=self.clock, policy=self.policy)
        consent = ConsentLedger(self.store, self.clock, "test")
        bounces = BounceService(
            store=self.store,
            ledger=ledger,
            tasks=self.bounce_tasks,
            fingerprints=self.rules.fingerprints,
            clock=self.clock,
            environment="test",
            creates_tasks=True,
            language=Language.ENGLISH,
        )
        self.permission_names = PermissionNames(
            rows=self.permission_rows,
            variables=TwinVariables(),
            platform=self.platform,
            lanes=lanes,
            store=self.store,
            clock=self.clock,
            mapping=self.rules.mapping,
            environment="test",
            prefix="dh",
        )
        planning_facts = PlanningFactsLoader(
            defaults=self,
            names=self.permission_names,
            consents=consent,
            bounces=bounces,
            rules=self.rules,
            clock=self.clock,
        )
        self.brake = Brake(self.store, self.clock, "test", limits=self.limits)
        self.suppressions = SuppressionList(self.store, self.clock, "test")
        cursor = PollCursor(self.store, "test", "contacts")
        batch_pass = BatchPass(
            crm=self.crm,
            platform=self.platform,
            ledger=ledger,
            rules=self.rules,
            clock=self.clock,
            policy=self.policy,
            writebacks=self.writebacks,
            planning_facts=planning_facts,
            brake=self.brake,
            refusals=RefusalKeeping(self.suppressions, self.rules, self.clock),
            recent=RecentChanges(self.platform, self.clock, polled_until=cursor.until),
            catch_up_bounces=BounceCatchUp(self.platform, bounces, self.clock).run,
        )
        engine = SyncEngine(batch_pass, ledger=ledger, clock=self.clock, policy=self.policy)
        people = RecordHandler(
            engine=engine,
            reporter=Reporter(self.crm, self.clock),
            queue=self.queue,
            lanes=lanes,
            clock=self.clock,
            policy=self.policy,
        )
        lists = Lists(
            crm=self.crm,
            marketing_lists=self.marketing_lists,
            kinds={ListKind.AUDIENCE: self.audiences, ListKind.TEMPORARY: self.temporary_lists},
            store=self.store,
            environment="test",
            people=people,
            ledger=ledger,
            lanes=lanes,
            redelivery=patience,
            clock=self.clock,
            rules=self.rules,
            default_kind=self.list_kind,
            removes_at_once=self.list_removals_at_once,
            brake=self.brake,
        )
        services = JobServices(
            crm=self.crm,
            platform=self.platform,
            tagging=self.tagging,
            automations=self.automations,
            automation_rows=self.automation_rows,
            automation_refresh=AutomationRefresh(self.automations, self.automation_rows),
            audiences=self.audiences,
            marketing_lists=self.marketing_lists,
            lists=lists,
            people=people,
            ledger=ledger,
            journal=Journal(self.store, "test"),
            rules=self.rules,
            writebacks=self.writebacks,
            suppressions=self.suppressions,
            access=self.access,
            brake=self.brake,
        )
        jobs = JobRunner(
            services=services,
            operations=OPERATIONS,
            lanes=lanes,
            redelivery=patience,
            clock=self.clock,
            presumed_dead=self.claim_time,
        )
        self.ledger, self.lanes, self.people, self.jobs, self.lists = ledger, lanes, people, jobs, lists
        self.explain = Explain(
            crm=self.crm,
            platform=self.platform,
            ledger=ledger,
            rules=self.rules,
            planning_facts=planning_facts,
            suppressions=self.suppressions,
        )
        self.consent, self.bounces = consent, bounces
        self.refusal_lifting = RefusalLifting(
            suppressions=self.suppressions,
            ledger=ledger,
            consents=consent,
            crm=self.crm,
            lanes=lanes,
            rules=self.rules,
            clock=self.clock,
        )
        changes = ContactChanges(
            platform=self.platform,
            crm=self.crm,
            people=people,
            new_subscribers=self.new_subscribers,
            ledger=ledger,
            suppressions=self.suppressions,
            queue=self.queue,
            rules=self.rules,
        )
        self.poller = Poll(
            feeds=self.platform,
            changes=changes,
            people=people,
            bounces=bounces,
            store=self.store,
            clock=self.clock,
            rules=self.rules,
            environment="test",
            lease=self.claim_time,
        )
        self.comparison = Comparison(
            feeds=self.platform,
            changes=changes,
            people=people,
            bounces=bounces,
            lanes=lanes,
            redelivery=patience,
            store=self.store,
            clock=self.clock,
            rules=self.rules,
            environment="test",
            days=self.days,
        )
        self.reconciliation = Reconciliation(
            lanes=lanes,
            comparison=self.comparison,
            ledger=ledger,
            brake=self.brake,
            store=self.store,
            clock=self.clock,
            rules=self.rules,
            environment="test",
        )
        self.release = Release(brake=self.brake, lists=lists.start, lanes=lanes, redelivery=patience, clock=self.clock)
        walks = Walks(self.store, self.clock, "test")
        self.resync = Resync(
            crm=self.crm,
            people=people,
            lanes=lanes,
            redelivery=patience,
            walks=walks,
            reconciliation=self.reconciliation,
        )
        pings = {Service.DATAVERSE: self.crm.ping, Service.SPOTLER: self.platform.ping}
        self.circuits = Circuits(self.store, self.clock, "test", pings=pings)
        return Dispatcher(
            crm=self.crm,
            people=people,
            jobs=jobs,
            resync=self.resync,
            release=self.release,
            comparison=self.comparison,
            lists=lists,
            redelivery=patience,
            clock=self.clock,
            work_time=self.work_time,
            lanes=lanes,
            circuits=self.circuits,
            priority=Priority(),
            policy=self.policy,
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

    async def quiet(self, *, patience: int = 2000) -> None:
        """Deliver and wait until nothing is left to do."""
        for _ in range(patience):
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
        raise AssertionError(f"still busy after {patience} deliveries")

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
