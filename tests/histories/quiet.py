"""What must hold when it is quiet: both sides agree, consent is as people said, nobody and nothing is left over."""

from __future__ import annotations

from typing import TypeVar

from hypothesis.stateful import rule

from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.binding import MailStatus, MassChange
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonRecord, RecordKey, SyncStatus, Why
from tests.histories.stage import Stage, row_of
from tests.histories.world import COLUMNS, DIRECTIONS, NAMES, Profile

UNREACHABLE = {Reason.NO_ACTIVE_CHANNEL, Reason.HARD_BOUNCE, Reason.SOFT_BOUNCE, Reason.PERHAPS_OPTED_OUT}
MOST_ECHOES = 3
"""Rounds of two polls in which what happened may still go from record to record."""

Item = TypeVar("Item")


class QuietAtLast(Stage):
    """`settle`: whatever has happened, all is well once it is quiet."""

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
        decisions = self.ask(self.twin.ledger.entries([key]))[key].binding.merge_decisions
        directions = {} if self.is_secondary(key) else {**DIRECTIONS, **self.version.directions}
        for name, direction in directions.items():
            here, there = record.values.get(COLUMNS[name]) or "", contact.values.get(name, "")
            if direction != "<->":
                came = here == there or not there or (key, name) in self.edited_here
                assert came or direction != "<-", f"{key}: {there!r} was not written back"
                continue
            if name == "initials" and not (here and there):
                continue
            is_told = decisions.get(name) in {MergeDecision.ASKED, MergeDecision.FROZEN}
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
            refuses = any(people[other].values.get("donotbulkemail") for other in sharers)
            refuses = refuses or {*others} != {"ok"}
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
            if not binding.is_live or binding.mail_status is not MailStatus.OPEN:
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
