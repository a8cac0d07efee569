"""Takes out of the plans of a pass what the brake holds, and reports to the brake what has been settled."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.planning.binding import MassChange
from shared.domain.planning.decisions import Decision
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.records import Intent, RecordKey
from shared.domain.recovery.mass_changes import Loss, hold, losses, with_holds
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.guards.brake import Brake
from shared.engine.guards.priority import breathe
from shared.engine.record_context import Planned, RecordContext


@dataclass(frozen=True, slots=True)
class Holding:
    """The brake, as a pass of the engine uses it."""

    brake: Brake
    rules: Rules

    async def hold(self, planned: Planned, catalogue: PropertyCatalogue) -> Planned:
        """Return the plans without the changes that are held; bindings name these. Raises ConnectorErrors."""
        contexts, plans = planned.contexts, planned.plans
        found: dict[RecordKey, Mapping[MassChange, Loss]] = {}
        asked: defaultdict[MassChange, dict[str, datetime | None]] = defaultdict(dict)
        for context in contexts:
            await breathe()
            if context.item.intent is Intent.SYNC:
                found[context.key] = losses(plans[context.key], context.plan_input, self.rules, catalogue)
                for kind in found[context.key]:
                    asked[kind][str(context.key)] = context.binding.held_since.get(kind)
        held = {kind: await self.brake.held(kind, names) for kind, names in asked.items()}
        decided: dict[RecordKey, Decision] = {}
        for context in contexts:
            await breathe()
            decision, plan_input = plans[context.key], context.plan_input
            kept = [loss for kind, loss in found.get(context.key, {}).items() if str(context.key) in held[kind]]
            if kept:
                decision = hold(decision, kept, plan_input, self.rules, catalogue)
            decided[context.key] = with_holds(decision, [loss.kind for loss in kept], plan_input)
        return Planned(contexts, decided)

    async def settle(self, contexts: Iterable[RecordContext], saved: Mapping[RecordKey, BindingUpdate]) -> None:
        """Remove the holds of records whose bindings were saved without them."""
        over: defaultdict[MassChange, list[str]] = defaultdict(list)
        for context in contexts:
            if (update := saved.get(context.key)) is not None:
                for kind in context.origin.held_since.keys() - update.binding.held_since.keys():
                    over[kind].append(str(context.key))
        await self.brake.settled(over)
