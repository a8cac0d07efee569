"""A connector with people and an account with mailings; and what Dataverse must hold, computed from scratch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.domain.consent.changes import OPT_OUT, ConsentAct, ConsentSource, permission
from shared.domain.engagement.events import APPROXIMATE, Event, EventKind, event, joined
from shared.domain.engagement.interactions import Interaction, InteractionKind, Reading, read_events
from shared.domain.engagement.mailings import Link, MailingContent
from shared.domain.engagement.people import PersonMemory, score_of
from shared.domain.engagement.scores import Score, shown
from shared.domain.records.records import PersonTable, RecordKey
from shared.engagement.keeping.row_plan import RowPlan, Subject, plan_rows
from shared.engagement.mailings.known_mailings import KnownMailing
from shared.engagement.service import EngagementResult
from tests.connector_twin import ConnectorTwin, person
from tests.twins.engagement import HOUR, TwinEvent, TwinMailings, TwinRows


@dataclass
class EngagementWorld:
    """One connector; its people by external id."""

    twin: ConnectorTwin
    people: dict[str, RecordKey] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)
    """The domain of the address of everybody, also of those who were erased."""
    ended: dict[str, dict[str, list[Event]]] = field(default_factory=dict)
    """Unsubscribes by person and mailing: the account does not tell the mailing, so a test says which ones count."""
    opted_out: dict[str, datetime] = field(default_factory=dict)

    @property
    def spotler(self) -> TwinMailings:
        return self.twin.mailings

    @property
    def rows(self) -> TwinRows:
        return self.twin.rows

    @property
    def now(self) -> datetime:
        return self.twin.clock.now()

    async def person(self, table: PersonTable = PersonTable.CONTACT, *, domain: str = "") -> str:
        """A synchronised record; returns its external id. Without a `domain`, they have no colleagues."""
        number = len(self.domains)
        domain = domain or f"firm{number}.example"
        key = self.twin.crm.create(table, **person(emailaddress1=f"p{number}@{domain}"))
        await self.twin.sync(key)
        self.people[str(key.id)], self.domains[str(key.id)] = key, domain
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

    async def withdraw(
        self, who: str, *, source: ConsentSource = ConsentSource.PLATFORM_PROFILE, everything: bool = False
    ) -> None:
        """Let the poll of contacts note that a permission fell, or all of them."""
        act = ConsentAct(self.now, self.people[who], who, source)
        subject = OPT_OUT if everything else permission(1)
        await self.twin.consent.record(act.changes({subject: not everything}, {subject: everything}))

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
                found[one.who][one.mailing].append(self._as_told(one))
        for who, mailings in self.ended.items():
            for name, events in mailings.items():
                if who in self.people:
                    found[who][name] += events
        return {who: {name: joined(events) for name, events in mailings.items()} for who, mailings in found.items()}

    def _as_told(self, one: TwinEvent) -> Event:
        """Outside of the feed nobody tells when a person got a bulk mailing."""
        mailing = self.spotler.mailings[one.mailing]
        begun = mailing.mailing.begun
        if one.event.kind is EventKind.SENT and not mailing.in_feed and begun is not None:
            return event(EventKind.SENT, begun, APPROXIMATE)
        return one.event

    def expected_plan(self) -> RowPlan:
        """All rows that the account's events imply, planned as if nothing had been written yet."""
        policy, plans, crowds = self.twin.engagement.policy, [], self._crowds()
        for who, mailings in self.truth().items():
            memory = PersonMemory(who, mailings, opted_out=self.opted_out.get(who))
            for name, events in mailings.items():
                content = MailingContent("Hello", "Shop", "news@shop.example", self.spotler.mailings[name].links)
                known = KnownMailing.of(self.spotler.mailings[name].mailing, content)
                crowd = crowds[name, who]
                after = read_events(
                    events, known.links, policy.rules, kind=known.kind, origin=known.origin, colleagues=crowd
                )
                subject = Subject(memory, known, self.people[who], Reading(), after)
                plans.append(plan_rows(subject, policy, has_campaigns=self.rows.has_campaigns))
        return RowPlan(
            [row for plan in plans for row in plan.interactions],
            [row for plan in plans for row in plan.activities],
            [row for plan in plans for row in plan.responses],
        )

    def expected_rows(self) -> dict[UUID, tuple[RecordKey, Interaction]]:
        return {row.id: (row.record, row.interaction) for row in self.expected_plan().interactions}

    def actual_rows(self) -> dict[UUID, tuple[RecordKey, Interaction]]:
        return {identifier: (row.record, row.interaction) for identifier, row in self.rows.interactions.items()}

    def expected_scores(self) -> dict[RecordKey, Score]:
        rules, crowds = self.twin.engagement.policy.rules, self._crowds()
        scores: dict[RecordKey, Score] = {}
        for who, mailings in self.truth().items():
            memory = PersonMemory(who, mailings, opted_out=self.opted_out.get(who))

            def read(name: str, events: frozenset[Event], who: str = who) -> Reading:
                return read_events(events, self._links(name), rules, colleagues=crowds[name, who])

            state = score_of(memory, read, rules.weights)
            scores[self.people[who]] = shown(state, self.now, rules.weights)
        return scores

    def _crowds(self) -> defaultdict[tuple[str, str], set[datetime]]:
        """When at least three people of one company clicked within five seconds, by mailing and person."""
        clicks: defaultdict[tuple[str, str], set[tuple[datetime, str]]] = defaultdict(set)
        for who, mailings in self.truth().items():
            for name, events in mailings.items():
                times = {one.at for one in events if one.kind is EventKind.CLICKED}
                clicks[name, self.domains[who]] |= {(at, who) for at in times}
        for name, at, who in self._clicks_of_erased():
            clicks[name, self.domains[who]].add((at, who))
        found: defaultdict[tuple[str, str], set[datetime]] = defaultdict(set)
        for (name, domain), of_company in clicks.items():
            for begin, _ in of_company:
                inside = [(at, who) for at, who in of_company if begin <= at <= begin + timedelta(seconds=5)]
                if len({who for _, who in inside}) >= 3 and domain != FREE_MAIL:
                    for at, who in inside:
                        found[name, who].add(at)
        return found

    def _clicks_of_erased(self) -> Iterator[tuple[str, datetime, str]]:
        """The account tells no more who clicked; which clicks the connector had seen before depends on its polls."""
        for key, document in self.twin.store.documents.items():
            if key.partition == "test-clicks":
                minute, _, mailing = key.row.partition("-")
                for people in document.body.values():
                    for who in people.keys() - self.people.keys():
                        for stamp in people[who]:
                            yield mailing, datetime.fromtimestamp(60 * int(minute) + stamp / 1000, UTC), who

    def _links(self, name: str) -> dict[str, Link]:
        return {link.id: link for link in self.spotler.mailings[name].links}


FREE_MAIL = "hotmail.co.uk"


async def open_world(people: int = 3, *, domains: Sequence[str] = (), **settings: Any) -> EngagementWorld:
    """Open a world with contacts, of these domains in turn; `settings` are those of the connector."""
    twin = ConnectorTwin()
    twin.engagement_settings = settings
    twin.worker = twin.start_worker()
    world = EngagementWorld(twin)
    for number in range(people):
        await world.person(domain=domains[number % len(domains)] if domains else "")
    return world


def kinds(rows: dict[str, Interaction]) -> set[InteractionKind]:
    return {row.kind for row in rows.values()}
