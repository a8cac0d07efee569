"""Wires single rooms: the engine, bounces, marketing lists, jobs, and what several of them share."""

from dataclasses import dataclass

from shared.administration.live_mapping import LiveVersion
from shared.composition.ports import MappedPorts, Ports
from shared.composition.settings import Settings
from shared.consent.bounce_service import BounceCatchUp, BounceService
from shared.domain.consent.bounce_text import Language
from shared.domain.planning.rules import EndAction, Rules, Unmapped
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.recovery.allow_list import AllowList
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.batch_pass import BatchPass
from shared.engine.bindings.contact_lookup import Contacts
from shared.engine.bindings.ledger import Ledger
from shared.engine.contact_fetcher import ContactFetcher
from shared.engine.contact_resolver import ContactResolver
from shared.engine.guards.address_users import AddressUsers
from shared.engine.guards.brake import Brake, BrakeLimits
from shared.engine.guards.holding import Holding
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.refusals.suppression_list import SuppressionList
from shared.engine.report import Reporter
from shared.engine.sync_engine import SyncEngine
from shared.engine.work_items import RetryDecisions
from shared.inbound.poll_cursor import CONTACTS, PollCursor
from shared.lists.list_state_repository import ListStateRepository
from shared.lists.list_targets import ListTargets
from shared.lists.members import Members
from shared.lists.report import ListReporter
from shared.lists.service import Lists
from shared.lists.tools import ListTools
from shared.messages.lane_messages import Lanes
from shared.messages.redelivery import Redelivery
from shared.operations.automations.automation_refresh import AutomationRefresh
from shared.operations.model.services import JobServices
from shared.operations.running.journal import Journal
from shared.operations.running.operation_table import OPERATIONS
from shared.operations.running.runner import JobRunner


@dataclass(frozen=True, slots=True)
class Tools:
    """What nearly every use case needs."""

    ports: Ports
    mapped: MappedPorts
    settings: Settings
    rules: Rules
    policy: RetryPolicy
    ledger: Ledger
    lanes: Lanes
    redelivery: Redelivery
    suppressions: SuppressionList
    brake: Brake


def rules_of(
    settings: Settings, version: LiveVersion, fingerprints: Fingerprinter, allow_list: AllowList | None = None
) -> Rules:
    """Combine the settings with a version of the mapping, and with who may be written."""
    return Rules(
        mapping=version.mapping,
        fingerprints=fingerprints,
        environment_is_on=settings.sync_enabled,
        enabled_tables=settings.sync_tables,
        on_delete=settings.on_delete,
        on_inactive=settings.on_inactive if settings.anonymize_contact_when_inactive else EndAction.NOTHING,
        unmapped=Unmapped.CLEAR if settings.purge_existing_properties_when_not_set else Unmapped.KEEP,
        recast=version.recast,
        allow_list=allow_list,
    )


def tools_of(ports: Ports, mapped: MappedPorts, settings: Settings, rules: Rules, policy: RetryPolicy) -> Tools:
    """Make the parts that several use cases share."""
    clock, store, environment = ports.clock, ports.store, settings.environment
    lanes = Lanes(ports.queue)
    limits = BrakeLimits(
        settings.mass_erasure_limit,
        settings.mass_change_limit,
        settings.mass_missing_limit,
        settings.mass_change_percent,
    )
    return Tools(
        ports=ports,
        mapped=mapped,
        settings=settings,
        rules=rules,
        policy=policy,
        ledger=Ledger(store, clock, environment, claim_time=settings.claim_time),
        lanes=lanes,
        redelivery=Redelivery(queue=ports.queue, lanes=lanes, clock=clock, policy=policy),
        suppressions=SuppressionList(store, clock, environment),
        brake=Brake(store, clock, environment, limits=limits),
    )


def bounce_service(tools: Tools) -> BounceService:
    """Wire the bounces."""
    ports, settings = tools.ports, tools.settings
    return BounceService(
        store=ports.store,
        ledger=tools.ledger,
        tasks=ports.bounce_tasks,
        fingerprints=tools.rules.fingerprints,
        clock=ports.clock,
        environment=settings.environment,
        creates_tasks=settings.create_bounce_task,
        language=settings.bounce_task_language or Language.of(tools.rules.mapping.language),
    )


def record_handler(tools: Tools, planning_facts: PlanningFactsLoader, bounces: BounceService) -> RecordHandler:
    """Wire the engine."""
    ports, mapped, clock = tools.ports, tools.mapped, tools.ports.clock
    cursor = PollCursor(ports.store, tools.settings.environment, CONTACTS)
    retry_decisions = RetryDecisions(clock, tools.policy)
    batch_pass = BatchPass(
        platform=ports.platform,
        ledger=tools.ledger,
        clock=clock,
        retry_decisions=retry_decisions,
        resolver=ContactResolver(mapped.crm, tools.ledger, tools.suppressions, tools.rules),
        contact_fetcher=ContactFetcher(
            ports.platform,
            RecentChanges(ports.feeds, clock, polled_until=cursor.until),
            tools.rules,
            retry_decisions,
            clock,
            planning_facts,
            BounceCatchUp(ports.feeds, bounces, clock).run,
        ),
        address_users=AddressUsers(mapped.crm, ports.platform, tools.ledger, tools.rules),
        refusals=RefusalKeeping(tools.suppressions, tools.rules, clock),
        writebacks=mapped.writebacks,
        planning_facts=planning_facts,
        holding=Holding(tools.brake, tools.rules),
    )
    engine = SyncEngine(batch_pass, ledger=tools.ledger, clock=clock, policy=tools.policy)
    return RecordHandler(
        engine=engine,
        reporter=Reporter(mapped.crm, clock),
        queue=ports.queue,
        lanes=tools.lanes,
        clock=clock,
        policy=tools.policy,
    )


def list_syncs(tools: Tools, people: RecordHandler) -> Lists:
    """Wire the marketing lists."""
    ports, settings = tools.ports, tools.settings
    list_tools = ListTools(
        lists=ports.marketing_lists,
        targets=ListTargets(ports.list_kinds),
        states=ListStateRepository(ports.store, settings.environment),
        members=Members(Contacts(tools.mapped.crm, tools.ledger, people, tools.rules)),
        lanes=tools.lanes,
        redelivery=tools.redelivery,
        reporter=ListReporter(crm=tools.mapped.crm, marketing_lists=ports.marketing_lists, clock=ports.clock),
        clock=ports.clock,
        brake=tools.brake,
    )
    return Lists(
        list_tools,
        rules=tools.rules,
        default_kind=settings.spotler_list_kind,
        removes_at_once=settings.list_removals_at_once,
    )


def job_runner(tools: Tools, people: RecordHandler, lists: Lists) -> JobRunner:
    """Wire the jobs."""
    ports, mapped, settings = tools.ports, tools.mapped, tools.settings
    return JobRunner(
        services=JobServices(
            crm=mapped.crm,
            platform=ports.platform,
            tagging=ports.tagging,
            automations=ports.automations,
            automation_rows=ports.automation_rows,
            automation_refresh=AutomationRefresh(ports.automations, ports.automation_rows),
            audiences=ports.audiences,
            marketing_lists=ports.marketing_lists,
            lists=lists,
            people=people,
            ledger=tools.ledger,
            journal=Journal(ports.store, settings.environment),
            rules=tools.rules,
            writebacks=mapped.writebacks,
            suppressions=tools.suppressions,
            access=ports.access,
            brake=tools.brake,
        ),
        operations=OPERATIONS,
        lanes=tools.lanes,
        redelivery=tools.redelivery,
        clock=ports.clock,
        presumed_dead=settings.claim_time,
    )
