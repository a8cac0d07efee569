"""Whatever users do, and whatever fails in between: at quiet, Spotler agrees with Dataverse, and nobody was wronged.

Users create, edit, move between three addresses, refuse mail, leave, return, merge and qualify; messages come late,
twice and in any order, to two workers at once; calls fail before or after their effect; workers die.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from shared.core.mapping.reading import ORIGINATING_LEAD
from shared.core.records import PersonTable, RecordKey, Reference, Why
from shared.errors import ConnectorError, ThrottledError, TransientError
from shared.ports import DocumentKey, OutgoingMessage, QueueName
from shared.sync.dispatch import Dispatcher
from shared.sync.lanes import references_body
from tests.connector_twin import NEWSLETTER, ConnectorTwin
from tests.twins import CrashError, TwinContact, Waiting

ADDRESSES = ("ann@example.com", "Ben@example.com", "cas@example.com")
MOST_RECORDS = 7

addresses = st.sampled_from(ADDRESSES)
tables = st.sampled_from([PersonTable.CONTACT, PersonTable.CONTACT, PersonTable.LEAD])
failures = st.sampled_from(
    [
        TransientError("twin is down"),
        ThrottledError("twin is busy", retry_after=timedelta(seconds=20)),
        CrashError(),
        CrashError(),
    ]
)
Item = TypeVar("Item")
picks = st.integers(min_value=0, max_value=10_000)


class OutboundHistories(RuleBasedStateMachine):
    """One environment. Every rule that changes a record also sends its event, as Dataverse does."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.twin = ConnectorTwin()
        self.twin.platform.before_erasure = self.nobody_else_needs
        self.names = 0
        self.wronged: list[RecordKey] = []
        self.has_failed = False

    # ------------------------------------------------------------------------------------------------ what users do

    def records(self, *, active: bool = True) -> list[RecordKey]:
        return sorted(
            key for key, record in self.twin.crm.people.items() if (record.values["statecode"] == 0) is active
        )

    def fresh_name(self) -> str:
        self.names += 1
        return f"Name{self.names}"

    def tell(self, *keys: RecordKey, why: Why = Why.SAVED) -> None:
        """Dataverse writes its event: one message, that cannot fail apart from the change itself."""
        message = OutgoingMessage(references_body([Reference(key, why) for key in keys]))
        self.twin.queue.waiting.append(
            Waiting(QueueName.LIVE, message, len(self.twin.queue.waiting) + self.names, self.twin.clock.now())
        )

    @precondition(lambda self: len(self.twin.crm.people) < MOST_RECORDS)
    @rule(table=tables, address=addresses, newsletter=st.booleans())
    def create(self, table: PersonTable, address: str, *, newsletter: bool) -> None:
        key = self.twin.crm.create(
            table, emailaddress1=address, firstname=self.fresh_name(), permissions={"Newsletter": newsletter}
        )
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks)
    def rename(self, pick: int) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.edit(key, firstname=self.fresh_name())
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, address=addresses)
    def change_address(self, pick: int, address: str) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.edit(key, emailaddress1=address)
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, column=st.sampled_from(["donotemail", "donotbulkemail"]), value=st.booleans())
    def set_preference(self, pick: int, column: str, *, value: bool) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.edit(key, **{column: value})
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, newsletter=st.booleans())
    def permit(self, pick: int, *, newsletter: bool) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.permit(key, Newsletter=newsletter)
        self.tell(key, why=Why.PERMISSION)

    @precondition(lambda self: self.records())
    @rule(pick=picks)
    def remove_address(self, pick: int) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.edit(key, emailaddress1=None)
        self.tell(key)

    @precondition(lambda self: self.deletable())
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        key = pick_from(self.deletable(), pick)
        self.twin.crm.delete(key)
        self.tell(key, why=Why.DELETED)

    def deletable(self) -> list[RecordKey]:
        """A contact that nobody has looked at yet must stay: nothing else tells that its lead's contact has an heir."""
        known = {key.row for key in self.twin.store.documents if key.partition == "test-binding"}
        return [
            key
            for key in sorted(self.twin.crm.people)
            if self.twin.crm.people[key].values.get(ORIGINATING_LEAD) is None or str(key) in known
        ]

    @precondition(lambda self: self.records())
    @rule(pick=picks)
    def deactivate(self, pick: int) -> None:
        key = pick_from(self.records(), pick)
        self.twin.crm.edit(key, statecode=2 if key.table is PersonTable.LEAD else 1)
        self.tell(key)

    @precondition(lambda self: self.records(active=False))
    @rule(pick=picks)
    def activate(self, pick: int) -> None:
        key = pick_from(self.records(active=False), pick)
        self.twin.crm.edit(key, statecode=0, merged=False)
        self.tell(key)

    @precondition(lambda self: len(self.contacts()) > 1)
    @rule(pick=picks, other=picks)
    def merge(self, pick: int, other: int) -> None:
        master, subordinate = pick_two(self.contacts(), pick, other)
        self.twin.crm.merge(master, subordinate)
        self.tell(master, subordinate, why=Why.MERGED)

    def contacts(self) -> list[RecordKey]:
        return [key for key in self.records() if key.table is PersonTable.CONTACT]

    @precondition(lambda self: self.leads())
    @rule(pick=picks, address=st.none() | addresses, refuses=st.booleans())
    def qualify(self, pick: int, address: str | None, *, refuses: bool) -> None:
        lead = pick_from(self.leads(), pick)
        changes = {} if address is None else {"emailaddress1": address}
        contact = self.twin.crm.qualify(lead, firstname=self.fresh_name(), donotemail=refuses, **changes)
        self.tell(lead)
        self.tell(contact)
        self.tell(lead, contact, why=Why.QUALIFIED)

    def leads(self) -> list[RecordKey]:
        return [key for key in self.records() if key.table is PersonTable.LEAD]

    # --------------------------------------------------------------------------------------------- what queues do

    @precondition(lambda self: self.twin.queue.due())
    @rule(size=st.integers(min_value=1, max_value=5), reverse=st.booleans())
    def deliver(self, size: int, *, reverse: bool) -> None:
        due = self.twin.queue.due()
        self.receive((due[::-1] if reverse else due)[:size])

    @precondition(lambda self: len(self.twin.queue.due()) > 1)
    @rule(size=st.integers(min_value=2, max_value=6), in_one_process=st.booleans())
    def deliver_twice_at_once(self, size: int, *, in_one_process: bool) -> None:
        due = self.twin.queue.due()[:size]
        self.receive(due[::2], due[1::2], in_one_process=in_one_process)

    def receive(self, *batches: Sequence[Waiting], in_one_process: bool = False) -> None:
        async def all_at_once() -> None:
            self.twin.faults.interleaves = len(batches) > 1
            first = self.twin.start_worker()
            workers = [first if in_one_process else self.twin.start_worker() for _ in batches]
            await asyncio.gather(*map(self.survive, workers, batches))

        self.runner.run(all_at_once())

    async def survive(self, worker: Dispatcher, batch: Sequence[Waiting]) -> None:
        """A message whose worker fails stays in the queue."""
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.receive(batch, worker)

    @precondition(lambda self: self.twin.queue.waiting)
    @rule(pick=picks)
    def duplicate(self, pick: int) -> None:
        self.twin.queue.waiting.append(pick_from(self.twin.queue.waiting, pick))

    @rule(seconds=st.sampled_from([1, 5, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.twin.clock.advance(timedelta(seconds=seconds))

    @rule(moment=st.integers(min_value=0, max_value=20), failure=failures)
    def plan_failure(self, moment: int, failure: BaseException) -> None:
        self.twin.faults.plan(moment, failure)
        self.has_failed = True

    # ------------------------------------------------------------------------------------------------- what must hold

    def nobody_else_needs(self, contact: TwinContact) -> None:
        """Asked at the moment of an erasure: whoever wants this address has another contact, and takes it along."""
        for key in self.syncable():
            if self.address(key) == contact.email and not self.has_another(key, contact):
                self.wronged.append(key)

    def has_another(self, key: RecordKey, contact: TwinContact) -> bool:
        bound = self.twin.store.documents.get(DocumentKey("test-binding", str(key)))
        if bound is None or not bound.body["live"]:
            return False
        held = self.twin.rules.fingerprints.address(contact.email)
        return bound.body["contact"] != contact.external_id or bound.body["address"] != held

    def syncable(self) -> list[RecordKey]:
        return [
            key
            for key in self.records()
            if self.address(key) and not self.twin.crm.people[key].values.get("donotemail")
        ]

    def address(self, key: RecordKey) -> str:
        return str(self.twin.crm.people[key].values.get("emailaddress1") or "").casefold()

    @rule()
    def settle(self) -> None:
        self.twin.faults.planned.clear()
        self.twin.faults.interleaves = False
        self.twin.worker = self.twin.start_worker()
        self.runner.run(self.twin.quiet())
        assert not self.wronged, "a contact was erased that an active record needs"
        self.both_sides_agree()
        self.nobody_is_left_over()
        self.the_ledger_is_tidy()

    def both_sides_agree(self) -> None:
        for key in self.syncable():
            record = self.twin.crm.people[key]
            contact = self.twin.contact_of(self.address(key))
            sharers = [other for other in self.syncable() if self.address(other) == self.address(key)]
            people = [self.twin.crm.people[other] for other in sharers]
            assert contact.values["firstName"] in {one.values["firstname"] for one in people}
            assert contact.values["customerType"] in {str(other.table) for other in sharers}
            if contact.options.get(NEWSLETTER):
                assert not any(one.values.get("donotbulkemail") for one in people)
                assert any(one.permissions[0].subscribed for one in people)
            assert str(key) in self.twin.users()[contact.external_id]
            assert record.status is not None

    def nobody_is_left_over(self) -> None:
        wanted = {self.address(key) for key in self.syncable()}
        assert {contact.email for contact in self.twin.platform.contacts} == wanted

    def the_ledger_is_tidy(self) -> None:
        now = self.twin.clock.now().isoformat()
        for document in self.twin.store.documents.values():
            if (claim := document.body.get("claim")) is not None:
                assert self.has_failed, "a claim was left behind"
                assert claim["until"] <= now
        live = {str(key) for key in self.syncable()}
        for users in self.twin.users().values():
            assert {user for user, consent in users.items() if consent != "no-mail"} <= live
        assert not self.twin.queue.dead
        for key in self.twin.crm.people:
            assert any(place.row == str(key) for place in self.twin.store.documents), f"{key} has no outcome"

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.runner.close()


def pick_from(items: Sequence[Item], pick: int) -> Item:
    return items[pick % len(items)]


def pick_two(items: Sequence[RecordKey], pick: int, other: int) -> tuple[RecordKey, RecordKey]:
    first = pick_from(items, pick)
    return first, pick_from([item for item in items if item != first], other)


TestOutboundHistories = OutboundHistories.TestCase
TestOutboundHistories.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
