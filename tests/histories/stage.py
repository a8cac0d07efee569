"""What a history acts on: one environment, and what has happened in it so far."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from shared.domain.planning.rules import Rules
from shared.domain.records.jobs import Operation
from shared.domain.records.records import Intent, PersonRecord, RecordKey, Reference, SyncStatus, Why
from shared.messages.lane_messages import references_body
from shared.ports.queue import OutgoingMessage, QueueName
from shared.ports.state import DocumentKey
from tests.connector_twin import ConnectorTwin
from tests.histories.models.consents import Consents
from tests.histories.models.erasures import Erasures
from tests.histories.models.refusals import Refusals, own_keys
from tests.histories.models.sharing import Sharing
from tests.histories.world import ELSEWHERE, FILTERED, NAMES, POST_CODE, Profile, Version, World
from tests.twins import Waiting

Item = TypeVar("Item")


class Stage(RuleBasedStateMachine):
    """One environment, and what happened in it so far."""

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
                # Its contact, or its lead's, may have the address that the person had before.
                places = [place for place in own_keys(record) if isinstance(place, RecordKey)]
                contacts = [contact for place in places if (contact := self.contact_of(place)) is not None]
                former = self.addresses.get(key, ())
                for address in {self.address(key), *former, *(contact.email for contact in contacts)}:
                    self.refusers.setdefault(address, set()).add(key)
        return done

    def ask(self, question: Coroutine[Any, Any, Item]) -> Item:
        return self.runner.run(question)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def fresh(self, *, blank: bool = False) -> str | None:
        return None if blank else f"Text{self.number()}"

    def tell(self, *keys: RecordKey, why: Why = Why.SAVED, after: timedelta = timedelta()) -> None:
        """Dataverse writes its event: one message, that cannot fail apart from the change itself."""
        references = [Reference(key, why, f"event-{self.number()}") for key in keys]
        self.put(OutgoingMessage(references_body(references)), after=after)

    def tell_of_job(self, key: RecordKey, operation: Operation, intent: Intent) -> None:
        """Somebody asks for it by a job, which has been admitted already."""
        job = self.do(self.world.order(operation, key))
        reference = Reference(key, Why.JOB, f"event-{self.number()}", intent=intent, job=job)
        self.put(OutgoingMessage(references_body([reference])))

    def put(self, message: OutgoingMessage, *, after: timedelta = timedelta()) -> None:
        now = self.twin.clock.now()
        message = replace(message, not_before=now + after if after else None)
        self.twin.queue.waiting.append(Waiting(QueueName.LIVE, message, self.number(), now))

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

    # ---------------------------------------------------------------------------------------------------- who is there

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


def row_of(record: PersonRecord, name: str) -> bool | None:
    """What a record's rows say of a permission; of two rows, the lower."""
    rows = [row.subscribed for row in record.permissions if row.name == NAMES[name]]
    return all(rows) if rows else None
