"""Honest twins of the services behind the ports, in memory: they keep the rules that the engine relies on.

- `TwinCrm`: Dataverse. Deleting, merging and qualifying change rows as the platform does; reports change Spotler Info
  and Spotler Job rows; `calls` counts requests.
- `TwinPlatform`: Spotler with its duplicate rule (external id first, then e-mail address).
- `TwinStore`: versioned documents. `TwinQueue`: messages with a time before which nobody sees them.
- `Faults`: lets the n-th call to any of them fail, before or after it had its effect, or the worker die there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.marketing_contact import (
    Bounce,
    Channel,
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    PropertyType,
    Purge,
    SetOption,
    WriteCode,
    WriteResult,
)
from shared.domain.records.records import (
    Lookup,
    PermissionRow,
    PersonRecord,
    PersonTable,
    RecordKey,
    StatusRow,
    SyncStatus,
)
from shared.errors import ConflictError, ConnectorError, NotFoundError, TransientError
from shared.ports.dataverse import JobReport, PeoplePage, Report, StatusReport, TimelinePost
from shared.ports.queue import DeadLetter, OutgoingMessage, QueueDepth, QueueName
from shared.ports.state import Change, Delete, Document, DocumentKey, DocumentPage, Insert, Put, Replace
from tests.contract.clocks import ManualClock

# -------------------------------------------------------------------------------------------------------------- faults

SOMEBODY = UUID(int=77)
"""The user who creates jobs."""


class CrashError(BaseException):
    """The worker dies: nothing of ours may catch this, as nothing catches a power cut."""


class Faults:
    """Counts the moments before and after every call, and fails at those that a test has planned."""

    def __init__(self) -> None:
        self.moment = 0
        self.planned: dict[int, BaseException] = {}
        self.interleaves = False

    def plan(self, moment: int, error: BaseException) -> None:
        """Fail at a moment, counted from now; 0 is before the next call, 1 after it."""
        self.planned[self.moment + moment] = error

    async def pass_by(self) -> None:
        """Let other workers run, then fail if it is time."""
        if self.interleaves:
            await asyncio.sleep(0)
        error = self.planned.pop(self.moment, None)
        self.moment += 1
        if error is not None:
            raise error


class _Twin:
    """Counts calls and lets them fail."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.calls: Counter[str] = Counter()
        self.broken: dict[str, Exception] = {}

    async def _begin(self, call: str) -> None:
        self.calls[call] += 1
        if (error := self.broken.get(call)) is not None:
            raise error
        await self.faults.pass_by()

    async def ping(self) -> None:
        await self._begin("ping")

    async def close(self) -> None:
        await self._begin("close")


# ----------------------------------------------------------------------------------------------------------- Dataverse


class TwinCrm(_Twin):
    """People and jobs; tests change them by the verbs that users know."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.people: dict[RecordKey, PersonRecord] = {}
        self.jobs: dict[UUID, JobRow] = {}
        self.job_reports: dict[UUID, JobReport] = {}
        self.posts: dict[UUID, TimelinePost] = {}
        self.permission_owners: dict[UUID, RecordKey] = {}
        self.poisoned: dict[RecordKey, Any] = {}
        self.largest_report = 0
        self.before_read: Callable[[], None] = lambda: None
        self.clock: ManualClock | None = None
        self._ids = count(1)
        self._versions = count(1)

    # -- what users do

    def create(self, table: PersonTable = PersonTable.CONTACT, **values: Any) -> RecordKey:
        """Create a row; `permissions` may be given as name=bool pairs."""
        key = RecordKey(table, UUID(int=next(self._ids)))
        permissions = values.pop("permissions", {})
        now = self._now()
        self.people[key] = PersonRecord(
            key, {"statecode": 0, **values}, etag=self._version(), modified_on=now, created_on=now
        )
        self.permit(key, **permissions)
        return key

    def edit(self, key: RecordKey, **values: Any) -> None:
        record = self.people[key]
        self.people[key] = replace(
            record, values={**record.values, **values}, etag=self._version(), modified_on=self._now()
        )

    def permit(self, key: RecordKey, **permissions: bool) -> None:
        record, now = self.people[key], self.text_of_now()
        rows = {row.name: row for row in record.permissions}
        for name, on in permissions.items():
            fresh = PermissionRow(name, on, uuid5(NAMESPACE_OID, f"{key}/{name}"), modified_on=now, created_on=now)
            rows[name] = replace(rows[name], subscribed=on, modified_on=now) if name in rows else fresh
        self.people[key] = replace(record, permissions=tuple(rows.values()))

    def text_of_now(self) -> str:
        now = self._now()
        return now.isoformat() if now else ""

    def _now(self) -> datetime | None:
        return self.clock.now() if self.clock else None

    def _version(self) -> str:
        return f'W/"{next(self._versions)}"'

    def delete(self, key: RecordKey) -> None:
        del self.people[key]

    def merge(self, master: RecordKey, subordinate: RecordKey) -> None:
        """The subordinate stays, inactive and marked."""
        assert master.table is subordinate.table
        self.edit(subordinate, statecode=1, merged=True)

    def qualify(self, lead: RecordKey, **values: Any) -> RecordKey:
        """Close the lead and create a contact that knows where it came from."""
        self.edit(lead, statecode=1)
        inherited = {name: value for name, value in self.people[lead].values.items() if name != "statecode"}
        permissions = {row.name: row.subscribed for row in self.people[lead].permissions}
        origin = Lookup("lead", lead.id)
        return self.create(**{**inherited, "originatingleadid": origin, "permissions": permissions, **values})

    def set_status(self, key: RecordKey, status: SyncStatus) -> None:
        """Deactivate or activate the Spotler Info row by hand."""
        record = self.people[key]
        row = replace(record.status, status=status) if record.status else StatusRow(UUID(int=key.id.int + 1000), status)
        self.people[key] = replace(record, status=row)

    def order(self, operation: Operation | None, person: RecordKey | None = None, **columns: Any) -> UUID:
        """Create a Spotler Job."""
        number = next(self._ids)
        identifier = UUID(int=number)
        created_on = f"2026-01-01T00:00:{number:09}Z"
        self.jobs[identifier] = JobRow(
            identifier,
            JobStatus.QUEUED,
            operation,
            person,
            etag="1",
            created_on=created_on,
            **{"creator": SOMEBODY, "creator_name": "Some Body", **columns},
        )
        return identifier

    # -- the port

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        await self._begin("read_people")
        self.before_read()
        people = {key: _as_read(self.people[key]) for key in keys if key in self.people}
        await self.faults.pass_by()
        return {key: self.poisoned.get(key, record) for key, record in people.items()}

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        await self._begin("people_using")
        found: dict[str, list[RecordKey]] = {email: [] for email in emails}
        asked: defaultdict[str, list[str]] = defaultdict(list)
        for email in emails:
            asked[email.casefold()].append(email)
        for key, record in self.people.items():
            for email in asked.get(str(record.values.get("emailaddress1") or "").casefold(), ()):
                if record.values["statecode"] == 0 and not record.values.get("donotemail"):
                    found[email].append(key)
        await self.faults.pass_by()
        return found

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        await self._begin("people_page")
        keys = sorted(key for key in self.people if key.table is table and str(key) > (after or ""))
        return PeoplePage(keys[:limit], str(keys[limit - 1]) if len(keys) > limit else None)

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        await self._begin("people_of_permissions")
        return [self.permission_owners[one] for one in ids if one in self.permission_owners]

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        await self._begin("read_jobs")
        return {one: self.jobs[one] for one in ids if one in self.jobs}

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        await self._begin("report")
        self.largest_report = max(self.largest_report, len(reports))
        problems = [self._written(report) for report in reports]
        await self.faults.pass_by()
        return problems

    def _written(self, report: Report) -> ConnectorError | None:
        match report:
            case StatusReport():
                return self._status(report)
            case JobReport():
                return self._job(report)
            case TimelinePost():
                self.posts.setdefault(report.id, report)
                return None

    def _status(self, report: StatusReport) -> ConnectorError | None:
        record = self.people.get(report.key)
        if record is None:
            return NotFoundError("the record is gone")
        assert report.bind or record.status is not None, "a record is bound to its Spotler Info row"
        self.calls["status written"] += 1
        row = StatusRow(report.info, report.status, report.reason_code, report.reason)
        self.people[report.key] = replace(record, status=row)
        return None

    def _job(self, report: JobReport) -> ConnectorError | None:
        job = self.jobs.get(report.id)
        if job is None:
            return NotFoundError("the job is gone")
        if report.if_etag and report.if_etag != job.etag:
            return ConflictError("somebody else changed the job")
        started_on = report.started_on or job.started_on
        self.jobs[report.id] = replace(job, status=report.status, etag=str(int(job.etag) + 1), started_on=started_on)
        self.job_reports[report.id] = report
        return None


_COLUMNS = ("emailaddress1", "firstname", "lastname", "address1_city", "address1_postalcode")


def _as_read(record: PersonRecord) -> PersonRecord:
    """An empty column is in the answer too: what is absent could not be read."""
    return replace(record, values=dict.fromkeys(_COLUMNS) | dict(record.values))


# ------------------------------------------------------------------------------------------------------------- Spotler


@dataclass
class TwinContact:
    """A contact: values by property, and options as `property:bit`."""

    external_id: str
    values: dict[str, Any] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)
    is_inactive: bool = False
    has_bounced: bool = False
    scores: dict[str, int] = field(default_factory=dict)
    encrypted_id: str = ""
    created: datetime | None = None
    last_changed: datetime | None = None

    def seen(self, catalogue: PropertyCatalogue) -> MarketingContact:
        """The contact as Spotler describes it: empty values are absent, sets have all their options."""
        sets = {
            one.name: tuple(
                SetOption(entry.bit, self.options.get(f"{one.name}:{entry.bit}", False)) for entry in one.entries
            )
            for one in catalogue.definitions
            if one.type is PropertyType.SET
        }
        return MarketingContact(
            self.external_id,
            self.encrypted_id,
            {**self.values, **sets},
            {Channel.EMAIL: bool(self.email) and not self.is_inactive},
            self.last_changed,
            self.created,
        )

    @property
    def email(self) -> str:
        return str(self.values.get("email", "")).casefold()

    def take(self, write: ContactWrite, purge: Purge) -> None:
        if purge is Purge.PURGE:
            self.values.clear()
            self.options.clear()
        self.external_id = write.external_id
        for name, value in write.properties.items():
            if isinstance(value, tuple):
                self.options.update({f"{name}:{option.bit}": option.enabled for option in value})
            elif value in {"", None}:
                self.values.pop(name, None)
            else:
                self.values[name] = value


class TwinPlatform(_Twin):
    """Spotler. `answers` makes it refuse a contact by its address; `erased` lists what it was told to forget."""

    def __init__(self, catalogue: PropertyCatalogue, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.catalogue = catalogue
        self.contacts: list[TwinContact] = []
        self.answers: dict[str, WriteResult] = {}
        self.erased: list[str] = []
        self.writes: list[ContactWrite] = []
        self.before_write: Callable[[], None] = lambda: None
        self.before_erasure: Callable[[TwinContact], None] = lambda _contact: None
        self.clock = ManualClock()
        self.bounced: list[Bounce] = []
        self._encrypted = count(1)

    # -- what people do in Spotler

    def sign_up(self, email: str, external_id: str = "", **values: Any) -> TwinContact:
        """Fill in a form: a new contact, or one that is active again."""
        contact = next(iter(self.having(email)), None) or self._create(external_id)
        contact.is_inactive = contact.has_bounced = False
        self.edit(contact, email=email, **values)
        return contact

    def edit(self, contact: TwinContact, *, options: dict[str, bool] | None = None, **values: Any) -> None:
        """Change a profile."""
        for name, value in values.items():
            if value in {"", None}:
                contact.values.pop(name, None)
            else:
                contact.values[name] = value
        contact.options.update(options or {})
        self.touch(contact)

    def opt_out(self, contact: TwinContact) -> None:
        """Unsubscribe from everything."""
        contact.is_inactive, contact.has_bounced = True, False
        self.touch(contact)

    def bounce(self, contact: TwinContact, kind: str = "HARDBOUNCE") -> None:
        """Let a mail come back; a hard bounce makes the contact inactive."""
        if kind == "HARDBOUNCE" and not contact.is_inactive:
            contact.is_inactive = contact.has_bounced = True
        self.touch(contact)
        mailing = f"m{next(self._encrypted)}"
        self.bounced.append(Bounce(kind, self.clock.now(), mailing, contact.seen(self.catalogue)))

    def touch(self, contact: TwinContact) -> None:
        contact.last_changed = self.clock.now()

    def _create(self, external_id: str) -> TwinContact:
        now = self.clock.now()
        contact = TwinContact(external_id, encrypted_id=f"e{next(self._encrypted)}", created=now, last_changed=now)
        self.contacts.append(contact)
        return contact

    page_size = 100
    repeated_cursors = 0
    """How many feeds lead back to a page that was read: the client cannot tell what follows (`paging.pages`)."""

    async def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        if start > end:
            raise ValueError("A feed is read forwards")
        changed = [one for one in self.contacts if one.last_changed and start <= one.last_changed <= end]
        changed.sort(key=lambda one: (one.last_changed, one.encrypted_id))
        for first in range(0, len(changed), self.page_size):
            await self._begin("updates")
            yield [one.seen(self.catalogue) for one in changed[first : first + self.page_size]]
            if self.repeated_cursors and first + self.page_size < len(changed):
                self.repeated_cursors -= 1
                raise TransientError("a list of Spotler leads back to a page that was read")

    async def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        if start > end:
            raise ValueError("A feed is read forwards")
        await self._begin("bounces")
        found = [one for one in self.bounced if one.date and start <= one.date <= end]
        if found:
            yield found

    def find(self, external_id: str) -> TwinContact | None:
        return next((one for one in self.contacts if one.external_id == external_id), None)

    def having(self, email: str) -> list[TwinContact]:
        wanted = email.casefold()  # not by the property `email`: this is asked for every contact of large accounts
        return [one for one in self.contacts if str(one.values.get("email", "")).casefold() == wanted]

    # -- the port

    async def properties(self) -> PropertyCatalogue:
        return self.catalogue  # cached: no call

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        assert 0 < len(contacts) <= 100
        assert len({contact.external_id for contact in contacts}) == len(contacts)
        await self._begin("upsert")
        self.before_write()
        results = {contact.external_id: self._upsert(contact, purge) for contact in contacts}
        await self.faults.pass_by()
        return results

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        assert 0 < len(contacts) <= 100
        assert len({contact.external_id for contact in contacts}) == len(contacts)
        await self._begin("insert")
        results = {contact.external_id: self._insert(contact) for contact in contacts}
        await self.faults.pass_by()
        return results

    def _insert(self, write: ContactWrite) -> WriteResult:
        email = str(write.properties.get("email", "")).casefold()
        if (answer := self.answers.get(email)) is not None and answer.code is WriteCode.PROPERTY_INVALID:
            return answer  # properties are checked before anybody is looked for
        if self.find(write.external_id) is not None or (email and self.having(email)):
            return WriteResult(WriteCode.CONTACT_ALREADY_EXISTS, "contact exists and update is not true")
        if answer is not None:
            return answer
        self.before_write()
        self._create(write.external_id).take(write, Purge.KEEP)
        self.writes.append(write)
        return WriteResult(WriteCode.OK)

    def _upsert(self, write: ContactWrite, purge: Purge) -> WriteResult:
        email = str(write.properties.get("email", "")).casefold()
        known = self.find(write.external_id)
        owner = next(iter(self.having(email)), None) if email else None
        if (answer := self.answers.get(email or (known.email if known else ""))) is not None:
            return answer
        if known is not None and owner is not None and owner is not known:
            return WriteResult(WriteCode.CONTACT_ALREADY_EXISTS, "another contact has this e-mail address")
        contact = known or owner
        if contact is None:
            contact = self._create(write.external_id)
        if contact.is_inactive and contact.email == email:
            code = WriteCode.NO_ACTIVE_CHANNEL if contact.has_bounced else WriteCode.CONTACT_OPTOUT
            return WriteResult(code, "the contact is inactive")
        contact.is_inactive = contact.has_bounced = False
        contact.take(write, purge)
        self.touch(contact)
        self.writes.append(write)
        return WriteResult(WriteCode.OK)

    async def contact(self, external_id: str) -> MarketingContact | None:
        await self._begin("contact")
        one = self.find(external_id)
        return one.seen(self.catalogue) if one else None

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        await self._begin("search")
        found = self.having(email)
        return found[0].seen(self.catalogue) if len(found) == 1 else None

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        await self._begin("anonymize")
        one = self.find(external_id)
        if one is not None:
            self.before_erasure(one)
            self.contacts.remove(one)
            self.erased.append(one.email)
        await self.faults.pass_by()
        return (Ending.DONE, 410) if one else (Ending.ABSENT, 404)

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        await self._begin("update")
        if (one := self.find(contact.external_id)) is None:
            raise NotFoundError("Spotler does not know the contact", code="CONTACT_NOT_FOUND")
        one.take(contact, purge)
        self.writes.append(contact)
        self.touch(one)
        await self.faults.pass_by()

    async def inactivate(self, external_id: str) -> Ending:
        await self._begin("inactivate")
        if (one := self.find(external_id)) is None:
            return Ending.ABSENT
        self.opt_out(one)
        return Ending.DONE


def options(property_value: Any) -> dict[int, bool]:
    """Read a set property as it goes over the wire."""
    return {option.bit: option.enabled for option in property_value if isinstance(option, SetOption)}


# --------------------------------------------------------------------------------------------------------------- state


class TwinStore(_Twin):
    """Versioned documents in a dictionary."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.documents: dict[DocumentKey, Document] = {}
        self._etags = count(1)

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        await self._begin("read")
        return {key: self.documents[key] for key in keys if key in self.documents}

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        if len({change.key for change in changes}) < len(changes):
            raise ValueError("a key occurs twice")
        await self._begin("write")
        results = [self._apply(change) for change in changes]
        await self.faults.pass_by()
        return results

    def _apply(self, change: Change) -> str | None:
        current = self.documents.get(change.key)
        match change:
            case Insert() if current is not None:
                return None
            case Replace(etag=etag) if current is None or current.etag != etag:
                return None
            case Delete(etag=str(etag)) if current is None or current.etag != etag:
                return None
            case Delete():
                self.documents.pop(change.key, None)
                return ""
            case Insert(body=body) | Replace(body=body) | Put(body=body):
                etag = str(next(self._etags))
                self.documents[change.key] = Document(change.key, body, etag)
                return etag

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        behind = after or ""
        chosen = [
            document
            for key, document in self.documents.items()
            if key.partition == partition and key.row.startswith(prefix) and key.row > behind
        ]
        chosen.sort(key=lambda document: document.key.row)
        return DocumentPage(chosen[:limit], chosen[limit - 1].key.row if len(chosen) > limit else None)


# --------------------------------------------------------------------------------------------------------------- queue


@dataclass(frozen=True)
class Waiting:
    """A message in a queue."""

    lane: QueueName
    message: OutgoingMessage
    number: int
    sent: datetime

    @property
    def due(self) -> datetime:
        return self.message.not_before or datetime.min.replace(tzinfo=UTC)


class TwinQueue(_Twin):
    """All queues in one list; `dead` are the dead letters."""

    def __init__(self, clock: ManualClock, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.clock = clock
        self.waiting: list[Waiting] = []
        self.dead: list[DeadLetter] = []
        self._numbers = count(1)

    def due(self) -> list[Waiting]:
        """Messages that a worker would receive now, oldest first."""
        return sorted((one for one in self.waiting if one.due <= self.clock.now()), key=lambda one: one.number)

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        await self._begin("send")
        self.waiting += [Waiting(queue, message, next(self._numbers), self.clock.now()) for message in messages]
        await self.faults.pass_by()

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        await self._begin("dead_letter")
        identifier = str(next(self._numbers))
        self.dead.append(DeadLetter(identifier, queue, reason, description, body, correlation_id, self.clock.now()))

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        return self.dead[:limit]

    async def replay(self, identifiers: Sequence[str]) -> int:
        chosen = await self._take(identifiers)
        for letter in chosen:
            await self.send(letter.queue, [OutgoingMessage(letter.body)])
        return len(chosen)

    async def discard(self, identifiers: Sequence[str]) -> int:
        return len(await self._take(identifiers))

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        return []

    async def _take(self, identifiers: Sequence[str]) -> list[DeadLetter]:
        chosen = [letter for letter in self.dead if letter.id in identifiers]
        self.dead = [letter for letter in self.dead if letter not in chosen]
        return chosen

    async def depth(self, queue: QueueName) -> QueueDepth:
        here = [one for one in self.waiting if one.lane is queue]
        active = [one for one in here if one.due <= self.clock.now()]
        dead = [one for one in self.dead if one.queue is queue]
        oldest = min((max(one.due, one.sent) for one in active), default=None)
        return QueueDepth(len(active), len(here) - len(active), len(dead), oldest)


def bodies(documents: Mapping[DocumentKey, Document]) -> str:
    """Everything that the state store holds, as one text."""
    return "\n".join(f"{key} {document.body}" for key, document in documents.items())
