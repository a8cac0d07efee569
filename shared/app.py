"""The composition root: settings become clients, clients become use cases. The only place that wires."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from shared.connections import (
    SystemClock,
    dataverse_client,
    export_telemetry,
    fingerprint_key,
    message_queue,
    quieten_libraries,
    spotler_client,
    state_store,
)
from shared.core.bounce_text import Language
from shared.core.fingerprints import Fingerprinter
from shared.core.lists import ListKind
from shared.core.mapping.document import MappingError
from shared.core.mapping.model import Mapping
from shared.core.mapping.yaml_format import from_yaml, to_yaml
from shared.core.plan import EndAction, Rules, Unmapped
from shared.core.retry import RetryPolicy
from shared.dataverse.automations import DataverseAutomations
from shared.dataverse.bounce_tasks import DataverseBounceTasks
from shared.dataverse.client import DataverseClient
from shared.dataverse.crm import DataverseCrm
from shared.dataverse.environment_variables import DataverseEnvironmentVariables
from shared.dataverse.homecoming import DataverseHomecomings
from shared.dataverse.lists import DataverseLists
from shared.dataverse.mapped_schema import DataverseSchema
from shared.dataverse.newcomers import DataverseNewcomers
from shared.dataverse.organisations import KnownOrganisations
from shared.dataverse.permission_names import DataversePermissionRows
from shared.dataverse.person_reader import PersonReader
from shared.dataverse.schema_cache import SchemaCache
from shared.errors import ConfigurationError
from shared.observability.ports import ObservedQueue, traced
from shared.operations.journal import Journal
from shared.operations.runner import JobRunner
from shared.operations.services import JobServices
from shared.operations.table import OPERATIONS
from shared.ports import (
    Audiences,
    AutomationRows,
    Automations,
    Clock,
    ContactFeeds,
    ContactLists,
    Crm,
    EnvironmentVariables,
    MarketingLists,
    MarketingPlatform,
    Queue,
    StateStore,
    Tagging,
)
from shared.settings import Settings, load_settings
from shared.spotler.audiences import SpotlerAudiences
from shared.spotler.automations import SpotlerAutomations
from shared.spotler.capabilities import Capabilities
from shared.spotler.platform import SpotlerPlatform
from shared.spotler.probes import Probes
from shared.spotler.tagging import SpotlerTagging
from shared.spotler.temporary_lists import SpotlerTemporaryLists
from shared.sync.automations import AutomationRefresh
from shared.sync.beside import Beside
from shared.sync.bounces import BounceBook
from shared.sync.brake import Brake
from shared.sync.consent_ledger import ConsentLedger
from shared.sync.dispatch import Dispatcher
from shared.sync.drift import Drift
from shared.sync.environment_variable import PermissionsVariable
from shared.sync.explain import Explain
from shared.sync.health import Health
from shared.sync.inspect import Inspector
from shared.sync.job_sweep import JobSweep
from shared.sync.lanes import Lanes
from shared.sync.ledger import Ledger
from shared.sync.lists.service import Lists
from shared.sync.live_mapping import LiveMapping, LiveVersion
from shared.sync.mapping_desk import MappingDesk
from shared.sync.mapping_shelf import MappingShelf
from shared.sync.newcomers import Hospitality, Newcomers
from shared.sync.outbound import Outbound
from shared.sync.patience import Patience
from shared.sync.people import SyncPeople
from shared.sync.permission_defaults import DefaultPermissions
from shared.sync.permission_names import PermissionNames
from shared.sync.poll import Poll
from shared.sync.preview import Preview
from shared.sync.reconcile import Reconciliation
from shared.sync.report import Reporter
from shared.sync.resync import Resync
from shared.sync.reviews import Reviews
from shared.sync.watch import Watch

DEFAULT_MAPPING = Path(__file__).parent / "core" / "mapping" / "default.yaml"


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process: settings, connections, and the shelf with the mapping."""

    settings: Settings
    clock: Clock
    dataverse: DataverseClient
    schema: SchemaCache
    platform: MarketingPlatform
    feeds: ContactFeeds
    capabilities: Capabilities
    tagging: Tagging
    automations: Automations
    audiences: Audiences
    list_kinds: dict[ListKind, ContactLists]
    automation_rows: AutomationRows
    automation_refresh: AutomationRefresh
    marketing_lists: MarketingLists
    variables: EnvironmentVariables
    permissions_variable: PermissionsVariable
    default_permissions: DefaultPermissions
    consent: ConsentLedger
    store: StateStore
    queue: Queue
    organisations: KnownOrganisations
    inspector: Inspector
    shelf: MappingShelf
    desk: MappingDesk

    async def close(self) -> None:
        """Release connections, those to the outside first."""
        for part in (self.dataverse, self.platform, self.queue, self.store):
            await part.close()


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
    dispatcher: Dispatcher
    resync: Resync
    lists: Lists
    explain: Explain
    preview: Preview
    drift: Drift
    poll: Poll
    brake: Brake
    reconciliation: Reconciliation
    bounces: BounceBook
    permission_names: PermissionNames
    health: Health
    job_sweep: JobSweep
    newcomers: Newcomers
    reviews: Reviews
    watch: Watch


def open_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Make the clients. Raises ConfigurationError; opens no connection yet."""
    quieten_libraries()
    export_telemetry(settings)
    clock = clock or SystemClock()
    dataverse = dataverse_client(settings)
    store = state_store(settings, clock)
    spotler = spotler_client(settings, clock)
    platform = traced(SpotlerPlatform(spotler, clock=clock), "spotler")
    capabilities = Capabilities(
        store,
        clock,
        settings.environment,
        assumed=settings.spotler_is_simulated,
        probe=Probes(spotler.transport).findings,
    )
    schema = SchemaCache(dataverse, clock=clock)
    inspector = Inspector(
        schema=DataverseSchema(dataverse, schema, settings.sync_tables),
        catalogue=spotler.properties,
        enabled_tables=settings.sync_tables,
    )
    shelf = MappingShelf(store, clock, settings.environment)
    audiences = traced(SpotlerAudiences(spotler.transport), "spotler")
    temporary = traced(SpotlerTemporaryLists(spotler.transport), "spotler")
    automations = traced(SpotlerAutomations(spotler.transport, capabilities), "spotler")
    rows = traced(DataverseAutomations(dataverse), "crm")
    variables = traced(DataverseEnvironmentVariables(dataverse), "crm")
    return Services(
        settings=settings,
        clock=clock,
        dataverse=dataverse,
        schema=schema,
        platform=platform,
        feeds=platform,
        capabilities=capabilities,
        tagging=traced(SpotlerTagging(spotler.transport, capabilities), "spotler"),
        automations=automations,
        audiences=audiences,
        list_kinds={ListKind.AUDIENCE: audiences, ListKind.TEMPORARY: temporary},
        automation_rows=rows,
        automation_refresh=AutomationRefresh(automations, rows),
        marketing_lists=traced(DataverseLists(dataverse), "crm"),
        variables=variables,
        permissions_variable=PermissionsVariable(variables, platform, prefix=settings.variable_prefix),
        default_permissions=DefaultPermissions(variables, platform, clock, prefix=settings.variable_prefix),
        consent=ConsentLedger(store, clock, settings.environment, retention=settings.consent_retention),
        store=store,
        queue=message_queue(settings, clock),
        organisations=KnownOrganisations(dataverse, settings.dataverse_organisation_ids),
        inspector=inspector,
        shelf=shelf,
        desk=MappingDesk(shelf, inspector.check, lambda: first_mapping(settings)),
    )


def build(services: Services, version: LiveVersion) -> Connector:
    """Wire the use cases around one version of the mapping. Cheap: a new version gets a new connector."""
    settings, clock, mapping = services.settings, services.clock, version.mapping
    platform, store, queue = services.platform, services.store, ObservedQueue(services.queue)
    crm = traced(DataverseCrm(services.dataverse, mapping, settings.sync_tables, services.schema), "crm")
    pings = {"dataverse": crm.ping, "spotler": platform.ping, "state": store.ping, "queue": queue.ping}
    policy = RetryPolicy()
    rules = rules_of(settings, mapping)
    ledger = Ledger(store, clock, settings.environment, claim_time=settings.claim_time)
    lanes = Lanes(queue)
    patience = Patience(queue=queue, lanes=lanes, clock=clock, policy=policy)
    bounces = BounceBook(
        store=store,
        ledger=ledger,
        tasks=DataverseBounceTasks(services.dataverse),
        fingerprints=rules.fingerprints,
        clock=clock,
        environment=settings.environment,
        creates_tasks=settings.create_bounce_task,
        language=settings.bounce_task_language or Language.of(mapping.language),
    )
    beside = Beside(
        defaults=services.default_permissions, consents=services.consent, bounces=bounces, rules=rules, clock=clock
    )
    homecomings = DataverseHomecomings(
        services.dataverse, services.schema, mapping, detects_duplicates=settings.duplicate_detection
    )
    brake = Brake(store, clock, settings.environment, limit=settings.mass_erasure_limit)
    outbound = Outbound(
        crm=crm,
        platform=platform,
        ledger=ledger,
        rules=rules,
        clock=clock,
        policy=policy,
        homecomings=homecomings,
        beside=beside,
        brake=brake,
    )
    people = SyncPeople(
        outbound=outbound, reporter=Reporter(crm, clock), queue=queue, lanes=lanes, clock=clock, policy=policy
    )
    lists = Lists(
        crm=crm,
        marketing_lists=services.marketing_lists,
        kinds=services.list_kinds,
        store=store,
        environment=settings.environment,
        people=people,
        ledger=ledger,
        lanes=lanes,
        patience=patience,
        clock=clock,
        rules=rules,
        default_kind=settings.spotler_list_kind,
        removes_at_once=settings.list_removals_at_once,
    )
    sweep = JobSweep(
        crm=crm,
        lanes=lanes,
        store=store,
        clock=clock,
        environment=settings.environment,
        missed_after=settings.missed_after,
    )
    jobs = JobRunner(
        services=JobServices(
            crm=crm,
            platform=platform,
            tagging=services.tagging,
            automations=services.automations,
            automation_rows=services.automation_rows,
            automation_refresh=services.automation_refresh,
            audiences=services.audiences,
            marketing_lists=services.marketing_lists,
            lists=lists,
            people=people,
            ledger=ledger,
            journal=Journal(store, settings.environment),
            rules=rules,
        ),
        operations=OPERATIONS,
        lanes=lanes,
        patience=patience,
        clock=clock,
        presumed_dead=settings.claim_time,
    )
    drift = Drift(
        inspector=services.inspector, mapping=mapping, store=store, clock=clock, environment=settings.environment
    )
    permission_names = PermissionNames(
        rows=DataversePermissionRows(services.dataverse),
        variables=services.variables,
        platform=platform,
        lanes=lanes,
        store=store,
        clock=clock,
        mapping=mapping,
        environment=settings.environment,
        prefix=settings.variable_prefix,
    )
    reviews = Reviews(store=store, crm=crm, lanes=lanes, rules=rules, clock=clock, environment=settings.environment)
    newcomers = Newcomers(
        records=DataverseNewcomers(
            services.dataverse, services.schema, mapping, detects_duplicates=settings.duplicate_detection
        ),
        homecomings=homecomings,
        crm=crm,
        platform=platform,
        reviews=reviews,
        rules=rules,
        hospitality=Hospitality(settings.new_subscriber_target, settings.new_subscriber_match),
    )
    poll = Poll(
        feeds=services.feeds,
        platform=platform,
        crm=crm,
        people=people,
        newcomers=newcomers,
        bounces=bounces,
        ledger=ledger,
        store=store,
        clock=clock,
        rules=rules,
        environment=settings.environment,
    )
    reconciliation = Reconciliation(
        lanes=lanes,
        poll=poll,
        ledger=ledger,
        store=store,
        clock=clock,
        rules=rules,
        environment=settings.environment,
    )
    resync = Resync(crm=crm, people=people, lanes=lanes, patience=patience, witness=reconciliation)
    return Connector(
        settings=settings,
        version=version,
        crm=crm,
        platform=platform,
        store=store,
        queue=queue,
        organisations=services.organisations,
        dispatcher=Dispatcher(crm=crm, people=people, jobs=jobs, resync=resync, lists=lists, patience=patience),
        resync=resync,
        explain=Explain(crm=crm, platform=platform, ledger=ledger, rules=rules, beside=beside),
        lists=lists,
        preview=Preview(
            crm=crm,
            reading=lambda other: PersonReader(services.dataverse, services.schema, other, settings.sync_tables),
            platform=platform,
            ledger=ledger,
            rules=rules,
        ),
        drift=drift,
        poll=poll,
        brake=brake,
        reconciliation=reconciliation,
        bounces=bounces,
        health=Health(
            pings=pings,
            platform=platform,
            queue=queue,
            rules=rules,
            drift=drift,
            states={
                "jobs": sweep.state,
                "capabilities": services.capabilities.states,
                "permissions": permission_names.state,
                "poll": poll.state,
                "reconciliation": reconciliation.state,
                "erasures": brake.state,
            },
        ),
        permission_names=permission_names,
        job_sweep=sweep,
        newcomers=newcomers,
        reviews=reviews,
        watch=Watch(pings=pings, queue=queue, clock=clock),
    )


class _Process:
    """The services of this process, and the connector of the version that is live."""

    def __init__(self, settings: Settings) -> None:
        self.services = open_services(settings)
        self._live = LiveMapping(self.services.shelf, self.services.clock, lambda: to_yaml(first_mapping(settings)))
        self._connector: Connector | None = None

    def look_again(self) -> None:
        """Look for a new version of the mapping before the next use."""
        self._live.look_again()

    async def connector(self) -> Connector:
        """Return a connector for the live version. Whoever works with an older one finishes with that."""
        version = await self._live.get()
        if self._connector is None or self._connector.version is not version:
            self._connector = build(self.services, version)
        return self._connector


_current: _Process | None = None
_building = asyncio.Lock()


async def connector() -> Connector:
    """Return this process's connector; the first call opens its services, and activates the first mapping (C-41)."""
    async with _building:
        return await _process().connector()


async def services() -> Services:
    """Return this process's services, whatever the mapping is like."""
    async with _building:
        return _process().services


async def mapping_changed() -> None:
    """Let this process use a new version of the mapping at once; other processes find it within half a minute."""
    async with _building:
        _process().look_again()


async def shut_down() -> None:
    """Close this process's connector; the next call of `connector` builds a new one."""
    global _current  # noqa: PLW0603  # one per process is the point
    async with _building:
        if _current is not None:
            await _current.services.close()
            _current = None


def _process() -> _Process:
    global _current  # noqa: PLW0603  # one per process is the point
    if _current is None:
        _current = _Process(load_settings())
    return _current


def first_mapping(settings: Settings) -> Mapping:
    """Return the mapping that the first activation stores."""
    return load_mapping(settings.mapping_file or DEFAULT_MAPPING)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; ConfigurationError names the file and what is wrong with it."""
    try:
        return from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, MappingError) as problem:
        raise ConfigurationError(f"The mapping {path.name} cannot be used: {problem}") from None


def rules_of(settings: Settings, mapping: Mapping) -> Rules:
    """Combine what the settings and the mapping say."""
    return Rules(
        mapping=mapping,
        fingerprints=Fingerprinter(fingerprint_key(settings)),
        environment_is_on=settings.sync_enabled,
        enabled_tables=settings.sync_tables,
        on_delete=settings.on_delete,
        on_inactive=settings.on_inactive if settings.anonymize_contact_when_inactive else EndAction.NOTHING,
        unmapped=Unmapped.CLEAR if settings.purge_existing_properties_when_not_set else Unmapped.KEEP,
    )
