"""Reads Spotler contacts before anything is written to them, and plans with what they hold (C-11, C-12; decision 18).

A few contacts are read one by one. For a batch, one call of the feed of changes names the contacts that somebody has
changed since the last poll, and only these are read. First meetings in a walk over many records wait for the poll, that
brings a hundred contacts in one call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.domain.merging.both_sides import without_contact
from shared.domain.merging.echo import is_echo
from shared.domain.planning.conditions import email_of
from shared.domain.planning.context import Anonymize, Decision, Delivery, Look, Plan, Rest, Rules, Sight, Write
from shared.domain.planning.erase import let_go
from shared.domain.planning.identity import Stay
from shared.domain.planning.plan import plan
from shared.domain.planning.sharing import rules_of
from shared.domain.records.marketing_contact import PropertyCatalogue, SpotlerContact
from shared.domain.records.outcomes import Result
from shared.domain.records.records import RecordKey
from shared.engine.apply import MOST_MEETINGS
from shared.engine.bindings.claim_deadline import Fence
from shared.engine.guards.priority import breathe
from shared.engine.record_context import Round, Seat
from shared.engine.refusals.recent_changes import RecentChanges
from shared.engine.work_items import Verdicts
from shared.errors import ConnectorError
from shared.ports.spotler import MarketingPlatform

_SCOUTS = 4
"""Contacts of a round that are read first, as many as are read at the same time. While Spotler is down, many contacts
are in doubt: to ask for every one of them, again and again, would keep it down."""

_AGE = timedelta(minutes=1)
"""A contact that was read less than this after its binding was written may be older than the binding: clocks differ."""


class Looking:
    """Plans a round, looking where it must."""

    def __init__(
        self,
        platform: MarketingPlatform,
        recent: RecentChanges,
        rules: Rules,
        verdicts: Verdicts,
        *,
        know_bounces: Callable[[Sequence[Seat]], Awaitable[list[Seat]]],
    ) -> None:
        """`know_bounces` brings what is known of the bounces of contacts up to now."""
        self._know_bounces = know_bounces
        self._platform = platform
        self._recent = recent
        self._rules = rules
        self._verdicts = verdicts

    async def decide(
        self, seats: Sequence[Seat], catalogue: PropertyCatalogue, done: Round, fence: Fence
    ) -> tuple[list[Seat], dict[RecordKey, Decision]]:
        """Plan every seat; those whose contact could not be read within the fence end here, and come back."""
        decided: dict[RecordKey, tuple[Seat, Decision]] = {}
        wanted: list[Seat] = []
        meetings: list[Seat] = []
        unsure: list[tuple[Seat, Decision]] = []
        for seat in map(_recognised, seats):
            await breathe()
            planned = plan(seat.situation, self._rules, catalogue)
            if isinstance(planned, Look):
                can_wait = planned.can_wait and seat.unit.may_wait_for_a_poll
                (meetings if can_wait else wanted).append(seat)
            elif _must_look(seat) or _returns(seat, planned) or (_may_be_old(seat) and not _is_quiet(planned)):
                wanted.append(seat)
            elif _is_unsure(seat, planned):
                unsure.append((seat, planned))
            else:
                decided[seat.key] = (seat, planned)
        are_few = len(meetings) <= MOST_MEETINGS
        sure, looking = await self._unchanged(unsure, catalogue, done, fence)
        decided |= {seat.key: (seat, planned) for seat, planned in sure}
        seen = await self._look([*wanted, *looking, *(meetings if are_few else ())], done, fence)
        blind = [] if are_few else [replace(seat, sight=Sight.BLIND) for seat in meetings]
        for seat in (*seen, *blind):
            await breathe()
            planned = plan(seat.situation, self._rules, catalogue)
            assert not isinstance(planned, Look), "who has looked, or must not, does not want to look"
            decided[seat.key] = (seat, planned)
        found = await asyncio.gather(
            *(
                self._met(seat, planned, catalogue, fence)
                for seat, planned in decided.values()
                if _is_met(seat, planned)
            )
        )
        decided |= {seat.key: (seat, planned) for seat, planned in found}
        order = [seat.key for seat in seats if seat.key in decided]
        return [decided[key][0] for key in order], {key: decided[key][1] for key in order}

    async def _met(
        self, seat: Seat, planned: Decision, catalogue: PropertyCatalogue, fence: Fence
    ) -> tuple[Seat, Decision]:
        """Plan for a new record whose address Spotler has already: with the contact, or else without an insertion."""
        assert isinstance(planned, Write), "only a write meets a contact"
        found = await self._found(seat, fence)
        if found is None:
            return seat, replace(planned, if_absent=None)
        merged = plan(found.situation, self._rules, catalogue)
        assert not isinstance(merged, Look), "who has looked does not want to look"
        return found, merged

    async def _found(self, seat: Seat, fence: Fence) -> Seat | None:
        """Read the contact that has a new record's address; None where only a write to it tells what it is."""
        assert seat.record is not None, "a record that does not exist has no address"
        email = email_of(seat.record, self._rules.mapping.for_table(seat.key.table))
        try:
            contact = await fence.carry(lambda: self._platform.contact_with_email(email))
        except ConnectorError:  # the search is the least documented of Spotler's calls; a write does without it
            return None
        if contact is None or contact.is_unreachable:
            return None
        # One that somebody made after ours was erased has nothing of what was agreed on.
        is_ours = contact.external_id == seat.binding.external_id
        binding = seat.binding if is_ours else without_contact(seat.situation).binding
        return replace(seat, sight=Sight.SEEN, contact=contact, binding=binding)

    async def _unchanged(
        self, unsure: Sequence[tuple[Seat, Decision]], catalogue: PropertyCatalogue, done: Round, fence: Fence
    ) -> tuple[list[tuple[Seat, Decision]], list[Seat]]:
        """Divide plans about contacts that were not read: those that hold, and contacts that must be read first.

        A few contacts are read one by one. For more, one call of the feed names who changed since the last poll;
        whether the others are still there, their insertion tells (`if_absent`).
        """
        if len(unsure) <= _SCOUTS:
            return [], [seat for seat, _ in unsure]
        try:
            changed = await fence.carry(lambda: self._changed([seat for seat, _ in unsure]))
        except ConnectorError as error:
            done.finished += [self._verdicts.failed(seat.unit, error, seat.record) for seat, _ in unsure]
            return [], []
        if changed is None:
            return [], [seat for seat, _ in unsure]
        sure: list[tuple[Seat, Decision]] = []
        looking: list[Seat] = []
        for seat, planned in unsure:
            await breathe()
            contact = changed.get(seat.held.external_id)
            if contact is None:
                sure.append((seat, planned))
            elif is_echo(contact, seat.key, seat.binding, self._rules_of(seat), catalogue):
                sure.append((seat, _proven(planned)))
            else:
                looking.append(seat)
        return sure, looking

    def _rules_of(self, seat: Seat) -> Rules:
        return rules_of(seat.key.table, seat.neighbours, self._rules)

    async def _changed(self, seats: Sequence[Seat]) -> Mapping[str, SpotlerContact] | None:
        agreed = [seat.saved_at for seat in seats if seat.saved_at is not None]
        if len(agreed) < len(seats):
            return None
        return await self._recent.among([seat.held.external_id for seat in seats], agreed_since=min(agreed))

    async def let_go(
        self, seats: Sequence[Seat], catalogue: PropertyCatalogue, done: Round, fence: Fence
    ) -> tuple[list[Seat], dict[RecordKey, Decision]]:
        """Plan for those who leave their contact. Nobody leaves an opt-out behind: it may not be known here yet."""
        plans: dict[RecordKey, Decision] = {}
        going: list[Seat] = []
        for seat in await self._look(seats, done, fence):
            planned: Plan = let_go(seat.situation)
            is_closed = seat.contact is not None and seat.contact.is_unreachable
            if is_closed and not seat.situation.has_only_bounced:
                planned = plan(seat.situation, self._rules, catalogue)
                seat = replace(seat, identity=Stay())  # noqa: PLW2901  # it stays, after all
            assert not isinstance(planned, Look), "who has looked does not want to look"
            plans[seat.key] = planned
            going.append(seat)
        return going, plans

    async def _look(self, seats: Sequence[Seat], done: Round, fence: Fence) -> list[Seat]:
        answers = await self._answers([seat.held.external_id for seat in seats], fence)
        seen: list[Seat] = []
        for seat, answer in zip(seats, answers, strict=True):
            if isinstance(answer, ConnectorError):
                done.finished.append(self._verdicts.failed(seat.unit, answer, seat.record))
            else:
                seen.append(replace(seat, sight=Sight.SEEN, contact=answer))
        return await self._with_reasons(seen, done)

    async def _with_reasons(self, seats: Sequence[Seat], done: Round) -> list[Seat]:
        """Find out why contacts are closed: where nobody can tell yet, the bounces since the last poll can."""
        silent = {seat.key for seat in seats if _is_closed_for_no_known_reason(seat)}
        if not silent:
            return list(seats)
        try:
            told = await self._know_bounces([seat for seat in seats if seat.key in silent])
        except ConnectorError as error:
            done.finished += [
                self._verdicts.failed(seat.unit, error, seat.record) for seat in seats if seat.key in silent
            ]
            return [seat for seat in seats if seat.key not in silent]
        known = {seat.key: seat for seat in told}
        return [known.get(seat.key, seat) for seat in seats]

    async def _answers(self, external_ids: Sequence[str], fence: Fence) -> list[SpotlerContact | ConnectorError | None]:
        """Read contacts, the first few ahead of the others: if none of them can be read, nobody asks for the rest."""
        answers = list(await asyncio.gather(*(self._contact(one, fence) for one in external_ids[:_SCOUTS])))
        rest = external_ids[_SCOUTS:]
        refusals = [answer for answer in answers if isinstance(answer, ConnectorError)]
        if rest and len(refusals) == len(answers):
            return [*answers, *[refusals[0]] * len(rest)]
        return [*answers, *await asyncio.gather(*(self._contact(one, fence) for one in rest))]

    async def _contact(self, external_id: str, fence: Fence) -> SpotlerContact | ConnectorError | None:
        try:
            return await fence.carry(lambda: self._platform.contact(external_id))
        except ConnectorError as error:
            return error


def _recognised(seat: Seat) -> Seat:
    """Use the contact that a poll has brought along, if it is the one that is held."""
    sighting = seat.unit.sighting
    if sighting is None or sighting.contact.external_id != seat.held.external_id or not seat.binding.is_live:
        return seat
    return replace(seat, sight=Sight.SEEN, contact=sighting.contact)


def _is_closed_for_no_known_reason(seat: Seat) -> bool:
    contact = seat.contact
    return contact is not None and contact.is_unreachable and seat.situation.is_silent


def _is_met(seat: Seat, planned: Decision) -> bool:
    is_meeting = isinstance(planned, Write) and planned.if_absent is not None and planned.meets
    return seat.unit.is_there and is_meeting


def _must_look(seat: Seat) -> bool:
    return seat.sight is Sight.UNSEEN and seat.unit.must_look and seat.binding.is_live


def _returns(seat: Seat, planned: Decision) -> bool:
    """Whether a record is synchronised again: while it rested, nobody looked whether its contact was still there."""
    rests = isinstance(planned, Rest) and planned.result is not Result.UNCHANGED
    return seat.sight is Sight.UNSEEN and seat.has_rested and seat.binding.is_live and not rests


def _is_unsure(seat: Seat, planned: Decision) -> bool:
    """Whether a plan is about a contact that somebody may have changed, closed or erased since it was last read."""
    if seat.sight is not Sight.UNSEEN or not seat.binding.is_live:
        return False
    match planned:
        case Anonymize():
            return True  # what the person refused meanwhile must outlive the contact
        case Write():
            return planned.delivery is not Delivery.UPDATE or bool(planned.fields)
        case Rest():
            return planned.if_absent is not None


def _proven(planned: Decision) -> Decision:
    """Return the plan for a contact that is known to be there."""
    return planned if isinstance(planned, Anonymize) else replace(planned, if_absent=None)


def _may_be_old(seat: Seat) -> bool:
    sighting = seat.unit.sighting
    if seat.sight is not Sight.SEEN or sighting is None or seat.saved_at is None:
        return False
    return seat.saved_at > sighting.at - _AGE


def _is_quiet(planned: Decision) -> bool:
    return isinstance(planned, Rest) and planned.result is Result.UNCHANGED and not planned.home
