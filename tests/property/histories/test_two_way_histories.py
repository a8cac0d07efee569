"""Histories of both directions over the twins: thousands of them, with every kind of fault."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shared.domain.mapping.reading import ORIGINATING_LEAD
from shared.domain.records.records import Lookup, PersonTable, RecordKey, SyncStatus, Why
from shared.ports.state import DocumentKey
from tests.histories.machine import TwoWayHistories
from tests.histories.twin_world import ERASURE_LIMIT, POISON, TwinImport, TwinWorld
from tests.histories.world import World, rules
from tests.twins import TwinContact


class TwinHistories(TwoWayHistories):
    """Over the twins, which also show the moment of an erasure."""

    world: TwinWorld

    def __init__(self) -> None:
        self.erased: dict[frozenset[RecordKey], datetime] = {}
        self.passed_the_brake = False
        super().__init__()

    @invariant()
    def the_brake_holds(self) -> None:
        assert not self.passed_the_brake, "more contacts were erased within an hour than the brake lets pass"

    def open_world(self) -> World:
        world = TwinWorld(rules())
        world.twin.platform.before_erasure = self.before_erasure
        world.twin.platform.page_size = 2
        return world

    # ---------------------------------------------------------------------------------- what holds up no poll for ever

    @rule()
    def poison(self) -> None:
        """Somebody signs up on whom the connector breaks."""
        self.twin.platform.sign_up(f"{POISON}{self.number()}@example.com", firstName="Zaphod")

    @rule(times=st.integers(min_value=1, max_value=3))
    def repeat_cursors(self, times: int) -> None:
        """The next feeds of changes lead back to a page that was read."""
        self.twin.platform.repeated_cursors = times

    @rule(days=st.integers(min_value=1, max_value=3))
    def nights(self, days: int) -> None:
        """Nights pass, with whatever the day before has left in the queues."""
        for _ in range(days):
            self.twin.clock.advance(timedelta(hours=24))
            self.do(self.survive(self.twin.reconciliation.begin()))

    async def calm(self) -> None:
        self.twin.platform.repeated_cursors = 0
        await super().calm()

    async def two_polls(self) -> None:
        await super().two_polls()
        until = await self.twin.poller.cursor()
        assert until is not None
        assert self.twin.clock.now() - until < timedelta(minutes=1), "the cursor stands"
        if isinstance(self.twin.new_subscribers, TwinImport):
            poisons = {one.encrypted_id for one in self.twin.platform.contacts if one.email.startswith(POISON)}
            assert poisons <= self.twin.new_subscribers.refused, (
                "nobody is asked about a subscriber who is not taken in"
            )

    def before_erasure(self, contact: TwinContact) -> None:
        """See the moment of an erasure."""
        self.nobody_else_needs(contact)
        self.brake_lets_pass(contact)

    def brake_lets_pass(self, contact: TwinContact) -> None:
        """Within an hour no more contacts are erased because their records ended than the limit, but for a release."""
        now, documents = self.twin.clock.now(), self.twin.store.documents
        users = documents.get(DocumentKey("test-contact", contact.external_id))
        enders = {RecordKey.parse(key) for key in (users.body["users"] if users else {})}
        there = self.may_be_there()
        leads = {self.world.people()[key].values.get(ORIGINATING_LEAD) for key in there}
        if any(isinstance(lead, Lookup) and RecordKey(PersonTable.LEAD, lead.id) in enders for lead in leads):
            return  # the contact that grew out of the lead lives, and its address has moved
        if not enders or enders & (self.on_request | set(there)):
            return  # a job asked for it, or the record lives and its address has moved
        if any(self.has_moved_from(contact.email, key) for key in enders):
            return  # the record may not be mailed, but it lives: a merge gave it another address
        if any(self.address(key) == contact.email and self.was_entered_after_deletion(key, contact) for key in there):
            return  # the person was deleted and entered again, and is made anew at once
        release = documents.get(DocumentKey("test-brake", "released-erasure"))
        if release is not None:
            held = [documents.get(DocumentKey("test-binding", str(key))) for key in enders]
            since = [one.body["held"]["erasure"] for one in held if one and "erasure" in one.body.get("held", {})]
            if now < datetime.fromisoformat(release.body["until"]) or any(at <= release.body["at"] for at in since):
                return
        recent = {ends: at for ends, at in self.erased.items() if at > now - timedelta(hours=1)}
        same = next((ended for ended in recent if ended & enders), frozenset(enders))
        self.erased = {**recent, same: now}  # a record counts once, however often it ends
        self.passed_the_brake |= len(self.erased) > ERASURE_LIMIT

    def has_moved_from(self, address: str, key: RecordKey) -> bool:
        """Whether the record is active with another address."""
        record = self.world.people().get(key)
        if record is None or record.values.get("statecode") != 0:
            return False
        return self.address(key) not in {"", address}

    def take_in(self) -> None:
        self.world.take_in(partial(self.tell, why=Why.PLATFORM))

    def nobody_else_needs(self, contact: TwinContact) -> None:
        """Asked at the moment of an erasure: whoever wants this address has another contact, and takes it along."""
        for key in self.may_be_there():
            status = self.world.people()[key].status
            is_out = status is not None and status.status is SyncStatus.OPT_OUT
            is_out = is_out or contact.has_bounced  # of no use to anybody; Spotler refuses it to new subscribers
            needs = self.address(key) == contact.email and not is_out and not self.has_another(key, contact)
            if needs and not self.was_entered_after_deletion(key, contact):
                self.wronged.append(key)

    def was_entered_after_deletion(self, key: RecordKey, contact: TwinContact) -> bool:
        """Deleted means erased: whoever is entered after the users of a contact were last seen gets one of its own."""
        users = self.twin.users().get(contact.external_id, {})
        made = self.world.people()[key].created_on
        if made is None or any(RecordKey.parse(user) in self.world.people() for user in users):
            return False
        seen = [self.twin.store.documents[DocumentKey("test-binding", user)].body["outcome"]["at"] for user in users]
        return all(datetime.fromisoformat(at) <= made for at in seen)

    def has_another(self, key: RecordKey, contact: TwinContact) -> bool:
        if key in self.on_request:
            return True
        bound = self.twin.store.documents.get(DocumentKey("test-binding", str(key)))
        if bound is None or not bound.body["live"]:
            return False
        held = self.twin.rules.fingerprints.address(contact.email)
        return bound.body["contact"] != contact.external_id or bound.body["address"] != held


class NightlyTwinHistories(TwinHistories):
    """More of them, and longer: some two minutes (`make slow`)."""


TestNightlyTwinHistories = pytest.mark.slow(NightlyTwinHistories.TestCase)
TestNightlyTwinHistories.settings = settings(
    max_examples=4000, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)

TestTwinHistories = TwinHistories.TestCase
TestTwinHistories.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
