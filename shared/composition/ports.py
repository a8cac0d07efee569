"""What the use cases are wired to: the ports, and the parts that keep their knowledge for the whole process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shared.consent.audit_ledger import ConsentLedger
from shared.consent.permission_defaults import DefaultPermissions
from shared.domain.features.lists import ListKind
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.recovery.allow_list import AllowList
from shared.engine.guards.allow_list import (
    AllowListAudiences,
    AllowListAutomations,
    AllowListGuard,
    AllowListPlatform,
    AllowListTagging,
)
from shared.engine.guards.priority import Priority
from shared.ports.clock import Clock
from shared.ports.dataverse import (
    AutomationRows,
    BounceTasks,
    Crm,
    EnvironmentVariables,
    MarketingLists,
    PeopleReading,
    PermissionRows,
    RecordAccess,
)
from shared.ports.engagement import ActivityRows, CampaignRows, InteractionRows, ScoreRows
from shared.ports.mailings import Mailings
from shared.ports.marketing_platform import (
    Audiences,
    Automations,
    ContactFeeds,
    ContactLists,
    MarketingPlatform,
    Tagging,
)
from shared.ports.new_subscribers import NewRecords
from shared.ports.queue import Queue
from shared.ports.state import StateStore
from shared.ports.writeback import Writebacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What lives as long as the process and depends on no mapping."""

    clock: Clock
    store: StateStore
    queue: Queue
    platform: MarketingPlatform
    feeds: ContactFeeds
    tagging: Tagging
    automations: Automations
    mailings: Mailings
    campaign_rows: CampaignRows
    interaction_rows: InteractionRows
    activity_rows: ActivityRows
    score_rows: ScoreRows
    audiences: Audiences
    list_kinds: Mapping[ListKind, ContactLists]
    automation_rows: AutomationRows
    marketing_lists: MarketingLists
    access: RecordAccess
    bounce_tasks: BounceTasks
    permission_rows: PermissionRows
    variables: EnvironmentVariables
    default_permissions: DefaultPermissions
    consent: ConsentLedger
    priority: Priority


def held_to(allowed: AllowList | None, ports: Ports) -> Ports:
    """Return the ports with a guard before all that changes contacts; without an allow-list as they are."""
    if allowed is None:
        return ports
    guard = AllowListGuard(allowed, ports.platform)
    return replace(
        ports,
        platform=AllowListPlatform(ports.platform, guard),
        tagging=AllowListTagging(ports.tagging, guard),
        automations=AllowListAutomations(ports.automations, guard),
        audiences=AllowListAudiences(ports.audiences, guard),
    )


@dataclass(frozen=True, slots=True)
class MappedPorts:
    """The ports whose adapters read and write the columns of one version of the mapping.

    `reading` makes a reader for another mapping, such as a proposal.
    """

    crm: Crm
    writebacks: Writebacks
    new_records: NewRecords
    reading: Callable[[FieldMapping], PeopleReading]
