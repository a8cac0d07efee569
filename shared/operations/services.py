"""What the operations work with."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.plan import Rules
from shared.operations.journal import Journal
from shared.ports import (
    Audiences,
    AutomationRows,
    Automations,
    Crm,
    Homecomings,
    MarketingLists,
    MarketingPlatform,
    RecordAccess,
    Tagging,
)
from shared.sync.automations import AutomationRefresh
from shared.sync.brake import Brake
from shared.sync.contacts import Contacts
from shared.sync.ledger import Ledger
from shared.sync.lists.service import Lists
from shared.sync.people import SyncPeople
from shared.sync.suppressions import SuppressionList


@dataclass(frozen=True, slots=True)
class JobServices:
    """Both sides, the engine, and the memory of what must not happen twice."""

    crm: Crm
    platform: MarketingPlatform
    tagging: Tagging
    automations: Automations
    automation_rows: AutomationRows
    automation_refresh: AutomationRefresh
    audiences: Audiences
    marketing_lists: MarketingLists
    lists: Lists
    people: SyncPeople
    ledger: Ledger
    journal: Journal
    rules: Rules
    homecomings: Homecomings
    suppressions: SuppressionList
    access: RecordAccess
    brake: Brake

    @property
    def contacts(self) -> Contacts:
        """Finds people's Spotler contacts."""
        return Contacts(self.crm, self.ledger, self.people, self.rules)
