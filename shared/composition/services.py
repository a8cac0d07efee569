"""Makes what lives as long as the process: clients, and the adapters that need no mapping."""

from dataclasses import dataclass

from shared.adapters.dataverse.engagement.activities import DataverseActivities
from shared.adapters.dataverse.engagement.bulk_messages import BulkMessages
from shared.adapters.dataverse.engagement.campaigns import DataverseCampaigns
from shared.adapters.dataverse.engagement.interactions import DataverseInteractions
from shared.adapters.dataverse.engagement.scores import DataverseScores
from shared.adapters.dataverse.events.organisations import KnownOrganisations
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.adapters.dataverse.metadata.mapped_schema import DataverseSchema
from shared.adapters.dataverse.metadata.readers import DataverseReaders
from shared.adapters.dataverse.metadata.record_access import DataverseRecordAccess
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.crm import DataverseCrm
from shared.adapters.dataverse.records.people_search import PeopleSearch
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.rows.automations import DataverseAutomations
from shared.adapters.dataverse.rows.bounce_tasks import DataverseBounceTasks
from shared.adapters.dataverse.rows.environment_variables import DataverseEnvironmentVariables
from shared.adapters.dataverse.rows.latest_rows import LatestRows
from shared.adapters.dataverse.rows.lists import DataverseLists
from shared.adapters.dataverse.rows.marked_records import DataverseMarkedRecords
from shared.adapters.dataverse.rows.permission_names import DataversePermissionRows
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.writeback.subscriber_records import DataverseSubscriberRecords
from shared.adapters.dataverse.writeback.write_back import DataverseWritebacks
from shared.adapters.spotler.automations.automations import SpotlerAutomations
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.automations.probes import Probes
from shared.adapters.spotler.automations.tagging import SpotlerTagging
from shared.adapters.spotler.contacts.platform import SpotlerPlatform
from shared.adapters.spotler.lists.audiences import SpotlerAudiences
from shared.adapters.spotler.lists.temporary_lists import SpotlerTemporaryLists
from shared.adapters.spotler.mailings.mailings import SpotlerMailings
from shared.adapters.storage.keys.key_register import KeyRegister
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.administration.mapping_repository import MappingRepository
from shared.administration.mapping_service import MappingService
from shared.administration.mapping_validation import MappingValidator
from shared.administration.measures.timer_runs import TimerRuns
from shared.administration.mode import Modes
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
from shared.composition.ports import MappedPorts, Ports
from shared.composition.settings import Settings
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.environment_variable import PermissionsVariable
from shared.consent.erased_consent import ErasedConsent
from shared.consent.permission_defaults import DefaultPermissions
from shared.domain.features.lists import ListKind
from shared.domain.mapping.model import Mapping
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.engine.guards.priority import Priority
from shared.operations.automations.automation_refresh import AutomationRefresh
from shared.ports.clock import Clock
from shared.ports.queue import Queue
from shared.telemetry.activity import Activity
from shared.telemetry.ports import ObservedQueue, traced


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Ports):
    """The ports, and what else lives as long as the process: settings, clients, keys, versions of the mapping."""

    settings: Settings
    dataverse: DataverseClient
    schema: SchemaCache
    capabilities: Capabilities
    automation_refresh: AutomationRefresh
    permissions_variable: PermissionsVariable
    erased_consent: ErasedConsent
    keys: KeyRegister
    rekeying: Rekeying
    organisations: KnownOrganisations
    own_user: OwnUser
    mapping_validator: MappingValidator
    mapping_repository: MappingRepository
    mapping_service: MappingService
    activity: Activity
    people_search: PeopleSearch
    latest_rows: LatestRows
    modes: Modes
    readers: DataverseReaders
    timer_runs: TimerRuns
    marked_records: DataverseMarkedRecords

    async def close(self) -> None:
        """Release connections, those to other services first."""
        for part in (self.dataverse, self.platform, self.queue, self.store):
            await part.close()

    def mapped(self, mapping: Mapping) -> MappedPorts:
        """Return the adapters for one version of the mapping."""
        dataverse, schema, settings = self.dataverse, self.schema, self.settings
        checks = settings.duplicate_detection
        return MappedPorts(
            crm=traced(DataverseCrm(dataverse, mapping, settings.sync_tables, schema), "crm"),
            writebacks=DataverseWritebacks(dataverse, schema, mapping, detects_duplicates=checks),
            new_records=DataverseSubscriberRecords(dataverse, schema, mapping, detects_duplicates=checks),
            reading=lambda other: PersonReader(dataverse, schema, other, settings.sync_tables),
        )


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
    mapping_repository = MappingRepository(store, clock, settings.environment)
    audiences = traced(SpotlerAudiences(spotler.transport), "spotler")
    temporary = traced(SpotlerTemporaryLists(spotler.transport), "spotler")
    automations = traced(SpotlerAutomations(spotler.transport, capabilities), "spotler")
    rows = traced(DataverseAutomations(dataverse), "crm")
    bulk = BulkMessages(dataverse)
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
        mailings=SpotlerMailings(spotler.transport),
        campaign_rows=DataverseCampaigns(dataverse, bulk),
        interaction_rows=DataverseInteractions(dataverse, bulk),
        activity_rows=DataverseActivities(dataverse),
        score_rows=DataverseScores(dataverse, bulk, settings.sync_tables),
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
        queue=ObservedQueue(queue or message_queue(settings, clock)),
        bounce_tasks=DataverseBounceTasks(dataverse),
        permission_rows=DataversePermissionRows(dataverse),
        organisations=KnownOrganisations(dataverse, settings.dataverse_organisation_ids, url=settings.dataverse_url),
        own_user=OwnUser(dataverse, clock),
        access=traced(DataverseRecordAccess(dataverse, clock), "crm"),
        mapping_validator=mapping_validator,
        mapping_repository=mapping_repository,
        mapping_service=MappingService(mapping_repository, mapping_validator.check, lambda: first_mapping(settings)),
        priority=Priority(),
        activity=Activity(store, clock, settings.environment),
        people_search=PeopleSearch(dataverse, settings.sync_tables),
        latest_rows=LatestRows(dataverse),
        modes=Modes(store, clock, settings.environment),
        readers=DataverseReaders(dataverse, DataverseRecordAccess(dataverse, clock), clock),
        timer_runs=TimerRuns(store, settings.environment),
        marked_records=DataverseMarkedRecords(dataverse),
    )
