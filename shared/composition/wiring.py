"""Wires the use cases around one version of the mapping. Together with `services` the only place that wires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from shared.adapters.dataverse.events.organisations import KnownOrganisations
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.adapters.dataverse.records.crm import DataverseCrm
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.rows.bounce_tasks import DataverseBounceTasks
from shared.adapters.dataverse.rows.permission_names import DataversePermissionRows
from shared.adapters.dataverse.writeback.subscriber_records import DataverseSubscriberRecords
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.administration.explain import Explain
from shared.administration.health import Health
from shared.administration.live_mapping import LiveVersion
from shared.administration.monitor import Monitor
from shared.administration.preview import Preview
from shared.administration.schema_drift import Drift
from shared.composition.services import Services
from shared.composition.settings import Settings
from shared.consent.bounce_catch_up import BounceCatchUp
from shared.consent.bounce_service import BounceService
from shared.consent.permission_renames import PermissionNames
from shared.consent.refusal_lifting import RefusalLifting
from shared.dispatch.dispatch import Dispatcher
from shared.dispatch.intake import Intake
from shared.dispatch.job_sweep import JobSweep
from shared.dispatch.resync import Resync
from shared.dispatch.walks import Walks
from shared.domain.consent.bounce_text import Language
from shared.domain.mapping.model import Mapping
from shared.domain.planning.rules import EndAction, Rules, Unmapped
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.recovery.retry import RetryPolicy
from shared.engine.batch_pass import BatchPass
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.brake import Brake, BrakeLimits
from shared.engine.guards.circuits import Circuits
from shared.engine.guards.release import Release
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.refusals.refusal_keeping import RefusalKeeping
from shared.engine.refusals.suppressions import SuppressionList
from shared.engine.report import Reporter
from shared.engine.sync_engine import SyncEngine
from shared.errors import Service
from shared.inbound.comparison import Comparison
from shared.inbound.contact_changes import ContactChanges
from shared.inbound.poll import Poll
from shared.inbound.poll_cursor import CONTACTS, PollCursor
from shared.inbound.reconciliation import Reconciliation
from shared.inbound.reviews import Reviews
from shared.inbound.subscriber_import import ImportPolicy, SubscriberImport
from shared.lists.service import Lists
from shared.messages.lane_messages import Lanes
from shared.messages.redelivery import Redelivery
from shared.operations.model.services import JobServices
from shared.operations.running.journal import Journal
from shared.operations.running.runner import JobRunner
from shared.operations.running.table import OPERATIONS
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import Queue
from shared.ports.state import StateStore
from shared.ports.writeback import Writebacks
from shared.privacy.housekeeping import Housekeeping
from shared.privacy.person_data import PersonData
from shared.telemetry.ports import ObservedQueue, traced


@dataclass(frozen=True, slots=True)
class Connector:
    """Everything a trigger may call, with the version of the mapping that it works with."""

    settings: Settings
    version: LiveVersion
    crm: Crm
    platform: MarketingPlatform
    store: StateStore
    queue: Queue
    organisations: KnownOrganisations
    own_user: OwnUser
    dispatcher: Dispatcher
    resync: Resync
    lists: Lists
    explain: Explain
    preview: Preview
    drift: Drift
    poll: Poll
    brake: Brake
    refusal_lifting: RefusalLifting
    person_memory: PersonData
    release: Release
    reconciliation: Reconciliation
    comparison: Comparison
    bounces: BounceService
    permission_names: PermissionNames
    health: Health
    job_sweep: JobSweep
    new_subscribers: SubscriberImport
    reviews: Reviews
    watch: Monitor
    housekeeping: Housekeeping


@dataclass(frozen=True, slots=True)
class _Tools:
    """What nearly every use case needs, for one version of the mapping."""

    services: Services
    crm: Crm
    platform: MarketingPlatform
    queue: Queue
    rules: Rules
    ledger: Ledger
    lanes: Lanes
    policy: RetryPolicy
    patience: Redelivery
    writebacks: Writebacks


def build(services: Services, version: LiveVersion, fingerprints: Fingerprinter) -> Connector:
    """Wire the use cases around one version of the mapping. Cheap: a new version gets a new connector."""
    tools = _tools(services, version, fingerprints)
    settings, clock, store = services.settings, services.clock, services.store
    environment = settings.environment
    crm, platform, queue, ledger, rules = tools.crm, tools.platform, tools.queue, tools.ledger, tools.rules
    pings = {"dataverse": crm.ping, "spotler": platform.ping, "state": store.ping, "queue": queue.ping}
    bounces = BounceService(
        store=store,
        ledger=ledger,
        tasks=DataverseBounceTasks(services.dataverse),
        fingerprints=rules.fingerprints,
        clock=clock,
        environment=environment,
        creates_tasks=settings.create_bounce_task,
        language=settings.bounce_task_language or Language.of(version.mapping.language),
    )
    permission_names = PermissionNames(
        rows=DataversePermissionRows(services.dataverse),
        variables=services.variables,
        platform=platform,
        lanes=tools.lanes,
        store=store,
        clock=clock,
        mapping=version.mapping,
        environment=environment,
        prefix=settings.variable_prefix,
    )
    planning_facts = PlanningFactsLoader(
        defaults=services.default_permissions,
        names=permission_names,
        consents=services.consent,
        bounces=bounces,
        rules=rules,
        clock=clock,
    )
    limits = BrakeLimits(
        settings.mass_erasure_limit,
        settings.mass_change_limit,
        settings.mass_missing_limit,
        settings.mass_change_percent,
    )
    brake = Brake(store, clock, environment, limits=limits)
    suppressions = SuppressionList(store, clock, environment)
    people = _people(tools, planning_facts, brake, suppressions, bounces)
    lists = _lists(tools, people, brake)
    sweep = JobSweep(
        crm=crm,
        lanes=tools.lanes,
        store=store,
        clock=clock,
        environment=environment,
        missed_after=settings.missed_after,
    )
    drift = Drift(
        mapping_validator=services.mapping_validator,
        mapping=version.mapping,
        store=store,
        clock=clock,
        environment=environment,
    )
    writebacks, consents, lanes = tools.writebacks, services.consent, tools.lanes
    refusals = MailRefusals(
        writebacks=writebacks, platform=platform, ledger=ledger, consents=consents, rules=rules, clock=clock
    )
    reviews = Reviews(
        store=store, crm=crm, lanes=lanes, refusals=refusals, rules=rules, clock=clock, environment=environment
    )
    new_subscribers = _new_subscribers(tools, reviews, refusals)
    changes = ContactChanges(
        platform=platform,
        crm=crm,
        people=people,
        new_subscribers=new_subscribers,
        ledger=ledger,
        suppressions=suppressions,
        queue=queue,
        rules=rules,
    )
    poll = Poll(
        feeds=services.feeds,
        changes=changes,
        people=people,
        bounces=bounces,
        store=store,
        clock=clock,
        rules=rules,
        environment=environment,
        lease=settings.claim_time,
    )
    comparison = Comparison(
        feeds=services.feeds,
        changes=changes,
        people=people,
        bounces=bounces,
        lanes=tools.lanes,
        redelivery=tools.patience,
        store=store,
        clock=clock,
        rules=rules,
        environment=environment,
        days=settings.reconcile_days,
    )
    reconciliation = Reconciliation(
        lanes=tools.lanes,
        comparison=comparison,
        ledger=ledger,
        brake=brake,
        store=store,
        clock=clock,
        rules=rules,
        environment=environment,
    )
    release = Release(brake=brake, lists=lists.start, lanes=tools.lanes, redelivery=tools.patience, clock=clock)
    walks = Walks(store, clock, environment)
    resync = Resync(
        crm=crm, people=people, lanes=tools.lanes, redelivery=tools.patience, walks=walks, reconciliation=reconciliation
    )
    circuits = Circuits(store, clock, environment, pings={Service.DATAVERSE: crm.ping, Service.SPOTLER: platform.ping})
    return Connector(
        settings=settings,
        version=version,
        crm=crm,
        platform=platform,
        store=store,
        queue=queue,
        organisations=services.organisations,
        own_user=services.own_user,
        dispatcher=Dispatcher(
            crm=crm,
            people=people,
            jobs=_jobs(tools, people, lists, suppressions, brake),
            resync=resync,
            release=release,
            comparison=comparison,
            lists=lists,
            lanes=tools.lanes,
            redelivery=tools.patience,
            clock=clock,
            work_time=settings.work_time,
            circuits=circuits,
            priority=services.priority,
            policy=tools.policy,
        ),
        resync=resync,
        explain=Explain(
            crm=crm,
            platform=platform,
            ledger=ledger,
            rules=rules,
            planning_facts=planning_facts,
            suppressions=suppressions,
        ),
        lists=lists,
        preview=Preview(
            crm=crm,
            reading=lambda other: PersonReader(services.dataverse, services.schema, other, settings.sync_tables),
            platform=platform,
            ledger=ledger,
            rules=rules,
            percent=settings.mass_change_percent,
        ),
        drift=drift,
        poll=poll,
        brake=brake,
        refusal_lifting=RefusalLifting(
            suppressions=suppressions,
            ledger=ledger,
            consents=services.consent,
            crm=crm,
            lanes=tools.lanes,
            rules=rules,
            clock=clock,
        ),
        person_memory=PersonData(
            store=store,
            ledger=ledger,
            suppressions=suppressions,
            consents=services.consent,
            erased=services.erased_consent,
            crm=crm,
            queue=queue,
            rules=rules,
            clock=clock,
            environment=environment,
        ),
        release=release,
        reconciliation=reconciliation,
        comparison=comparison,
        bounces=bounces,
        health=Health(
            pings=pings,
            platform=platform,
            queue=queue,
            rules=rules,
            drift=drift,
            clock=clock,
            circuits=circuits.state,
            states={
                "jobs": sweep.state,
                "capabilities": services.capabilities.states,
                "permissions": permission_names.state,
                "permissionsVariable": services.permissions_variable.state,
                "poll": poll.state,
                "reconciliation": reconciliation.state,
                "comparison": comparison.state,
                "brake": brake.state,
            },
            refused_tables=PersonReader(
                services.dataverse, services.schema, version.mapping, settings.sync_tables
            ).refused_tables,
        ),
        permission_names=permission_names,
        job_sweep=sweep,
        new_subscribers=new_subscribers,
        reviews=reviews,
        watch=Monitor(
            pings=pings,
            queue=queue,
            clock=clock,
            polled_until=poll.cursor,
            held=brake.measure,
            circuits=circuits.measure,
            import_waits_since=poll.import_waits_since,
        ),
        housekeeping=Housekeeping(
            store=store,
            queue=queue,
            platform=platform,
            clock=clock,
            environment=environment,
            retention=settings.state_retention,
        ),
    )


def build_intake(queue: Queue, clock: Clock, connector: Callable[[], Awaitable[Connector]]) -> Intake:
    """Wire what takes in messages: it needs the queue alone, and asks for a connector where there is one to be had."""
    observed = ObservedQueue(queue)
    patience = Redelivery(queue=observed, lanes=Lanes(observed), clock=clock, policy=RetryPolicy())
    return Intake(queue=observed, redelivery=patience, clock=clock, connector=connector)


def _tools(services: Services, version: LiveVersion, fingerprints: Fingerprinter) -> _Tools:
    mapping = version.mapping
    settings, clock, queue = services.settings, services.clock, ObservedQueue(services.queue)
    lanes, policy = Lanes(queue), RetryPolicy()
    return _Tools(
        services=services,
        crm=traced(DataverseCrm(services.dataverse, mapping, settings.sync_tables, services.schema), "crm"),
        platform=services.platform,
        queue=queue,
        rules=replace(_rules_of(settings, mapping, fingerprints), recast=version.recast),
        ledger=Ledger(services.store, clock, settings.environment, claim_time=settings.claim_time),
        lanes=lanes,
        policy=policy,
        patience=Redelivery(queue=queue, lanes=lanes, clock=clock, policy=policy),
        writebacks=DataverseWritebacks(
            services.dataverse, services.schema, mapping, detects_duplicates=settings.duplicate_detection
        ),
    )


def _people(
    tools: _Tools,
    planning_facts: PlanningFactsLoader,
    brake: Brake,
    suppressions: SuppressionList,
    bounces: BounceService,
) -> RecordHandler:
    services, clock = tools.services, tools.services.clock
    cursor = PollCursor(services.store, services.settings.environment, CONTACTS)
    batch_pass = BatchPass(
        crm=tools.crm,
        platform=tools.platform,
        ledger=tools.ledger,
        rules=tools.rules,
        clock=clock,
        policy=tools.policy,
        writebacks=tools.writebacks,
        planning_facts=planning_facts,
        brake=brake,
        refusals=RefusalKeeping(suppressions, tools.rules, clock),
        recent=RecentChanges(services.feeds, clock, polled_until=cursor.until),
        catch_up_bounces=BounceCatchUp(services.feeds, bounces, clock).run,
    )
    engine = SyncEngine(batch_pass, ledger=tools.ledger, clock=clock, policy=tools.policy)
    return RecordHandler(
        engine=engine,
        reporter=Reporter(tools.crm, clock),
        queue=tools.queue,
        lanes=tools.lanes,
        clock=clock,
        policy=tools.policy,
    )


def _lists(tools: _Tools, people: RecordHandler, brake: Brake) -> Lists:
    services, settings = tools.services, tools.services.settings
    return Lists(
        crm=tools.crm,
        marketing_lists=services.marketing_lists,
        kinds=services.list_kinds,
        store=services.store,
        environment=settings.environment,
        people=people,
        ledger=tools.ledger,
        lanes=tools.lanes,
        redelivery=tools.patience,
        clock=services.clock,
        rules=tools.rules,
        default_kind=settings.spotler_list_kind,
        removes_at_once=settings.list_removals_at_once,
        brake=brake,
    )


def _jobs(tools: _Tools, people: RecordHandler, lists: Lists, suppressions: SuppressionList, brake: Brake) -> JobRunner:
    services, settings = tools.services, tools.services.settings
    return JobRunner(
        services=JobServices(
            crm=tools.crm,
            platform=tools.platform,
            tagging=services.tagging,
            automations=services.automations,
            automation_rows=services.automation_rows,
            automation_refresh=services.automation_refresh,
            audiences=services.audiences,
            marketing_lists=services.marketing_lists,
            lists=lists,
            people=people,
            ledger=tools.ledger,
            journal=Journal(services.store, settings.environment),
            rules=tools.rules,
            writebacks=tools.writebacks,
            suppressions=suppressions,
            access=services.access,
            brake=brake,
        ),
        operations=OPERATIONS,
        lanes=tools.lanes,
        redelivery=tools.patience,
        clock=services.clock,
        presumed_dead=settings.claim_time,
    )


def _new_subscribers(tools: _Tools, reviews: Reviews, refusals: MailRefusals) -> SubscriberImport:
    services, settings = tools.services, tools.services.settings
    return SubscriberImport(
        records=DataverseSubscriberRecords(
            services.dataverse,
            services.schema,
            tools.rules.mapping,
            detects_duplicates=settings.duplicate_detection,
        ),
        writebacks=tools.writebacks,
        crm=tools.crm,
        platform=tools.platform,
        reviews=reviews,
        refusals=refusals,
        rules=tools.rules,
        import_policy=ImportPolicy(settings.new_subscriber_target, settings.new_subscriber_match),
    )


def _rules_of(settings: Settings, mapping: Mapping, fingerprints: Fingerprinter) -> Rules:
    """Combine what the settings and the mapping say."""
    return Rules(
        mapping=mapping,
        fingerprints=fingerprints,
        environment_is_on=settings.sync_enabled,
        enabled_tables=settings.sync_tables,
        on_delete=settings.on_delete,
        on_inactive=settings.on_inactive if settings.anonymize_contact_when_inactive else EndAction.NOTHING,
        unmapped=Unmapped.CLEAR if settings.purge_existing_properties_when_not_set else Unmapped.KEEP,
    )
