"""Lifts refusals at an address on an administrator's order; the ledger keeps on whose request (PERM-17)."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentAct, ConsentSource
from shared.domain.planning.rules import Rules
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.suppression_list import SuppressionList
from shared.messages.lane_messages import Lanes
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName

_REFUSALS = frozenset({OPT_OUT, DO_NOT_EMAIL})
"""Subjects of which a yes means no mail."""


@dataclass(frozen=True, slots=True)
class LiftResult:
    """The subjects that were lifted, and the records with the address, which are synchronised again."""

    subjects: tuple[str, ...]
    records: tuple[RecordKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalLifting:
    """Lifts refusals of one environment."""

    suppressions: SuppressionList
    ledger: Ledger
    consents: ConsentLedger
    crm: Crm
    lanes: Lanes
    rules: Rules
    clock: Clock

    async def lift(self, email: str, subjects: Collection[str], *, reference: str) -> LiftResult:
        """Lift subjects, or without any given all that are refused at the address. Without refusals, nothing happens.

        `reference` names the person's request (a ticket number), and is kept. Raises ConnectorErrors; a repetition
        lifts what is left.
        """
        address = self.rules.fingerprints.address(email)
        known = (await self.suppressions.at([address]))[address]
        chosen = known.subjects & frozenset(subjects) if subjects else known.subjects
        people = tuple(sorted((await self.crm.people_using([email])).get(email, ())))
        if not chosen:
            return LiftResult((), people)
        now, correlation = self.clock.now(), f"lift-{reference}"
        entries = await self.ledger.entries(people)
        # This gives no permission: its row decides, and the ledger records what follows from the row.
        after = {subject: subject not in _REFUSALS for subject in sorted(chosen & (_REFUSALS | {BULK_EMAIL}))}
        before = {subject: not answer for subject, answer in after.items()}
        for key in people:
            act = ConsentAct(now, key, entries[key].binding.external_id, ConsentSource.ADMINISTRATOR, correlation)
            await self.consents.record(act.changes(before, after))
        await self.suppressions.lift(address, chosen, ConsentSource.ADMINISTRATOR)
        await self.lanes.send_references(QueueName.LIVE, [Reference(key, Why.RESYNC, correlation) for key in people])
        return LiftResult(tuple(sorted(chosen)), people)
