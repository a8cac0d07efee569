"""Wires the use cases around one version of the mapping: for the app, and for tests over twins of the ports."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.administration.explain import Explain
from shared.administration.preview import Preview
from shared.composition.engagement import engagement_of
from shared.composition.ports import MappedPorts, Ports, held_to
from shared.composition.settings import Settings
from shared.composition.use_case_wiring import bounce_service, job_runner, list_syncs, record_handler, tools_of
from shared.consent.bounce_service import BounceService
from shared.consent.permission_renames import PermissionNames
from shared.consent.refusal_lifting import RefusalLifting
from shared.dispatch.dispatch import Dispatcher
from shared.dispatch.forecasts import Forecasts
from shared.dispatch.intake import Intake, Ready
from shared.dispatch.job_sweep import JobSweep
from shared.dispatch.other_runs import OtherRuns
from shared.dispatch.resync import Resync
from shared.dispatch.run_control import RunControl
from shared.dispatch.runs import Runs
from shared.dispatch.walks import Walks
from shared.domain.planning.rules import Rules
from shared.domain.recovery.retry import RetryPolicy
from shared.engagement.service import Engagement
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.brake import Brake
from shared.engine.guards.circuits import Circuits
from shared.engine.guards.release import Release
from shared.engine.planning_facts import PlanningFactsLoader
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import Service
from shared.inbound.comparison import Comparison
from shared.inbound.contact_changes import ContactChanges
from shared.inbound.poll import Poll
from shared.inbound.reconciliation import Reconciliation
from shared.inbound.reviews import Reviews
from shared.inbound.subscriber_import import ImportPolicy, SubscriberImport
from shared.lists.service import Lists
from shared.messages.lane_messages import Lanes
from shared.messages.redelivery import Redelivery
from shared.operations.running.runner import JobRunner
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import Queue
from shared.telemetry.ports import ObservedQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """The use cases around one version of the mapping."""

    settings: Settings
    crm: Crm
    queue: Queue
    ledger: Ledger
    lanes: Lanes
    suppressions: SuppressionList
    planning_facts: PlanningFactsLoader
    people: RecordHandler
    jobs: JobRunner
    circuits: Circuits
    dispatcher: Dispatcher
    resync: Resync
    runs: RunControl
    other_runs: OtherRuns
    lists: Lists
    explain: Explain
    poll: Poll
    brake: Brake
    refusal_lifting: RefusalLifting
    release: Release
    reconciliation: Reconciliation
    comparison: Comparison
    engagement: Engagement
    preview: Preview
    forecasts: Forecasts
    bounces: BounceService
    permission_names: PermissionNames
    job_sweep: JobSweep
    new_subscribers: SubscriberImport
    reviews: Reviews


def build(
    ports: Ports,
    mapped: MappedPorts,
    settings: Settings,
    rules: Rules,
    *,
    policy: RetryPolicy | None = None,
    new_subscribers: SubscriberImport | None = None,
) -> Connector:
    """Wire the use cases around one version of the mapping. Cheap: a new version gets a new connector.

    `new_subscribers` replaces the import of new subscribers; tests pass a twin.
    """
    ports = held_to(rules.allow_list, ports)
    tools = tools_of(ports, mapped, settings, rules, policy or RetryPolicy())
    clock, store, environment = ports.clock, ports.store, settings.environment
    crm, platform, queue, feeds = mapped.crm, ports.platform, ports.queue, ports.feeds
    ledger, lanes, redelivery = tools.ledger, tools.lanes, tools.redelivery
    brake, suppressions = tools.brake, tools.suppressions
    bounces = bounce_service(tools)
    permission_names = PermissionNames(
        rows=ports.permission_rows,
        variables=ports.variables,
        platform=platform,
        lanes=lanes,
        store=store,
        clock=clock,
        mapping=rules.mapping,
        environment=environment,
        prefix=settings.variable_prefix,
    )
    planning_facts = PlanningFactsLoader(
        defaults=ports.default_permissions,
        names=permission_names,
        consents=ports.consent,
        bounces=bounces,
        rules=rules,
        clock=clock,
    )
    people = record_handler(tools, planning_facts, bounces)
    lists = list_syncs(tools, people)
    jobs = job_runner(tools, people, lists)
    refusals = MailRefusals(
        writebacks=mapped.writebacks,
        platform=platform,
        ledger=ledger,
        consents=ports.consent,
        rules=rules,
        clock=clock,
    )
    reviews = Reviews(
        store=store, crm=crm, lanes=lanes, refusals=refusals, rules=rules, clock=clock, environment=environment
    )
    new_subscribers = new_subscribers or SubscriberImport(
        records=mapped.new_records,
        writebacks=mapped.writebacks,
        crm=crm,
        platform=platform,
        reviews=reviews,
        refusals=refusals,
        rules=rules,
        import_policy=ImportPolicy(settings.new_subscriber_target, settings.new_subscriber_match),
    )
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
        feeds=feeds,
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
        feeds=feeds,
        changes=changes,
        people=people,
        bounces=bounces,
        lanes=lanes,
        redelivery=redelivery,
        store=store,
        clock=clock,
        rules=rules,
        environment=environment,
        days=settings.reconcile_days,
    )
    reconciliation = Reconciliation(
        lanes=lanes,
        comparison=comparison,
        ledger=ledger,
        brake=brake,
        store=store,
        clock=clock,
        rules=rules,
        environment=environment,
    )
    engagement = engagement_of(tools)
    preview = Preview(
        crm=crm,
        reading=mapped.reading,
        platform=platform,
        ledger=ledger,
        rules=rules,
        percent=settings.mass_change_percent,
    )
    forecasts = Forecasts(preview=preview, crm=crm, lanes=lanes, store=store, clock=clock, environment=environment)
    release = Release(brake=brake, lists=lists.start, lanes=lanes, redelivery=redelivery, clock=clock)
    walks = Walks(store, clock, environment)
    runs = RunControl(runs=Runs(store, clock, environment), walks=walks, lanes=lanes, clock=clock)
    resync = Resync(
        crm=crm,
        people=people,
        lanes=lanes,
        redelivery=redelivery,
        walks=walks,
        reconciliation=reconciliation,
        runs=runs,
    )
    circuits = Circuits(store, clock, environment, pings={Service.DATAVERSE: crm.ping, Service.SPOTLER: platform.ping})
    return Connector(
        settings=settings,
        crm=crm,
        queue=queue,
        ledger=ledger,
        lanes=lanes,
        suppressions=suppressions,
        planning_facts=planning_facts,
        people=people,
        jobs=jobs,
        circuits=circuits,
        dispatcher=Dispatcher(
            crm=crm,
            people=people,
            jobs=jobs,
            resync=resync,
            release=release,
            comparison=comparison,
            engagement=engagement,
            forecasts=forecasts,
            lists=lists,
            lanes=lanes,
            redelivery=redelivery,
            clock=clock,
            work_time=settings.work_time,
            circuits=circuits,
            priority=ports.priority,
            policy=tools.policy,
        ),
        resync=resync,
        runs=runs,
        other_runs=OtherRuns(comparison, engagement),
        lists=lists,
        explain=Explain(
            crm=crm,
            platform=platform,
            ledger=ledger,
            rules=rules,
            planning_facts=planning_facts,
            suppressions=suppressions,
            bounces=bounces,
            consents=ports.consent,
        ),
        poll=poll,
        brake=brake,
        refusal_lifting=RefusalLifting(
            suppressions=suppressions,
            ledger=ledger,
            consents=ports.consent,
            crm=crm,
            lanes=lanes,
            rules=rules,
            clock=clock,
        ),
        release=release,
        reconciliation=reconciliation,
        comparison=comparison,
        engagement=engagement,
        preview=preview,
        forecasts=forecasts,
        bounces=bounces,
        permission_names=permission_names,
        job_sweep=JobSweep(
            crm=crm,
            lanes=lanes,
            store=store,
            clock=clock,
            environment=environment,
            missed_after=settings.missed_after,
        ),
        new_subscribers=new_subscribers,
        reviews=reviews,
    )


def build_intake(queue: Queue, clock: Clock, connector: Callable[[], Awaitable[Ready]]) -> Intake:
    """Wire the intake of messages. It needs only the queue; it asks for a connector before it handles messages."""
    observed = ObservedQueue(queue)
    redelivery = Redelivery(queue=observed, lanes=Lanes(observed), clock=clock, policy=RetryPolicy())
    return Intake(queue=observed, redelivery=redelivery, clock=clock, connector=connector)
