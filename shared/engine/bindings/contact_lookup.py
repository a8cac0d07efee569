"""From people to their Spotler contacts: what jobs and marketing lists read before they change a contact."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import condition_results
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, RecordKey, Reference, Why
from shared.engine.bindings.ledger import Ledger
from shared.engine.record_handler import RecordHandler
from shared.engine.work_items import ItemResult
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName

_AT_A_TIME = 500
"""People synchronised together: five Spotler calls, well inside one claim."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Reads the bindings of people, and synchronises people on demand."""

    crm: Crm
    ledger: Ledger
    people: RecordHandler
    rules: Rules

    async def known(self, people: Collection[RecordKey]) -> dict[RecordKey, str]:
        """Return the external ids of people whom Spotler knows; the others are missing in the answer."""
        entries = await self.ledger.entries(people)
        return {key: entry.binding.external_id for key, entry in entries.items() if entry.binding.is_live}

    def unmet(self, key: RecordKey, record: PersonRecord | None) -> Iterator[Reason]:
        """Yield the unmet conditions of synchronisation (VAL-01..VAL-04); `record` is None for a deleted person."""
        plan_input = PlanInput(key, record, Binding(str(key.id)))
        return (condition.reason for condition in condition_results(plan_input, self.rules) if condition.reason)

    async def doubt(self, contacts: Collection[str]) -> frozenset[str]:
        """Mark contacts as in doubt that Spotler does not have (any more): the next pass writes them in full.

        Returns those that are in doubt now; another worker holds the others.
        """
        held = await self.ledger.claim(contacts)
        await self.ledger.release([replace(contact, base_state=BaseState.NOTHING) for contact in held.values()])
        return frozenset(held)

    async def synchronise(
        self, people: Sequence[RecordKey], *, lane: QueueName, correlation: str = ""
    ) -> dict[RecordKey, ItemResult]:
        """Process people now, in bulk, and return the result of each; later attempts stay in `lane`."""
        ends: dict[RecordKey, ItemResult] = {}
        for start in range(0, len(people), _AT_A_TIME):
            references = [Reference(key, Why.JOB, correlation) for key in people[start : start + _AT_A_TIME]]
            ends |= {one.item.key: one for one in await self.people.handle(references, lane=lane)}
        return ends
