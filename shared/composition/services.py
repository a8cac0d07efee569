"""What lives as long as the process: settings become clients, and the adapters that need no mapping."""

from __future__ import annotations

from dataclasses import dataclass

from shared.adapters.dataverse.events.organisations import KnownOrganisations
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.adapters.dataverse.metadata.mapped_schema import DataverseSchema
from shared.adapters.dataverse.metadata.record_access import DataverseRecordAccess
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.rows.automations import DataverseAutomations
from shared.adapters.dataverse.rows.environment_variables import DataverseEnvironmentVariables
from shared.adapters.dataverse.rows.lists import DataverseLists
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.spotler.automations.automations import SpotlerAutomations
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.automations.probes import Probes
from shared.adapters.spotler.automations.tagging import SpotlerTagging
from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.adapters.spotler.lists.audiences import SpotlerAudiences
from shared.adapters.spotler.lists.temporary_lists import SpotlerTemporaryLists
from shared.adapters.storage.keys.key_register import KeyRegister
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.administration.mapping_repository import MappingRepository
from shared.administration.mapping_service import MappingService
from shared.administration.mapping_validation import MappingValidator
from shared.composition.connections import (
    SystemClock,
    dataverse_client,
    export_telemetry,
    fingerprint_keys,
    message_queue,
    quieten_libraries,
    spotler_client,
    state_store,
)
from shared.composition.first_mapping import first_mapping
from shared.composition.settings import Settings
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.environment_variable import PermissionsVariable
from shared.consent.erased_consent import ErasedConsent
from shared.consent.permission_defaults import DefaultPermissions
from shared.domain.features.lists import ListKind
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.engine.guards.priority import Priority
from shared.operations.automations.automation_refresh import AutomationRefresh
from shared.ports.clock import Clock
from shared.ports.dataverse import AutomationRows, EnvironmentVariables, MarketingLists, RecordAccess
from shared.ports.marketing_platform import (
    Audiences,
    Automations,
    ContactFeeds,
    ContactLists,
    MarketingPlatform,
    Tagging,
)
from shared.ports.queue import Queue
from shared.ports.state import StateStore
from shared.telemetry.ports import traced


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
    mapping_validator: MappingValidator
    shelf: MappingRepository
    desk: MappingService
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
    mapping_validator = MappingValidator(
        schema=DataverseSchema(dataverse, schema, settings.sync_tables),
        catalogue=spotler.properties,
        enabled_tables=settings.sync_tables,
    )
    shelf = MappingRepository(store, clock, settings.environment)
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
        mapping_validator=mapping_validator,
        shelf=shelf,
        desk=MappingService(shelf, mapping_validator.check, lambda: first_mapping(settings)),
        priority=Priority(),
    )
