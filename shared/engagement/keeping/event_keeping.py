"""Keeps events: remembers them, writes the rows that follow from them, and brings scores up to date.

Rows are written before the memory. A crash in between repeats both, which changes nothing. Events that are known cost
one read for a thousand of them.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.consent.bounce_repository import is_key
from shared.domain.engagement.events import Event, EventKind
from shared.domain.engagement.interactions import Reading, ReadingRules
from shared.domain.engagement.people import PersonMemory, score_of
from shared.domain.engagement.scores import Score, shown
from shared.domain.engagement.tallies import Tally, change
from shared.domain.engagement.visits import other_points
from shared.domain.records.records import RecordKey
from shared.engagement.keeping.colleagues import Colleagues, Compared, NewClicks
from shared.engagement.keeping.memories import Memories, ShownScore, StoredMemory, with_shown
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.keeping.row_plan import RowPlan, Subject, plan_rows
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.engagement.policy import EngagementPolicy
from shared.engagement.weights.versions import WeightsVersions
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.priority import breathe
from shared.ports.clock import Clock
from shared.ports.engagement import (
    ActivityRows,
    CampaignRows,
    InteractionRows,
    InteractionWrite,
    ScoreRows,
    ScoreWrite,
)
from shared.ports.mailings import Happening

log = logging.getLogger(__name__)

_ROWS = 2_000
"""How many rows with other points wait in memory at most, beside those of one person."""


@dataclass(slots=True)
class Kept:
    """Counts of a step. `strangers` are events of contacts without a record; `old` those of forgotten mailings."""

    events: int = 0
    people: int = 0
    rows: int = 0
    scores: int = 0
    refused: int = 0
    strangers: int = 0
    old: int = 0


@dataclass(frozen=True, slots=True)
class _Changed:
    """A person about whom something new is known."""

    before: StoredMemory
    after: PersonMemory
    record: RecordKey


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKeeper:
    """Keeps events of one environment."""

    memories: Memories
    ledger: Ledger
    campaigns: CampaignRows
    interactions: InteractionRows
    activities: ActivityRows
    scores: ScoreRows
    colleagues: Colleagues
    tallies: StoredTallies
    refused: RefusedRows
    weights: WeightsVersions
    policy: EngagementPolicy
    clock: Clock

    async def keep(self, happenings: Sequence[Happening], book: MailingBook, kept: Kept) -> None:
        """Keep events. Raises ConnectorErrors; then all of them can be kept again.

        Contacts without an id of the connector, or without a record, have no customer card: they are counted.
        """
        kept.events += len(happenings)
        await book.load(happenings)
        events = self._countable(happenings, book, kept)
        people = await self._records_of(events)
        kept.strangers += sum(len(mailings) for one, mailings in events.items() if one not in people)
        known = await self.memories.read(people)
        changed: list[_Changed] = []
        for external_id, record in people.items():
            after = known[external_id].memory
            for mailing, of_mailing in events[external_id].items():
                after = after.with_events(mailing, of_mailing)
            if after is not known[external_id].memory:
                changed.append(_Changed(known[external_id], after, record))
        compared = await self.colleagues.compare(_new_clicks(changed))
        # Colleagues first: as long as the new clicks themselves are not remembered, a crash repeats all of this.
        await self._write(await self._others(changed, compared), book, kept)
        await self._write([_with_suspects(one, compared) for one in changed], book, kept)
        await self.colleagues.settle(compared)

    async def note_opt_outs(self, people: Mapping[str, Iterable[Event]], book: MailingBook, kept: Kept) -> None:
        """Note people who refuse all mail, by external id, at the times of these events."""
        records = await self._records_of(people)
        known = await self.memories.read(records)
        changed: list[_Changed] = []
        for external_id, record in records.items():
            after = known[external_id].memory
            for one in people[external_id]:
                after = after.with_opt_out(one.at)
            if after is not known[external_id].memory:
                changed.append(_Changed(known[external_id], after, record))
        await self._write(changed, book, kept)

    async def renew(self, people: Sequence[tuple[StoredMemory, PersonMemory]], book: MailingBook, kept: Kept) -> None:
        """Store the new memory of people, and write the scores that differ from what their records show."""
        records = await self._records_of(memory.external_id for _, memory in people)
        changed = [
            _Changed(stored, memory, records[memory.external_id])
            for stored, memory in people
            if memory.external_id in records
        ]
        await self._write(changed, book, kept, only_scores=True)

    async def rows_again(
        self, external_id: str, mailings: Iterable[str], book: MailingBook
    ) -> tuple[RecordKey, RowPlan] | None:
        """Plan all rows of a person in some mailings again; None for a person without a record."""
        records = await self._records_of([external_id])
        if external_id not in records:
            return None
        memory = (await self.memories.read([external_id]))[external_id].memory
        await book.recall(memory.mailings)
        nothing_yet = StoredMemory(PersonMemory(external_id))
        subjects = self._subjects(_Changed(nothing_yet, memory, records[external_id]), book, set(mailings))
        return records[external_id], _together(await self._plans(subjects))

    # ------------------------------------------------------------------------------------------------------- planning

    def _countable(
        self, happenings: Iterable[Happening], book: MailingBook, kept: Kept
    ) -> dict[str, dict[str, list[Event]]]:
        """Return the events by person and mailing, without those that cannot lead to a row."""
        now = self.clock.now()
        found: defaultdict[str, defaultdict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
        for one in happenings:
            mailing = book.get(one.mailing)
            if mailing is not None and self.policy.forgets(mailing.begun, now):
                kept.old += 1
            elif is_key(one.external_id):
                found[one.external_id.lower()][one.mailing].append(one.event)
            else:
                kept.strangers += 1
        return {person: dict(mailings) for person, mailings in found.items()}

    async def _records_of(self, external_ids: Iterable[str]) -> dict[str, RecordKey]:
        """Return the record that each contact has its values of: two records with one address get one row."""
        contacts = await self.ledger.contacts(external_ids)
        return {one: user for one, held in contacts.items() if (user := held.primary_user) is not None}

    async def _others(self, changed: Sequence[_Changed], compared: Compared) -> list[_Changed]:
        """Return the people about whom nothing is new but that colleagues clicked, too."""
        records = await self._records_of(compared.suspect.keys() - {one.after.external_id for one in changed})
        known = await self.memories.read(records)
        others = [
            _with_suspects(_Changed(known[one], known[one].memory, key), compared) for one, key in records.items()
        ]
        return [one for one in others if one.after is not one.before.memory]

    async def _plans(self, subjects: Sequence[Subject]) -> list[RowPlan]:
        has_campaigns = self.policy.writes_campaigns and await self.campaigns.are_available()
        return [plan_rows(subject, self.policy, has_campaigns=has_campaigns) for subject in subjects]

    def _subjects(self, one: _Changed, book: MailingBook, mailings: Iterable[str]) -> list[Subject]:
        read_before, read_after = book.reader_of(one.before.memory), book.reader_of(one.after)
        subjects: list[Subject] = []
        for name in sorted(mailings):
            mailing = book.get(name)
            if mailing is None or name not in one.after.mailings:
                continue
            before = read_before(name, one.before.memory.mailings.get(name, frozenset()))
            after = read_after(name, one.after.mailings[name])
            subjects.append(Subject(one.after, mailing, one.record, before, after))
        return subjects

    # -------------------------------------------------------------------------------------------------------- writing

    async def _write(
        self, changed: Sequence[_Changed], book: MailingBook, kept: Kept, *, only_scores: bool = False
    ) -> None:
        if not changed:
            return
        rules = self.policy.rules
        await book.recall({name for one in changed for name in one.after.mailings})
        await self._renew_points(changed, book, rules, kept)
        subjects: list[Subject] = []
        scores: list[ScoreWrite] = []
        unsure: list[StoredMemory] = []
        stored: list[StoredMemory] = []
        for one in changed:
            if not only_scores:
                touched = [
                    name
                    for name, events in one.after.mailings.items()
                    if one.before.memory.mailings.get(name) != events
                    or one.before.memory.suspect_times.get(name) != one.after.suspect_times.get(name)
                ]
                subjects += self._subjects(one, book, touched)
            score = self._score(one.after, book, rules)
            known = one.before.shown
            is_own = self.policy.has_own_score(one.record)
            is_new = known != ShownScore(one.record, score) if known is not None else score != Score()
            if is_own and is_new:
                scores.append(ScoreWrite(one.record, score))
                unsure.append(replace(one.before, shown=ShownScore(one.record, None)))
            after = with_shown(
                StoredMemory(one.after, etag=one.before.etag),
                ShownScore(one.record, score) if is_own else None,
                rules.weights.mark,
            )
            if after != one.before:
                stored.append(after)
            await breathe()
        await self._write_rows(_together(await self._plans(subjects)), kept)
        # A worker that dies behind this line leaves scores that the next one writes, whatever it computes.
        etags = await self.memories.save(unsure)
        for refused in await self.scores.write(scores) if scores else ():
            log.warning("a score was refused for %s: %s", refused.id, refused.error)
        await self.memories.save([replace(one, etag=etags.get(one.memory.external_id, one.etag)) for one in stored])
        await self.tallies.add(_tally_changes(subjects))
        kept.people += len(changed)
        kept.scores += len(scores)

    async def _renew_points(
        self, changed: Sequence[_Changed], book: MailingBook, rules: ReadingRules, kept: Kept
    ) -> None:
        """Write the rows that earn other points by the live weights than by those of the memory's mark (ENG-03).

        Rows of a mark that nobody has any more are all written.
        """
        waiting: list[InteractionWrite] = []
        visits: dict[UUID, int] = {}
        for one in changed:
            if not one.before.etag or one.before.mark == rules.weights.mark:
                continue
            past = await self.weights.marked(one.before.mark)
            if past is not None and past.gives_points_of(rules.weights):
                continue
            past_rules = None if past is None else replace(rules, weights=past)
            waiting += await self._other_points(one, book, past_rules, rules)
            visits |= other_points(one.before.memory.visits, past, rules.weights)
            if len(waiting) >= _ROWS:
                await self._write_rows(RowPlan(waiting), kept)
                waiting = []
            await breathe()
        await self._write_rows(RowPlan(waiting), kept)
        if visits:
            await self.interactions.write_points(visits)

    async def _other_points(
        self, one: _Changed, book: MailingBook, past: ReadingRules | None, rules: ReadingRules
    ) -> list[InteractionWrite]:
        """Return the rows that exist and have other points now; rows that Dataverse may have deleted stay away."""
        memory, now = one.before.memory, self.clock.now()
        read_after = book.reader_of(memory, rules)
        subjects: list[Subject] = []
        for name in sorted(memory.mailings.keys() & one.after.mailings.keys()):
            if (mailing := book.get(name)) is not None:
                events = memory.mailings[name]
                before = book.reader_of(memory, past)(name, events) if past else Reading()
                subjects.append(Subject(memory, mailing, one.record, before, read_after(name, events)))
        rows = _together(await self._plans(subjects)).interactions
        return [row for row in rows if not self.policy.forgets(row.interaction.last, now)]

    async def _write_rows(self, plan: RowPlan, kept: Kept) -> None:
        refused = [*await self.interactions.write(plan.interactions)] if plan.interactions else []
        if plan.gone_interactions:
            await self.interactions.remove(plan.gone_interactions)
        if plan.gone_responses:
            await self.activities.cancel_responses(plan.gone_responses)
        if plan.activities:
            refused += await self.activities.write_activities(plan.activities)
        if plan.responses:
            refused += await self.activities.write_responses(plan.responses)
        kept.rows += len(plan.interactions) + len(plan.activities) + len(plan.responses) - len(refused)
        kept.refused += len(refused)
        if refused:
            await self.refused.note(plan, refused)

    def _score(self, memory: PersonMemory, book: MailingBook, rules: ReadingRules) -> Score:
        weights = rules.weights
        return shown(score_of(memory, book.reader_of(memory, rules), weights), self.clock.now(), weights)


def _new_clicks(changed: Iterable[_Changed]) -> list[NewClicks]:
    found: list[NewClicks] = []
    for one in changed:
        for mailing, events in one.after.mailings.items():
            before = one.before.memory.mailings.get(mailing, frozenset())
            if events is before:
                continue
            if times := _click_times(events - before) - _click_times(before):
                found.append(NewClicks(one.after.external_id, one.record, mailing, times))
    return found


def _click_times(events: Iterable[Event]) -> frozenset[datetime]:
    return frozenset(one.at for one in events if one.kind is EventKind.CLICKED)


def _with_suspects(one: _Changed, compared: Compared) -> _Changed:
    after = one.after
    for mailing, times in compared.suspect.get(after.external_id, {}).items():
        if mailing in after.mailings:
            after = after.with_suspect_times(mailing, times)
    return replace(one, after=after)


def _tally_changes(subjects: Iterable[Subject]) -> Mapping[str, Tally]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in subjects:
        found[one.mailing.handle].update(change(one.before, one.after))
    return found


def _together(plans: Iterable[RowPlan]) -> RowPlan:
    all_plans = list(plans)
    return RowPlan(
        [row for plan in all_plans for row in plan.interactions],
        [row for plan in all_plans for row in plan.activities],
        [row for plan in all_plans for row in plan.responses],
        [row for plan in all_plans for row in plan.gone_interactions],
        [row for plan in all_plans for row in plan.gone_responses],
    )
