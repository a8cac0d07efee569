"""Keeps the suppression list up to date in a round: refusals before anything is written, what is lifted afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.refusal_changes import lifts_in, refusals_in
from shared.domain.consent.suppression import Refusal, Suppression
from shared.domain.planning.context import Binding, Decision, Rules, Write
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import ConsentOrder, RecordKey
from shared.engine.guards.priority import breathe
from shared.engine.record_context import Round, Seat
from shared.engine.refusals.suppressions import SuppressionList
from shared.ports.clock import Clock


class RefusalKeeping:
    """Enters what the plans of a round refuse, and what they lift."""

    def __init__(self, suppressions: SuppressionList, rules: Rules, clock: Clock) -> None:
        self._suppressions = suppressions
        self._rules = rules
        self._clock = clock

    @property
    def suppressions(self) -> SuppressionList:
        """The list itself."""
        return self._suppressions

    async def before(
        self, seats: Sequence[Seat], plans: Mapping[RecordKey, Decision], catalogue: PropertyCatalogue
    ) -> dict[str, Suppression]:
        """Enter what is refused, before plans are carried out; returns what holds at the addresses concerned."""
        refusals: dict[str, list[Refusal]] = {}
        for seat in seats:
            await breathe()
            found = refusals_in(seat.situation, plans[seat.key], seat.mailbox, self._rules, catalogue)
            orders = seat.unit.orders
            for address, several in found.items():
                recorded = seat.origin.refused if address == seat.origin.address else frozenset[str]()
                fresh = [_told(one, orders) for one in several if one.subject not in recorded]
                if fresh:
                    refusals.setdefault(address, []).extend(fresh)
        return await self._suppressions.record(refusals) if refusals else {}

    async def after(
        self, seats: Sequence[Seat], plans: Mapping[RecordKey, Decision], known: Mapping[str, Suppression], done: Round
    ) -> None:
        """Enter opt-outs that Spotler answered, lift what is refused no more, and note on bindings what counts."""
        holding = dict(known)
        answered: dict[str, list[Refusal]] = {}
        for seat in seats:
            saved = done.saved.get(seat.key)
            if saved is None or saved[1].reason is not Reason.OPTED_OUT or not isinstance(plans[seat.key], Write):
                continue
            if seat.mailbox:
                refusal = Refusal(OPT_OUT, self._clock.now(), ConsentSource.SPOTLER_OPT_OUT)
                answered.setdefault(seat.mailbox, []).append(refusal)
        if answered:
            holding |= await self._suppressions.record(answered)
        for seat in seats:
            await breathe()
            if (saved := done.saved.get(seat.key)) is None:
                continue
            binding, outcome, correlation = saved
            for lift in lifts_in(seat.situation, binding, seat.mailbox, self._rules):
                holding[lift.address] = await self._suppressions.lift(
                    lift.address, lift.subjects, lift.source, record=lift.record
                )
            refused = _subjects(seat, binding, holding)
            if refused != binding.refused:
                done.saved[seat.key] = (replace(binding, refused=refused), outcome, correlation)


def _told(refusal: Refusal, orders: Mapping[str, ConsentOrder]) -> Refusal:
    """Say that a job has refused what its row says, so that a job may take it back."""
    order = orders.get(refusal.subject)
    is_ordered = order is not None and not order.answer and refusal.source is ConsentSource.DATAVERSE_ROW
    return replace(refusal, source=ConsentSource.JOB) if is_ordered else refusal


def _subjects(seat: Seat, binding: Binding, holding: Mapping[str, Suppression]) -> frozenset[str]:
    if not binding.is_live or not binding.address:
        return frozenset()
    if binding.address in holding:
        return holding[binding.address].subjects
    if binding.address == seat.mailbox and seat.suppression:
        return seat.suppression.subjects
    return seat.origin.refused if binding.address == seat.origin.address and not seat.suppression else frozenset()
