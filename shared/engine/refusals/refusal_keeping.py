"""Keeps the suppression list up to date in a pass: enters refusals before anything is written, lifts them after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.refusal_changes import lifts_in, refusals_in
from shared.domain.consent.suppression import AddressRefusal, Suppression
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Decision, Write
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import ConsentOrder, RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.guards.priority import breathe
from shared.engine.record_context import RecordContext
from shared.engine.refusals.suppression_list import SuppressionList
from shared.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class RefusalKeeping:
    """Enters what the plans of a pass refuse, and what they lift."""

    suppressions: SuppressionList
    rules: Rules
    clock: Clock

    async def before(
        self, contexts: Sequence[RecordContext], plans: Mapping[RecordKey, Decision], catalogue: PropertyCatalogue
    ) -> dict[str, Suppression]:
        """Enter what is refused, before plans are carried out; returns what holds at the addresses concerned."""
        refusals: dict[str, list[AddressRefusal]] = {}
        for context in contexts:
            await breathe()
            found = refusals_in(context.plan_input, plans[context.key], context.mailbox, self.rules, catalogue)
            orders = context.item.orders
            for address, several in found.items():
                recorded = context.origin.refused if address == context.origin.address else frozenset[str]()
                fresh = [_with_source(one, orders) for one in several if one.subject not in recorded]
                if fresh:
                    refusals.setdefault(address, []).extend(fresh)
        return await self.suppressions.record(refusals) if refusals else {}

    async def after(
        self,
        contexts: Sequence[RecordContext],
        plans: Mapping[RecordKey, Decision],
        known: Mapping[str, Suppression],
        updates: Mapping[RecordKey, BindingUpdate],
    ) -> dict[RecordKey, BindingUpdate]:
        """Enter opt-outs that Spotler answered, lift what is no longer refused.

        return bindings with what counts now.
        """
        holding = dict(known)
        answered: dict[str, list[AddressRefusal]] = {}
        for context in contexts:
            update = updates.get(context.key)
            if update is None or update.outcome.reason is not Reason.OPTED_OUT:
                continue
            if context.mailbox and isinstance(plans[context.key], Write):
                refusal = AddressRefusal(OPT_OUT, self.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
                answered.setdefault(context.mailbox, []).append(refusal)
        if answered:
            holding |= await self.suppressions.record(answered)
        kept = dict(updates)
        for context in contexts:
            await breathe()
            if (update := updates.get(context.key)) is None:
                continue
            binding = update.binding
            for lift in lifts_in(context.plan_input, binding, context.mailbox, self.rules):
                holding[lift.address] = await self.suppressions.lift(
                    lift.address, lift.subjects, lift.source, record=lift.record
                )
            refused = _subjects(context, binding, holding)
            if refused != binding.refused:
                kept[context.key] = update._replace(binding=replace(binding, refused=refused))
        return kept


def _with_source(refusal: AddressRefusal, orders: Mapping[str, ConsentOrder]) -> AddressRefusal:
    """Name a job as the source of what it has written into a row: a job may take it back."""
    order = orders.get(refusal.subject)
    is_ordered = order is not None and not order.answer and refusal.source is ConsentSource.DATAVERSE_ROW
    return replace(refusal, source=ConsentSource.JOB) if is_ordered else refusal


def _subjects(context: RecordContext, binding: Binding, holding: Mapping[str, Suppression]) -> frozenset[str]:
    if not binding.is_live or not binding.address:
        return frozenset()
    if binding.address in holding:
        return holding[binding.address].subjects
    if binding.address == context.mailbox and context.suppression:
        return context.suppression.subjects
    return (
        context.origin.refused if binding.address == context.origin.address and not context.suppression else frozenset()
    )
