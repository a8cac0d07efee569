"""What lives as long as the process: settings become clients, and the adapters that need no mapping."""

from __future__ import annotations

from dataclasses import dataclass

from shared.connections import (
    SystemClock,
    dataverse_client,
    export_telemetry,
    fingerprint_keys,
    message_queue,
    quieten_libraries,
    spotler_client,
    state_store,
)
from shared.core.fingerprint_places import fingerprint_places
from shared.core.lists import ListKind
from shared.dataverse.automations import DataverseAutomations
from shared.dataverse.client import DataverseClient
from shared.dataverse.environment_variables import DataverseEnvironmentVariables
from shared.dataverse.lists import DataverseLists
from shared.dataverse.mapped_schema import DataverseSchema
from shared.dataverse.organisations import KnownOrganisations
from shared.dataverse.own_user import OwnUser
from shared.dataverse.record_access import DataverseRecordAccess
from shared.dataverse.schema_cache import SchemaCache
from shared.first_mapping import first_mapping
from shared.observability.ports import traced
from shared.ports import (
    Audiences,
    AutomationRows,
    Automations,
    Clock,
    ContactFeeds,
    ContactLists,
    EnvironmentVariables,
    MarketingLists,
    MarketingPlatform,
    Queue,
    RecordAccess,
    StateStore,
    Tagging,
)
from shared.settings import Settings
from shared.spotler.audiences import SpotlerAudiences
from shared.spotler.automations import SpotlerAutomations
from shared.spotler.capabilities import Capabilities
from shared.spotler.platform import SpotlerPlatform
from shared.spotler.probes import Probes
from shared.spotler.tagging import SpotlerTagging
from shared.spotler.temporary_lists import SpotlerTemporaryLists
from shared.storage.key_register import KeyRegister
from shared.storage.rekey import Rekeying
from shared.storage.sealed import SealedStore
from shared.sync.automations import AutomationRefresh
from shared.sync.consent_ledger import ConsentLedger
from shared.sync.environment_variable import PermissionsVariable
from shared.sync.erased_consent import ErasedConsent
from shared.sync.inspect import Inspector
from shared.sync.mapping_desk import MappingDesk
from shared.sync.mapping_shelf import MappingShelf
from shared.sync.permission_defaults import DefaultPermissions
from shared.sync.priority import Priority


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
    erased_consent: ErasedConsent
    store: StateStore
    keys: KeyRegister
    rekeying: Rekeying
    queue: Queue
    organisations: KnownOrganisations
    own_user: OwnUser
    access: RecordAccess
    inspector: Inspector
    shelf: MappingShelf
    desk: MappingDesk
    priority: Priority

    async def close(self) -> None:
        """Release connections, those to the outside first."""
        for part in (self.dataverse, self.platform, self.queue, self.store):
            await part.close()


def open_services(settings: Settings, clock: Clock | None = None, queue: Queue | None = None) -> Services:
    """Make the clients, and the queue unless there is one. Raises ConfigurationError; opens no connection yet."""
    quieten_libraries()
    export_telemetry(settings)
    clock = clock or SystemClock()
    dataverse = dataverse_client(settings)
    plain, places = state_store(settings, clock), fingerprint_places(settings.environment)
    keys = KeyRegister(plain, clock, settings.environment, fingerprint_keys(settings))
    store = SealedStore(plain, keys, places)
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
    consents = ConsentLedger(store, clock, settings.environment, retention=settings.consent_retention)
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
        consent=consents,
        erased_consent=ErasedConsent(
            store,
            clock,
            settings.environment,
            consents=consents,
            fingerprinter=keys.fingerprinter,
            retention=settings.erased_consent_retention,
        ),
        store=store,
        keys=keys,
        rekeying=Rekeying(plain, keys, places, clock, settings.environment),
        queue=queue or message_queue(settings, clock),
        organisations=KnownOrganisations(dataverse, settings.dataverse_organisation_ids, url=settings.dataverse_url),
        own_user=OwnUser(dataverse, clock),
        access=traced(DataverseRecordAccess(dataverse, clock), "crm"),
        inspector=inspector,
        shelf=shelf,
        desk=MappingDesk(shelf, inspector.check, lambda: first_mapping(settings)),
        priority=Priority(),
    )
