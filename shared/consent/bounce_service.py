"""Notes which contacts cannot be mailed because mail bounced, and creates tasks that ask for the right address.

`note` takes the bounces of the poll, `of` returns notes to the engine, `solved` is called when an address was changed.
A task that cannot be written holds up neither the poll nor a record: `maintain` writes it at night.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from shared.consent.bounce_repository import BounceRepository, is_key
from shared.domain.consent.bounce_text import Language, task_text
from shared.domain.consent.bounces import BounceKind, BounceNote, noted, reopened, solved, task_id
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.plan_input import CLOCKS_DIFFER
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.dataverse import BounceTask, BounceTasks
from shared.ports.marketing_platform import ContactFeeds
from shared.ports.state import StateStore

log = logging.getLogger(__name__)

_KEPT_WITHOUT_RECORDS = timedelta(days=90)
"""How long the note of a contact without records is kept: a record may still find the contact."""

Users = Mapping[str, Mapping[RecordKey, Consent]]


@dataclass(frozen=True, slots=True)
class BounceRow:
    """A line of the report (BNC-13): a record, or a contact without records."""

    note: BounceNote
    record: RecordKey | None
    task: UUID | None


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A part of the report; `following` is where the next one begins, "" at the end."""

    rows: Sequence[BounceRow]
    following: str


BOUNCE_COLUMNS = ("record", "externalId", "kind", "since", "last", "softBounces", "mailing", "task")
"""The columns of the report, in order."""


def bounce_rows(report: BounceReport) -> list[dict[str, str]]:
    """Return a report as flat rows: ids, codes and times."""
    return [
        {
            "record": str(row.record or ""),
            "externalId": row.note.external_id,
            "kind": str(row.note.kind),
            "since": _text(row.note.since),
            "last": _text(row.note.last),
            "softBounces": str(row.note.soft_bounces),
            "mailing": row.note.mailing,
            "task": str(row.task or ""),
        }
        for row in report.rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceService:
    """Keeps the notes of one environment, and their tasks.

    `creates_tasks` is the setting CREATE_BOUNCE_TASK (C-14), `language` the language of the tasks.
    """

    store: StateStore
    ledger: Ledger
    tasks: BounceTasks
    fingerprints: Fingerprinter
    clock: Clock
    environment: str
    creates_tasks: bool
    language: Language

    @property
    def _repository(self) -> BounceRepository:
        return BounceRepository(self.store, self.environment)

    # ---------------------------------------------------------------------------------------------------- for others

    async def note(self, bounces: Sequence[Bounce]) -> Sequence[RecordKey]:
        """Note bounces, create the tasks that are due, and return the records concerned.

        A repetition changes nothing and returns the same records. Raises ConnectorErrors of the state store.
        """
        by_contact: defaultdict[str, list[tuple[Bounce, BounceKind]]] = defaultdict(list)
        for bounce in bounces:
            kind = BounceKind.read(bounce.kind)
            if kind is not None and is_key(bounce.contact.external_id):
                by_contact[bounce.contact.external_id].append((bounce, kind))
        if strange := sum(BounceKind.read(bounce.kind) is None for bounce in bounces):
            log.warning("%d bounces of a kind that the connector does not know", strange)
        if not by_contact:
            return []

        def add(note: BounceNote) -> BounceNote:
            for bounce, kind in by_contact[note.external_id]:
                note = noted(note, bounce, kind, address=self._address(bounce), now=self.clock.now())
            return note

        notes = await self._repository.change(by_contact, add)
        users = await self.ledger.users_of_each(by_contact)
        await self._settle(notes.values(), users)
        return sorted({record for keys in users.values() for record in keys})

    async def known_until(self, moment: datetime) -> None:
        """Record that every bounce up to a moment is noted. Contacts unreachable since before have opted out."""
        await self._repository.note_moment(moment)

    async def are_known_until(self) -> datetime | None:
        """Return the time up to which bounces are known; None before the first poll."""
        return await self._repository.moment()

    async def of(self, external_ids: Iterable[str]) -> dict[str, BounceNote]:
        """Return the notes of contacts that had bounces, with one read.

        `reason` of a note tells whether it is a problem.
        """
        notes = await self._repository.read(dict.fromkeys(external_ids))
        return {external_id: note for external_id, note in notes.items() if note.is_open}

    async def reasons(self, external_ids: Iterable[str]) -> dict[str, Reason]:
        """Return HARD_BOUNCE or SOFT_BOUNCE for contacts that cannot be mailed, with one read."""
        notes = await self.of(external_ids)
        return {external_id: reason for external_id, note in notes.items() if (reason := note.reason) is not None}

    async def solved(self, external_ids: Iterable[str]) -> None:
        """Clear the notes of contacts whose e-mail address has changed, and complete their tasks (BNC-11).

        Raises ConnectorErrors of the state store only. Contacts without a note cost one read for all of them.
        """
        known = await self.of(external_ids)
        if not known:
            return
        now = self.clock.now()
        notes = await self._repository.change(known, lambda note: solved(note, now) if note.is_open else note)
        await self._settle(notes.values(), {})

    async def reopened(self, contacts: Mapping[str, datetime]) -> None:
        """Note that somebody made contacts active again, with the time of their last change."""
        known = await self.of(contacts)
        if known:
            await self._repository.change(known, lambda note: reopened(note, contacts[note.external_id]))

    # ------------------------------------------------------------------------------------------------------- nightly

    async def maintain(self) -> None:
        """Write tasks that could not be written before; delete notes and tasks that no record needs."""
        long_ago = self.clock.now() - _KEPT_WITHOUT_RECORDS
        async for page in self._repository.pages():
            notes = {note.external_id: note for note in page}
            users = await self.ledger.users_of_each(notes)
            gone = {one for one, note in notes.items() if note.tasks.keys() - users[one].keys()}
            if gone:
                notes |= await self._repository.change(gone, lambda note: _without_unrelated_tasks(note, users))  # noqa: B023
            notes = {note.external_id: note for note in await self._settle(notes.values(), users)}
            await self._repository.forget(
                one
                for one, note in notes.items()
                if not users[one] and not note.done and (note.last or note.solved or long_ago) <= long_ago
            )

    async def report(self, *, after: str = "", limit: int = 1000) -> BounceReport:
        """List the records with an address problem (BNC-13), by external id; at most `limit` contacts."""
        rows: list[BounceRow] = []
        count = 0
        async for page in self._repository.pages(after=after):
            problems = [note for note in page if note.reason is not None]
            shown = problems[: limit - count]
            users = await self.ledger.users_of_each(note.external_id for note in shown)
            for note in shown:
                keys: Collection[RecordKey | None] = sorted(users[note.external_id]) or [None]
                rows += [BounceRow(note, key, note.tasks.get(key) if key else None) for key in keys]
            count += len(shown)
            if len(shown) < len(problems):
                return BounceReport(rows, shown[-1].external_id)
        return BounceReport(rows, "")

    async def report_of(self, external_id: str, record: RecordKey) -> BounceReport:
        """Return the bounces of one contact, whether they are a problem or not."""
        notes = await self.of([external_id])
        return BounceReport([BounceRow(note, record, note.tasks.get(record)) for note in notes.values()], "")

    # --------------------------------------------------------------------------------------------------------- tasks

    async def _settle(self, notes: Iterable[BounceNote], users: Users) -> list[BounceNote]:
        """Bring tasks in line with notes; a failure is left to the next night."""
        current = {note.external_id: note for note in notes}
        try:
            if self.creates_tasks:
                current |= await self._create_tasks(current, users)
            current |= await self._complete_tasks(current)
        except ConnectorError as error:
            log.warning("tasks about bounced mail cannot be written now: %s", error)
        return list(current.values())

    async def _create_tasks(self, notes: Mapping[str, BounceNote], users: Users) -> dict[str, BounceNote]:
        """Create tasks for the owners of records with a problem and without a task for this address."""
        due: dict[UUID, tuple[BounceNote, BounceTask]] = {}
        for external_id, note in notes.items():
            if (reason := note.reason) is None:
                continue
            text = task_text(reason, self.language)
            for record, consent in users.get(external_id, {}).items():
                if record not in note.tasks and consent is not Consent.NO_MAIL:
                    task = BounceTask(task_id(record, _address_of(note)), record, text.subject, text.description)
                    due[task.id] = (note, task)
        if not due:
            return {}
        there = await self.tasks.create([task for _, task in due.values()])
        made: defaultdict[str, dict[RecordKey, UUID]] = defaultdict(dict)
        for identifier in there:
            note, task = due[identifier]
            made[note.external_id][task.key] = identifier

        def add(note: BounceNote) -> BounceNote:
            mine = made[note.external_id]
            if note.is_open and _address_of(note) == _address_of(notes[note.external_id]):
                return replace(note, tasks={**note.tasks, **mine})
            return replace(note, done=(*note.done, *mine.values()))  # the address was changed meanwhile

        return await self._repository.change(made, add)

    async def _complete_tasks(self, notes: Mapping[str, BounceNote]) -> dict[str, BounceNote]:
        done = {external_id: set(note.done) for external_id, note in notes.items() if note.done}
        if not done:
            return {}
        await self.tasks.complete(sorted({task for tasks in done.values() for task in tasks}))

        def strike(note: BounceNote) -> BounceNote:
            return replace(note, done=tuple(task for task in note.done if task not in done[note.external_id]))

        return await self._repository.change(done, strike)

    def _address(self, bounce: Bounce) -> str:
        address = bounce.contact.properties.get(EMAIL)
        return self.fingerprints.address(address) if isinstance(address, str) and address.strip() else ""


def _text(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _address_of(note: BounceNote) -> str:
    """What distinguishes this address from the next one: its fingerprint, or else the time of its first bounce."""
    return note.address or (note.since.isoformat() if note.since else "")


def _without_unrelated_tasks(note: BounceNote, users: Users) -> BounceNote:
    """Complete the tasks of records that no longer use the contact: their address has changed."""
    unrelated = note.tasks.keys() - users[note.external_id].keys()
    return replace(
        note,
        tasks={record: task for record, task in note.tasks.items() if record not in unrelated},
        done=(*note.done, *(note.tasks[record] for record in sorted(unrelated))),
    )


class BounceCatchUp:
    """Updates the notes of bounces, as the next poll would."""

    def __init__(self, feeds: ContactFeeds, bounces: BounceService, clock: Clock) -> None:
        self._feeds = feeds
        self._bounces = bounces
        self._clock = clock

    async def run(self, since: datetime) -> datetime:
        """Record the bounces since a moment, or since bounces were last known.

        Return the time up to which all are known.

        Raises ConnectorErrors.
        """
        known, now = await self._bounces.are_known_until(), self._clock.now()
        async for bounces in self._feeds.bounces(min(known or since, since) - CLOCKS_DIFFER, now + CLOCKS_DIFFER):
            await self._bounces.note(bounces)
        if known is not None:  # the first poll sets the first moment
            await self._bounces.known_until(now)
        return now
