"""The services that operations use."""

from dataclasses import dataclass

from shared.domain.planning.rules import Rules
from shared.engine.bindings.contact_lookup import Contacts
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.brake import Brake
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.suppression_list import SuppressionList
from shared.lists.service import Lists
from shared.operations.automations.automation_refresh import AutomationRefresh
from shared.operations.running.journal import Journal
from shared.ports.dataverse import AutomationRows, Crm, MarketingLists, RecordAccess
from shared.ports.marketing_platform import Audiences, Automations, MarketingPlatform, Tagging
from shared.ports.writeback import Writebacks


@dataclass(frozen=True, slots=True)
class JobServices:
    """Both sides, the engine, the ledger, and the journal."""

    crm: Crm
    platform: MarketingPlatform
    tagging: Tagging
    automations: Automations
    automation_rows: AutomationRows
    automation_refresh: AutomationRefresh
    audiences: Audiences
    marketing_lists: MarketingLists
    lists: Lists
    people: RecordHandler
    ledger: Ledger
    journal: Journal
    rules: Rules
    writebacks: Writebacks
    suppressions: SuppressionList
    access: RecordAccess
    brake: Brake

    @property
    def contacts(self) -> Contacts:
        """The look-up of contacts by record."""
        return Contacts(self.crm, self.ledger, self.people, self.rules)
