"""What must hold when it is quiet: both sides agree, consent is as people said, nobody and nothing is left over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, rule

from shared.core.merge import Verdict
from shared.core.outcomes import Reason
from shared.core.plan import Reach, Rules
from shared.core.records import Intent, PersonRecord, RecordKey, Reference, SyncStatus, Why
from shared.core.situation import MassChange
from shared.ports import DocumentKey, OutgoingMessage, QueueName
from shared.sync.lanes import references_body
from tests.connector_twin import ConnectorTwin
from tests.histories.consents import Consents
from tests.histories.erasures import Erasures
from tests.histories.refusals import Refusals
from tests.histories.sharing import Sharing
from tests.histories.world import COLUMNS, DIRECTIONS, ELSEWHERE, FILTERED, NAMES, POST_CODE, Profile, Version, World
from tests.twins import Waiting

UNREACHABLE = {Reason.NO_ACTIVE_CHANNEL, Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE, Reason.PERHAPS_OPTED_OUT}
MOST_ECHOES = 3
"""Rounds of two polls in which what happened may still go from record to record."""

Item = TypeVar("Item")


class QuietAtLast(RuleBasedStateMachine):
    """One environment, what happened in it so far, and `settle`: whatever that was, all is well once it is quiet."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = self.open_world()
        self.ask(self.world.open())
        self.consents = Consents()
        self.refusals = Refusals()
        self.erasures = Erasures()
        self.version = Version()
        self.outdated: tuple[Rules, datetime] | None = None
        """The mapping that processes may have in use up to a moment, though it is not the live one any more."""
        self.begun = self.twin.clock.now()
        self.numbers = 0
        self.wronged: list[RecordKey] = []
        self.has_failed = False
        self.opted_out: set[str] = set()
        self.bounced: set[str] = set()
        self.on_request: set[RecordKey] = set()
        self.edited_here: set[tuple[RecordKey, str]] = set()
        self.edited_there: set[str] = set()
        self.joining: set[RecordKey] = set()
        self.addresses: dict[RecordKey, set[str]] = {}
        """The addresses that records have had since it was last quiet."""
        self.refusers: dict[str, set[RecordKey]] = {}
        """The records that have refused mail at an address, whatever became of them."""
        self.sharing = Sharing()

    def open_world(self) -> World:
        raise NotImplementedError

    @property
    def twin(self) -> ConnectorTwin:
        return self.world.twin

    def do(self, act: Coroutine[Any, Any, Item]) -> Item:
        """Let something happen, and see what the world looks like then."""
        done = self.ask(act)
        self.ask(self.world.look())
        self.refusals.see(self.world.people())
        for key, record in self.world.people().items():
            if record.values.get("donotbulkemail") or record.values.get("donotemail"):
                contact = self.contact_of(key)  # which may have the address that the record had before
                for address in {self.address(key), contact.email if contact else self.address(key)}:
                    self.refusers.setdefault(address, set()).add(key)
        return done

    def ask(self, question: Coroutine[Any, Any, Item]) -> Item:
        return self.runner.run(question)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def fresh(self, *, blank: bool = False) -> str | None:
        return None if blank else f"Text{self.number()}"

    def tell(
        self, *keys: RecordKey, why: Why = Why.SAVED, intent: Intent = Intent.SYNC, after: timedelta = timedelta()
    ) -> None:
        """Dataverse writes its event: one message, that cannot fail apart from the change itself."""
        references = [Reference(key, why, f"event-{self.number()}", intent=intent) for key in keys]
        self.put(OutgoingMessage(references_body(references)), after=after)

    def put(self, message: OutgoingMessage, *, after: timedelta = timedelta()) -> None:
        due = self.twin.clock.now() + after
        self.twin.queue.waiting.append(Waiting(QueueName.LIVE, message, self.number(), due))

    def records(self, *, active: bool = True) -> list[RecordKey]:
        return [key for key, one in self.world.people().items() if (one.values["statecode"] == 0) is active]

    def had(self, key: RecordKey, *, joins: bool = False) -> None:
        """Who has this address now has said yes to that, for whoever shares it."""
        self.erasures.touch(self.address(key))
        self.addresses.setdefault(key, set()).add(self.address(key))
        rows = {name for name in NAMES if row_of(self.world.people()[key], name)}
        self.consents.given |= {(self.address(key), name) for name in rows}
        if joins or key in self.joining:
            self.sharing.regroup()
            self.joining.add(key)
            self.consents.brought |= {(key, name) for name in rows | self.consents.defaults}

    # ------------------------------------------------------------------------------------------------- what must hold

    @rule()
    def settle(self) -> None:
        """All messages are delivered, nothing fails, and two polls have passed: it is quiet."""
        self.twin.faults.planned.clear()
        self.twin.faults.interleaves = False
        self.twin.worker = self.twin.start_worker()
        self.do(self.calm())
        if self.on_request:  # whoever is saved after an erasure is made anew (DEL-08)
            self.tell(*sorted(self.on_request & self.world.people().keys()), why=Why.RESYNC)
            self.on_request.clear()
            self.do(self.calm())
        if again := sorted(self.erasures.of & self.world.people().keys()):  # and after one in Spotler itself
            self.tell(*again, why=Why.RESYNC)
            self.do(self.calm())
        assert not self.wronged, "a contact was erased that an active record needs"
        self.do(self.come_to_rest())
        before = self.world.writes()
        self.do(self.two_polls())
        assert self.world.writes() == before, "the sides play ping-pong"
        self.both_sides_agree()
        self.consent_is_as_people_said()
        self.who_refused_is_not_mailable()
        self.refusals_of_resting_records_travel()
        self.erased_contacts_are_whole_again()
        self.nobody_is_left_over()
        self.the_ledger_is_tidy()
        if not self.has_failed:  # what a dead worker has written, and nobody remembers, looks like an edit in Spotler
            self.sharing.no_value_has_strayed(self.world.people())
        self.sharing.others_kept_theirs(self.world.people())
        self.ask(self.the_consent_ledger_explains_it())
        self.consents.settle(self.world.profiles(), self.world.people())
        self.refusals.settle(self.world.profiles(), self.world.people(), self.bound())
        self.erasures.settle()
        self.addresses.clear()
        self.joining.clear()
        self.sharing.settle({key: record for key, record in self.world.people().items() if self.is_secondary(key)})

    async def calm(self) -> None:
        await self.twin.quiet()
        await self.two_polls()
        while any(one["held"] for one in (await self.twin.brake.state()).values()):
            await self.twin.release.begin(list(MassChange), hours=0)
            await self.twin.quiet()
            await self.two_polls()

    async def come_to_rest(self) -> None:
        """Poll until nothing is written any more: a refusal that one poll carries may reach others with the next."""
        for _ in range(MOST_ECHOES):
            before = self.world.writes()
            await self.two_polls()
            if self.world.writes() == before:
                return

    async def two_polls(self) -> None:
        await self.twin.poll()
        await self.twin.poll()

    def address(self, key: RecordKey) -> str:
        return str(self.world.people()[key].values.get("emailaddress1") or "").casefold()

    def may_be_there(self) -> list[RecordKey]:
        """Whom Dataverse wants in Spotler."""
        people = self.world.people()
        return [
            key
            for key in self.records()
            if self.address(key) and not people[key].values.get("donotemail") and key not in self.resting()
        ]

    def resting(self) -> set[RecordKey]:
        """Whose contact stays as it is: they are disabled, do not fit, or are outside a filter that erases nobody."""
        people, disabled = self.world.people(), self.disabled()
        return {
            key
            for key in people
            if key in disabled
            or people[key].values.get(POST_CODE) == "nowhere"
            or (self.version.outside is not None and people[key].values.get(FILTERED) == ELSEWHERE)
        }

    def disabled(self) -> set[RecordKey]:
        """Of whom nothing is to be sent: by a user's hand, or by that of their lead."""
        people = self.world.people()
        return {key for key, one in people.items() if one.status and one.status.status is SyncStatus.DISABLED}

    def syncable(self) -> list[RecordKey]:
        """Whose data goes to and fro: those whose contact can be mailed."""
        return [
            key
            for key in self.may_be_there()
            if (found := self.contact_of(key)) is not None
            and not found.is_inactive
            and found.email == self.address(key)
        ]

    def contact_of(self, key: RecordKey) -> Profile | None:
        document = self.twin.store.documents.get(DocumentKey("test-binding", str(key)))
        if document is None or not document.body["live"]:
            return None
        return next((one for one in self.world.profiles() if one.external_id == document.body["contact"]), None)

    def bound(self) -> dict[str, set[RecordKey]]:
        """The records that are bound to each contact, by external id."""
        bound: dict[str, set[RecordKey]] = {}
        for key in self.world.people():
            if (contact := self.contact_of(key)) is not None:
                bound.setdefault(contact.external_id, set()).add(key)
        return bound

    def who_refused_is_not_mailable(self) -> None:
        bound = self.bound()
        for one in self.world.profiles():
            if not one.is_inactive:
                there = sorted(bound.get(one.external_id, ()))
                broken = list(self.refusals.broken(one, there, self.world.people()))
                assert not broken, "; ".join(broken)

    def erased_contacts_are_whole_again(self) -> None:
        broken = list(self.erasures.broken(self.world.profiles()))
        assert not broken, "; ".join(broken)

    def is_secondary(self, key: RecordKey) -> bool:
        """Whether another record is the primary user of its contact."""
        external_id = self.ask(self.twin.ledger.entries([key]))[key].binding.external_id
        contact = self.ask(self.twin.ledger.contacts([external_id]))[external_id]
        return key in contact.users and contact.primary not in {key, None}

    def refusals_of_resting_records_travel(self) -> None:
        """Whatever else keeps a record from Spotler, nothing keeps what it refuses (OPT-02)."""
        people, bound = self.world.people(), self.bound()
        for key in self.resting():
            contact = self.contact_of(key)
            if contact is None or contact.is_inactive or contact.email != self.address(key):
                continue
            refuses = people[key].values.get("donotbulkemail") or people[key].values.get("donotemail")
            sharers = sorted(bound[contact.external_id])
            joined = [one for one, emails in self.addresses.items() if contact.email in emails]
            for name, on in contact.options.items():
                assert not (on and refuses), f"{key} refuses mail, and {name} is on"
                is_withdrawn = self.consents.was_withdrawn(contact.id, sharers, joined, name)
                assert not (on and row_of(people[key], name) is False and is_withdrawn), f"{key} has withdrawn {name}"

    def both_sides_agree(self) -> None:
        people = self.world.people()
        for key in self.may_be_there():
            status = people[key].status
            assert status is not None, f"{key} has no status"
            contact = self.contact_of(key)
            if contact is None or contact.is_inactive:
                is_told = status.status is SyncStatus.OPT_OUT or status.reason_code in UNREACHABLE
                assert is_told, f"{key} is not in Spotler, but {status.status} ({status.reason_code})"
                continue
            if status.status is SyncStatus.OPT_OUT and contact.email != self.address(key):
                continue  # whoever came back did so with the address that the record had before
            assert status.status is SyncStatus.SUCCEEDED, f"{key} can be mailed, but is {status.status}"
            assert contact.email == self.address(key)
            assert str(key) in self.twin.users()[contact.external_id]
            self.values_agree(key, people[key], contact)

    def values_agree(self, key: RecordKey, record: PersonRecord, contact: Profile) -> None:
        sharers = [other for other in self.syncable() if self.address(other) == contact.email]
        users = self.bound()[contact.external_id]
        if not users & self.resting():  # what one that rests has written, or should have, stands in the contact
            names = {self.world.people()[other].values["firstname"] or "" for other in sharers}
            assert contact.values.get("firstName", "") in names | self.edited_there
            assert contact.values["customerType"] in {str(other.table) for other in sharers}
        verdicts = self.ask(self.twin.ledger.entries([key]))[key].binding.verdicts
        directions = {} if self.is_secondary(key) else {**DIRECTIONS, **self.version.directions}
        for name, direction in directions.items():
            here, there = record.values.get(COLUMNS[name]) or "", contact.values.get(name, "")
            if direction != "<->":
                came = here == there or not there or (key, name) in self.edited_here
                assert came or direction != "<-", f"{key}: {there!r} did not come home"
                continue
            if name == "initials" and not (here and there):
                continue
            is_told = verdicts.get(name) in {Verdict.ASKED, Verdict.FROZEN}
            assert here == there or is_told, f"{key}.{name}: {here!r} here, {there!r} there"

    def consent_is_as_people_said(self) -> None:
        people, profiles = self.world.people(), self.world.profiles()
        for one in profiles:
            assert one.is_inactive or one.id not in self.opted_out, "an opt-out was undone"
        for key in self.syncable():
            contact = self.contact_of(key)
            assert contact is not None, "who is synchronised is there"
            sharers = [other for other in self.syncable() if self.contact_of(other) == contact]
            others = self.twin.users()[contact.external_id].values()  # who wants no mail at all has a say, too
            refuses = any(people[other].values.get("donotbulkemail") for other in sharers) or {*others} != {"ok"}
            others_refused = bool(self.refusers.get(contact.email, set()) - {*sharers})
            for name, on in contact.options.items():
                assert not (on and refuses), "Do Not Bulk Email is not obeyed"
                row = row_of(people[key], name)
                agrees = row in {on, None} or self.version.permissions == "->" or (others_refused and not on)
                assert refuses or agrees, f"{key}: {name} is {row} here and {on} there"
                is_told = row is not None or self.version.permissions == "->"
                assert is_told or not on or refuses, f"{key}: nobody sees that {name} is on"
                if on:
                    emails = {contact.email}.union(*(self.addresses.get(other, set()) for other in sharers))
                    assert self.consents.may_be_on(contact.id, emails, sharers, name), f"{name} of {key} rose by itself"
                if not refuses:
                    joined = [one for one, emails in self.addresses.items() if contact.email in emails]
                    assert not (on and self.consents.was_withdrawn(contact.id, sharers, joined, name)), (
                        f"{name} of {key} was withdrawn"
                    )

    def nobody_is_left_over(self) -> None:
        there = {str(key) for key in {*self.may_be_there(), *self.resting()}}
        users, bound = self.twin.users(), self.bound()
        for contact in self.world.profiles():
            if contact.external_id and not bound.get(contact.external_id, set()) & self.resting():
                holders = {key for key, consent in users.get(contact.external_id, {}).items() if consent != "no-mail"}
                assert holders & there or contact.is_inactive, f"{contact.external_id} belongs to nobody any more"

    def the_ledger_is_tidy(self) -> None:
        now = self.twin.clock.now().isoformat()
        for document in self.twin.store.documents.values():
            if (claim := document.body.get("claim")) is not None:
                assert self.has_failed, "a claim was left behind"
                assert claim["until"] <= now
        live = {str(key) for key in {*self.may_be_there(), *self.resting()}}
        for users in self.twin.users().values():
            assert {user for user, consent in users.items() if consent != "no-mail"} <= live
        assert not self.twin.queue.dead
        assert not self.twin.queue.waiting
        for key in self.world.people():
            assert any(place.row == str(key) for place in self.twin.store.documents), f"{key} has no outcome"

    async def the_consent_ledger_explains_it(self) -> None:
        people = self.world.people()
        entries = await self.twin.ledger.entries(people)
        for key, record in people.items():
            changes = await self.twin.consent.of_record(key, limit=10_000)
            binding = entries[key].binding
            if not binding.is_live or binding.reach is not Reach.OPEN:
                continue
            yes = self.twin.rules.fingerprints
            for name in NAMES:
                told = next((one.new for one in changes if one.subject == name), None)
                known = binding.base.get(name)
                if known is None:
                    continue
                answer = "yes" if known == yes.value(binding.external_id, name, value=True) else "no"
                assert told == answer, f"{key}: the ledger says {told} of {name}, and it is {answer}"
            assert record.key == key

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.ask(self.world.close())
            self.runner.close()


def row_of(record: PersonRecord, name: str) -> bool | None:
    """What a record's rows say of a permission; of two rows, the lower."""
    rows = [row.subscribed for row in record.permissions if row.name == NAMES[name]]
    return all(rows) if rows else None
