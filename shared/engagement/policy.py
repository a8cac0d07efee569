"""What the settings decide about mailings and interactions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.engagement.interactions import InteractionKind, ReadingRules
from shared.domain.engagement.machines import DEFAULT_RULES, MachineRules
from shared.domain.engagement.weights import Weights
from shared.domain.records.records import PersonTable, RecordKey
from shared.engagement.choices import AccountScores, ResponseKind

RESPONSES: Mapping[InteractionKind, ResponseKind] = {
    InteractionKind.OPENED: ResponseKind.OPENS,
    InteractionKind.CLICKED: ResponseKind.CLICKS,
    InteractionKind.BOUNCED: ResponseKind.BOUNCES,
    InteractionKind.UNSUBSCRIBED: ResponseKind.UNSUBSCRIBES,
}


@dataclass(slots=True)
class Scoring:
    """The weights that are live now; `LiveWeights` replaces them while the process runs."""

    weights: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementPolicy:
    """The settings, as the use cases need them. `memory` None: events are kept for ever."""

    environment: str
    scoring: Scoring
    machines: MachineRules = DEFAULT_RULES
    is_on: bool = True
    stores_sent: bool = True
    writes_campaigns: bool = True
    writes_activities: bool = False
    most_activities: int = 5000
    responses: frozenset[ResponseKind] = field(default_factory=frozenset)
    memory: timedelta | None = timedelta(days=365)
    accounts: AccountScores = AccountScores.OWN

    @property
    def rules(self) -> ReadingRules:
        """How events are read now."""
        return ReadingRules(self.scoring.weights, self.machines)

    def has_own_score(self, record: RecordKey) -> bool:
        """Whether a record shows the score of its own events."""
        return record.table is not PersonTable.ACCOUNT or self.accounts is AccountScores.OWN

    @property
    def reads_sent(self) -> bool:
        """Whether it matters who received a mailing."""
        return self.stores_sent or self.writes_activities

    def forgets(self, begun: datetime | None, now: datetime) -> bool:
        """Whether a mailing is so old that its events count no more."""
        return self.memory is not None and begun is not None and begun < now - self.memory
