"""Whatever people do in Dynamics and in Spotler, and whatever fails in between: at quiet, both sides agree.

Users create, edit, move between addresses, give and withdraw permissions, refuse mail, leave, return, merge, qualify;
people sign up, change their profile, opt out and come back, and their mail bounces. Messages come late, twice and in
any order, to several workers and a poll at once; calls fail before or after their effect; workers die.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from shared.core.mapping.reading import ORIGINATING_LEAD
from shared.core.permission_defaults import PermissionDefault
from shared.core.records import Intent, PersonTable, RecordKey, Why
from shared.core.situation import MassChange
from shared.errors import ConnectorError, ThrottledError, TransientError
from shared.sync.dispatch import Dispatcher
from tests.histories.quiet import QuietAtLast, row_of
from tests.histories.world import COLUMNS, DIRECTIONS, NAMES, VERSIONS, Profile, rules
from tests.twins import CrashError, Waiting

ADDRESSES = ("ann@example.com", "Ben@example.com", "cas@example.com")
MOST_RECORDS = 7
HALF_A_MINUTE = timedelta(seconds=30)
"""For so long a process may use the mapping before the live one."""

Item = TypeVar("Item")
addresses = st.sampled_from(ADDRESSES)
tables = st.sampled_from([PersonTable.CONTACT, PersonTable.CONTACT, PersonTable.LEAD])
permissions = st.sampled_from(sorted(NAMES))
columns = st.sampled_from(sorted(COLUMNS))
blanks = st.sampled_from([False, False, False, True])
picks = st.integers(min_value=0, max_value=10_000)
failures = st.sampled_from(
    [
        TransientError("twin is down"),
        ThrottledError("twin is busy", retry_after=timedelta(seconds=20)),
        CrashError(),
        CrashError(),
    ]
)


class TwoWayHistories(QuietAtLast):
    """What may happen. Every rule that changes a record also sends its event, as Dataverse does."""

    # --------------------------------------------------------------------------------------------------------- begin

    @initialize(newsletter=st.booleans(), offers=st.booleans(), defaults=st.booleans(), takes_in=st.booleans())
    def begin(self, *, newsletter: bool, offers: bool, defaults: bool, takes_in: bool) -> None:
        if defaults:
            self.default(newsletter=newsletter, offers=offers)
        if takes_in:
            self.take_in()
        self.do(self.twin.poll())  # the first one does not look back

    def take_in(self) -> None:
        """From now on newcomers become contacts."""

    @rule(newsletter=st.booleans(), offers=st.booleans())
    def default(self, *, newsletter: bool, offers: bool) -> None:
        """The administrator changes the environment variables."""
        self.twin.defaults = (PermissionDefault("Newsletter", newsletter), PermissionDefault("Offers", offers))
        self.consents.defaults |= {name for name, on in zip(sorted(NAMES), (newsletter, offers), strict=True) if on}

    @rule(version=st.sampled_from(VERSIONS))
    def remap(self, version: Mapping[str, str | None]) -> None:
        """The administrator changes the mapping, waits half a minute, and lets everything be compared again."""
        self.outdated = (self.twin.rules, self.twin.clock.now() + HALF_A_MINUTE)
        self.world.remap(rules(directions=version))
        self.directions = {**DIRECTIONS, **version}
        self.sharing.remap(version)
        self.twin.worker = self.twin.start_worker()
        while not self.ask(self.rewound()):
            pass
        self.tell(*self.world.people(), why=Why.RESYNC, after=HALF_A_MINUTE)

    async def rewound(self) -> bool:
        """Ask for a poll from the beginning; whoever is told that it failed asks again."""
        with contextlib.suppress(CrashError, ConnectorError):
            await self.twin.poller.rewind(self.begun)
            return True
        return False

    # ----------------------------------------------------------------------------------------------- people in Dynamics

    @precondition(lambda self: len(self.world.people()) < MOST_RECORDS)
    @rule(table=tables, address=addresses, newsletter=st.none() | st.booleans(), is_full=st.booleans())
    def create(self, table: PersonTable, address: str, *, newsletter: bool | None, is_full: bool) -> None:
        values = {column: self.fresh() for name, column in COLUMNS.items() if name == "firstName" or is_full}
        said = {} if newsletter is None else {"Newsletter": newsletter}
        key = self.do(self.world.create(table, {"emailaddress1": address, **values}, said))
        self.sharing.type(key, values)
        if is_full:
            self.edited_here |= {(key, name) for name in COLUMNS}
        if newsletter:  # a no that agrees with what is there already says nothing new
            self.consents.say(key, "permissions:1", newsletter, before=None)
        self.had(key, joins=True)
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, name=columns, blank=blanks)
    def edit(self, pick: int, name: str, *, blank: bool) -> None:
        key = pick_from(self.records(), pick)
        value = self.fresh(blank=blank and name != "firstName")
        self.do(self.world.edit(key, **{COLUMNS[name]: value}))
        self.sharing.type(key, {COLUMNS[name]: value})
        self.edited_here.add((key, name))
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, address=st.none() | addresses | addresses)
    def change_address(self, pick: int, address: str | None) -> None:
        key = pick_from(self.records(), pick)
        self.had(key)
        self.do(self.world.edit(key, emailaddress1=address))
        self.had(key, joins=True)
        self.tell(key)

    def had(self, key: RecordKey, *, joins: bool = False) -> None:
        """Who has this address now has said yes to that, for whoever shares it."""
        self.addresses.setdefault(key, set()).add(self.address(key))
        rows = {name for name in NAMES if row_of(self.world.people()[key], name)}
        self.consents.given |= {(self.address(key), name) for name in rows}
        if joins or key in self.joining:
            self.sharing.regroup()
            self.joining.add(key)
            self.consents.brought |= {(key, name) for name in rows | self.consents.defaults}

    @precondition(lambda self: self.records())
    @rule(pick=picks, column=st.sampled_from(["donotemail", "donotbulkemail"]), value=st.booleans())
    def set_preference(self, pick: int, column: str, *, value: bool) -> None:
        key = pick_from(self.records(), pick)
        self.do(self.world.edit(key, **{column: value}))
        self.had(key, joins=True)
        self.tell(key)

    @precondition(lambda self: self.records())
    @rule(pick=picks, name=permissions, on=st.booleans())
    def permit(self, pick: int, name: str, *, on: bool) -> None:
        key = pick_from(self.records(), pick)
        self.consents.say(key, name, on, before=row_of(self.world.people()[key], name))
        self.do(self.world.permit(key, NAMES[name], subscribed=on))
        self.had(key)
        self.tell(key, why=Why.PERMISSION)

    @precondition(lambda self: self.with_rows())
    @rule(pick=picks, name=permissions)
    def remove_row(self, pick: int, name: str) -> None:
        key = pick_from(self.with_rows(), pick)
        self.consents.remove(key, name, before=row_of(self.world.people()[key], name))
        self.do(self.world.remove_permission(key, NAMES[name]))
        self.tell(key, why=Why.PERMISSION)

    def with_rows(self) -> list[RecordKey]:
        return [key for key in self.records() if self.world.people()[key].permissions]

    @precondition(lambda self: self.deletable())
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        key = pick_from(self.deletable(), pick)
        self.do(self.world.delete(key))
        self.sharing.regroup()
        self.tell(key, why=Why.DELETED)

    def deletable(self) -> list[RecordKey]:
        """A contact that nobody has looked at yet must stay: nothing else tells that its lead's contact has an heir."""
        known = {key.row for key in self.twin.store.documents if key.partition == "test-binding"}
        return [
            key
            for key, record in self.world.people().items()
            if record.values.get(ORIGINATING_LEAD) is None or str(key) in known
        ]

    @precondition(lambda self: self.records())
    @rule(pick=picks)
    def deactivate(self, pick: int) -> None:
        key = pick_from(self.records(), pick)
        self.do(self.world.deactivate(key))
        self.sharing.regroup()
        self.tell(key)

    @precondition(lambda self: self.records(active=False))
    @rule(pick=picks)
    def activate(self, pick: int) -> None:
        key = pick_from(self.records(active=False), pick)
        self.do(self.world.activate(key))
        self.had(key, joins=True)
        self.tell(key)

    @precondition(lambda self: len(self.of(PersonTable.CONTACT)) > 1)
    @rule(pick=picks, other=picks)
    def merge(self, pick: int, other: int) -> None:
        master, subordinate = pick_two(self.of(PersonTable.CONTACT), pick, other)
        self.do(self.world.merge(master, subordinate))
        self.addresses.setdefault(master, set()).update(
            self.addresses.get(subordinate, ()), [self.address(subordinate)]
        )
        self.had(master, joins=True)  # rows of the subordinate are the master's now
        self.tell(master, subordinate, why=Why.MERGED)

    @precondition(lambda self: self.of(PersonTable.LEAD))
    @rule(pick=picks, address=st.none() | addresses)
    def qualify(self, pick: int, address: str | None) -> None:
        lead = pick_from(self.of(PersonTable.LEAD), pick)
        contact = self.do(self.world.qualify(lead))
        self.consents.inherit(lead, contact)
        self.sharing.inherit(lead, contact)
        self.edited_here |= {(contact, name) for name in COLUMNS}
        self.addresses[contact] = {self.address(lead), *self.addresses.get(lead, ())}
        if address is not None:
            self.do(self.world.edit(contact, emailaddress1=address))
        self.had(contact, joins=True)
        self.tell(lead)
        self.tell(contact)
        self.tell(lead, contact, why=Why.QUALIFIED)

    def of(self, table: PersonTable) -> list[RecordKey]:
        return [key for key in self.records() if key.table is table]

    @precondition(lambda self: self.records())
    @rule(pick=picks)
    def anonymize(self, pick: int) -> None:
        """A job asks for it; what comes later makes the contact anew (DEL-08)."""
        key = pick_from(self.records(), pick)
        self.on_request.add(key)
        self.had(key, joins=True)
        self.tell(key, why=Why.JOB, intent=Intent.ANONYMIZE)

    @rule(kinds=st.sets(st.sampled_from(MassChange), min_size=1), hours=st.integers(min_value=0, max_value=1))
    def release(self, kinds: set[MassChange], hours: int) -> None:
        """An administrator lets pass what the brake holds; whoever is told that it failed asks again."""

        async def is_told() -> bool:
            with contextlib.suppress(CrashError, ConnectorError):
                await self.twin.release.begin(kinds, hours)
                return True
            return False

        while not self.ask(is_told()):
            pass

    # ------------------------------------------------------------------------------------------------ people in Spotler

    @rule(address=addresses, newsletter=st.none() | st.booleans())
    def sign_up(self, address: str, *, newsletter: bool | None) -> None:
        """Fill in a form, or be added by a marketer who knows only the address (OPT-09)."""
        one = self.world.profile(address)
        options = {} if newsletter is None else {"permissions:1": newsletter}
        self.do(self.world.sign_up(address, {}, options))
        self.twin.clock.advance(timedelta(seconds=2))  # whose words count, a second may decide
        now = self.world.profile(address)
        assert now is not None, "who signs up is there"
        self.opted_out.discard(now.id)
        self.bounced.discard(now.id)
        if newsletter is not None:
            self.consents.say(now.id, "permissions:1", newsletter, before=one and one.options["permissions:1"])
        if newsletter:
            self.consents.given.add((now.email, "permissions:1"))

    @precondition(lambda self: self.reachable())
    @rule(pick=picks, name=columns, blank=blanks)
    def change_profile(self, pick: int, name: str, *, blank: bool) -> None:
        one = pick_from(self.reachable(), pick)
        value = self.fresh(blank=blank) or ""
        self.do(self.world.change_profile(one, {name: value}, {}))
        self.edited_there.add(value)

    def reachable(self) -> list[Profile]:
        return [one for one in self.world.profiles() if not one.is_inactive]

    @precondition(lambda self: self.reachable())
    @rule(pick=picks, name=permissions, on=st.booleans())
    def change_permission(self, pick: int, name: str, *, on: bool) -> None:
        one = pick_from(self.reachable(), pick)
        self.consents.say(one.id, name, on, before=one.options[name])
        if on:
            self.consents.given.add((one.email, name))
        self.do(self.world.change_profile(one, {}, {name: on}))

    @precondition(lambda self: self.world.profiles())
    @rule(pick=picks)
    def opt_out(self, pick: int) -> None:
        """By a link in a mail that arrived: perhaps in an old one, after another has come back."""
        one = pick_from(self.world.profiles(), pick)
        self.do(self.world.opt_out(one))
        self.opted_out.add(one.id)

    @precondition(lambda self: self.mailed())
    @rule(pick=picks, kind=st.sampled_from(["HARDBOUNCE", "SOFTBOUNCE"]))
    def bounce(self, pick: int, kind: str) -> None:
        one = pick_from(self.mailed(), pick)
        if kind == "HARDBOUNCE" and not one.is_inactive:
            self.bounced.add(one.id)
        self.do(self.world.bounce(one, kind))
        self.twin.clock.advance(timedelta(seconds=61))  # within a minute, nobody can tell it from an opt-out

    def mailed(self) -> list[Profile]:
        """Whose mail may come back: also that of an older mailing, after a bounce has closed the contact."""
        return [one for one in self.world.profiles() if not one.is_inactive or one.id in self.bounced]

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

    @rule(size=st.integers(min_value=0, max_value=4))
    def poll(self, size: int) -> None:
        """The timer fires while messages are handled."""
        self.twin.clock.advance(timedelta(minutes=15))
        self.receive(*([due] if (due := self.twin.queue.due()[:size]) else []), polls=True)

    def receive(self, *batches: Sequence[Waiting], in_one_process: bool = False, polls: bool = False) -> None:
        async def all_at_once() -> None:
            self.twin.faults.interleaves = len(batches) + polls > 1
            late = [self.late_worker()] if len(batches) > 1 and not in_one_process else []
            first = self.twin.start_worker()
            workers = [first if in_one_process else self.twin.start_worker() for _ in batches[len(late) :]] + late
            poller = [self.survive(self.twin.poller.poll())] if polls else []
            deliveries = [self.survive(self.deliver_to(*one)) for one in zip(workers, batches, strict=True)]
            await asyncio.gather(*deliveries, *poller)

        self.do(all_at_once())
        self.consents.hear()

    def late_worker(self) -> Dispatcher:
        """Start a process that may have read the mapping before it was changed."""
        live = self.twin.rules
        if self.outdated is not None and self.twin.clock.now() < self.outdated[1]:
            self.twin.rules = self.outdated[0]
        worker = self.twin.start_worker()
        self.twin.rules = live
        return worker

    async def deliver_to(self, worker: Dispatcher, batch: Sequence[Waiting]) -> None:
        await self.twin.receive(batch, worker)

    async def survive(self, work: Coroutine[Any, Any, object]) -> None:
        """A message whose worker fails stays in the queue."""
        with contextlib.suppress(CrashError, ConnectorError):
            await work

    @precondition(lambda self: self.twin.queue.waiting)
    @rule(pick=picks)
    def duplicate(self, pick: int) -> None:
        self.put(pick_from(self.twin.queue.waiting, pick).message)

    @rule(seconds=st.sampled_from([1, 5, 60, 300]))
    def wait(self, seconds: int) -> None:
        self.twin.clock.advance(timedelta(seconds=seconds))

    @rule(moment=st.integers(min_value=0, max_value=25), failure=failures)
    def plan_failure(self, moment: int, failure: BaseException) -> None:
        self.twin.faults.plan(moment, failure)
        self.has_failed = True


def pick_from(items: Sequence[Item], pick: int) -> Item:
    return items[pick % len(items)]


def pick_two(items: Sequence[RecordKey], pick: int, other: int) -> tuple[RecordKey, RecordKey]:
    first = pick_from(items, pick)
    return first, pick_from([item for item in items if item != first], other)
