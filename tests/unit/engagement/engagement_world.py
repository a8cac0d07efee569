"""A connector with people and an account with mailings; and what Dataverse must hold, computed from scratch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.domain.engagement.events import Event, EventKind, joined
from shared.domain.engagement.interactions import Interaction, InteractionKind, interaction_id, read_events
from shared.domain.engagement.mailings import Link
from shared.domain.engagement.people import PersonMemory, score_of
from shared.domain.engagement.scores import Score, shown
from shared.domain.records.records import PersonTable, RecordKey
from shared.engagement.service import EngagementResult
from tests.connector_twin import ConnectorTwin, person
from tests.twins.engagement import HOUR, TwinMailings, TwinRows


@dataclass
class EngagementWorld:
    """One connector; its people by external id."""

    twin: ConnectorTwin
    people: dict[str, RecordKey] = field(default_factory=dict)

    @property
    def spotler(self) -> TwinMailings:
        return self.twin.mailings

    @property
    def rows(self) -> TwinRows:
        return self.twin.rows

    @property
    def now(self) -> datetime:
        return self.twin.clock.now()

    async def person(self, table: PersonTable = PersonTable.CONTACT) -> str:
        """A synchronised record; returns its external id."""
        key = self.twin.crm.create(table, **person(emailaddress1=f"p{len(self.people)}@example.com"))
        await self.twin.sync(key)
        self.people[str(key.id)] = key
        return str(key.id)

    def pass_by(self, time: timedelta = HOUR) -> None:
        self.twin.clock.advance(time)

    async def poll(self, time: timedelta = HOUR) -> EngagementResult:
        """Let time pass, read, and do all that follows."""
        self.pass_by(time)
        result = await self.twin.engagement.poll()
        await self.twin.quiet()
        return result

    async def night(self, time: timedelta = HOUR) -> None:
        self.pass_by(time)
        await self.twin.engagement.night()
        await self.twin.quiet()

    def of(self, who: str, mailing: str = "") -> dict[str, Interaction]:
        """The interactions of a person, by part."""
        return {
            row.interaction.part: row.interaction
            for row in self.rows.interactions.values()
            if row.record == self.people[who] and mailing in {"", row.mailing.handle}
        }

    def score(self, who: str) -> Score:
        return self.rows.scores.get(self.people[who], Score())

    # ------------------------------------------------------------------------------------- from scratch

    def truth(self) -> dict[str, dict[str, frozenset[Event]]]:
        """What the account's own events say, by person and mailing."""
        found: defaultdict[str, defaultdict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
        reads_sent = self.twin.engagement.policy.reads_sent
        for one in self.spotler.events:
            if one.who in self.people and (reads_sent or one.event.kind is not EventKind.SENT):
                found[one.who][one.mailing].append(one.event)
        return {who: {name: joined(events) for name, events in mailings.items()} for who, mailings in found.items()}

    def expected_rows(self) -> dict[UUID, tuple[RecordKey, Interaction]]:
        rules = self.twin.engagement.policy.rules
        return {
            interaction_id("test", name, who, row.part): (self.people[who], row)
            for who, mailings in self.truth().items()
            for name, events in mailings.items()
            for row in read_events(events, self._links(name), rules, kind=self.spotler.mailings[name].mailing.kind).rows
        }

    def actual_rows(self) -> dict[UUID, tuple[RecordKey, Interaction]]:
        return {identifier: (row.record, row.interaction) for identifier, row in self.rows.interactions.items()}

    def expected_scores(self) -> dict[RecordKey, Score]:
        rules = self.twin.engagement.policy.rules
        scores: dict[RecordKey, Score] = {}
        for who, mailings in self.truth().items():
            memory = PersonMemory(who, mailings)
            state = score_of(memory, lambda name, events: read_events(events, self._links(name), rules), rules.weights)
            scores[self.people[who]] = shown(state, self.now, rules.weights)
        return scores

    def _links(self, name: str) -> dict[str, Link]:
        return {link.id: link for link in self.spotler.mailings[name].links}


async def open_world(people: int = 3, **settings: Any) -> EngagementWorld:
    """Open a world with contacts; `settings` are those of the connector."""
    twin = ConnectorTwin()
    twin.engagement_settings = settings
    twin.worker = twin.start_worker()
    world = EngagementWorld(twin)
    for _ in range(people):
        await world.person()
    return world


def kinds(rows: dict[str, Interaction]) -> set[InteractionKind]:
    return {row.kind for row in rows.values()}
