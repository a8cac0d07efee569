"""Takes in new subscribers: each becomes a lead, the contact that matches or a new one, or a membership entry (NEW).

A page of them costs one request to find, one to create, and one look at the reviews. Nothing is guessed: what only a
person can decide becomes a review. The caller then synchronises the records, which binds the contacts to them.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from shared.core.mapping.expression import Column
from shared.core.mapping.model import EMAIL, MappingRow
from shared.core.marketing import PropertyCatalogue, SpotlerContact
from shared.core.newcomers import NewcomerTarget, NewField, criteria, email_of, new_row, row_id
from shared.core.outcomes import FieldProblem
from shared.core.plan import Rules
from shared.core.records import PersonTable, RecordKey
from shared.core.way_back import FieldReturn
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from shared.ports import Created, Crm, Homecoming, Homecomings, MarketingPlatform, NewEntry, NewRecord, NewRecords
from shared.sync.reviews import Review, ReviewReason, Reviews

log = logging.getLogger(__name__)


class NewcomerOutcome(StrEnum):
    """What became of a new subscriber."""

    OFF = "off"
    """Settings take in nobody."""
    CREATED = "created"
    KNOWN = "known"
    """An earlier attempt created the record; the contact does not point to it yet."""
    MATCHED = "matched"
    ENTERED = "entered"
    """A membership entry was created, or updated if there was one."""
    NO_EMAIL = "no-email"
    """Without an address nobody can be found or mailed."""
    AMBIGUOUS = "ambiguous"
    OTHER_ADDRESS = "other-address"
    REFUSED = "refused"
    DISMISSED = "dismissed"
    """Somebody decided to leave the contact alone."""


_QUESTIONS: MappingABC[NewcomerOutcome, ReviewReason] = {
    NewcomerOutcome.AMBIGUOUS: ReviewReason.AMBIGUOUS,
    NewcomerOutcome.OTHER_ADDRESS: ReviewReason.OTHER_ADDRESS,
    NewcomerOutcome.REFUSED: ReviewReason.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Welcomed:
    """What became of one contact. `key` is the record to synchronise with it, None if there is none (yet).

    `candidates` are the records among which a person must choose, `problems` the values that did not fit, and `text`
    says what Dataverse refused.
    """

    encrypted_id: str
    outcome: NewcomerOutcome
    key: RecordKey | None = None
    candidates: tuple[RecordKey, ...] = ()
    problems: tuple[FieldProblem, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hospitality:
    """What the settings say: what new subscribers become, and by which columns a contact is found (NEW-05).

    No columns: the one with the e-mail address.
    """

    target: NewcomerTarget = NewcomerTarget.NONE
    match: tuple[str, ...] = ()


class Newcomers:
    """Takes in the new subscribers of one environment."""

    def __init__(
        self,
        *,
        records: NewRecords,
        homecomings: Homecomings,
        crm: Crm,
        platform: MarketingPlatform,
        reviews: Reviews,
        rules: Rules,
        hospitality: Hospitality,
    ) -> None:
        self._records = records
        self._homecomings = homecomings
        self._crm = crm
        self._platform = platform
        self._reviews = reviews
        self._rules = rules
        self._hospitality = hospitality

    async def welcome(self, contacts: Sequence[SpotlerContact], *, correlation: str) -> Sequence[Welcomed]:
        """Take in a page; per contact, in order, what became of it.

        Raises ConnectorErrors when the rest must be done again later: a repetition creates nothing twice.
        ConfigurationError if settings and mapping do not fit together.
        """
        if self._hospitality.target is NewcomerTarget.NONE:
            return [Welcomed(one.encrypted_id, NewcomerOutcome.OFF) for one in contacts]
        self._check()
        guests = {self._id(contact): contact for contact in contacts if email_of(contact)}
        known = await self._reviews.of(list(guests))
        welcomed, waiting = self._decided(guests, known)
        match self._hospitality.target:
            case NewcomerTarget.LEAD:
                welcomed |= await self._create(waiting, PersonTable.LEAD)
            case NewcomerTarget.CONTACT:
                welcomed |= await self._match(waiting)
            case NewcomerTarget.MEMBERSHIP_ENTRY:
                welcomed |= await self._enter(waiting)
            case _ as never:
                assert_never(never)
        await self._note(welcomed, guests, known, correlation)
        told = [welcomed.get(self._id(one)) or Welcomed(one.encrypted_id, NewcomerOutcome.NO_EMAIL) for one in contacts]
        counted = sorted(Counter(one.outcome for one in told).items())
        log.info("new subscribers: %s", ", ".join(f"{number} {outcome}" for outcome, number in counted))
        return told

    # ------------------------------------------------------------------------------------------------------ strategies

    async def _match(self, guests: MappingABC[UUID, SpotlerContact]) -> dict[UUID, Welcomed]:
        """NEW-04: the one contact that matches, a new one if none does, nobody if several do."""
        table, catalogue = PersonTable.CONTACT, await self._platform.properties()
        wanted = {identifier: self._criteria(contact, catalogue) for identifier, contact in guests.items()}
        found = await self._records.matching(table, list(wanted.values())) if wanted else []
        welcomed: dict[UUID, Welcomed] = {}
        matched: dict[UUID, RecordKey] = {}
        newcomers: defaultdict[tuple[str, ...], list[UUID]] = defaultdict(list)
        for (identifier, wish), keys in zip(wanted.items(), found, strict=True):
            match list(keys):
                case []:
                    newcomers[_same(wish)].append(identifier)
                case [key]:
                    matched[identifier] = key
                case several:
                    contact = guests[identifier].encrypted_id
                    welcomed[identifier] = Welcomed(contact, NewcomerOutcome.AMBIGUOUS, candidates=tuple(several))
        welcomed |= await self._matched({identifier: guests[identifier] for identifier in matched}, matched)
        first = {ids[0]: guests[ids[0]] for ids in newcomers.values()}
        welcomed |= await self._create(first, table)
        for identifier, *others in newcomers.values():  # who matches the same would have found the new one
            for other in others:
                one = welcomed[identifier]
                outcome = NewcomerOutcome.MATCHED if one.key is not None else one.outcome
                welcomed[other] = Welcomed(guests[other].encrypted_id, outcome, one.key, text=one.text)
        return welcomed

    async def _matched(
        self, guests: MappingABC[UUID, SpotlerContact], matched: MappingABC[UUID, RecordKey]
    ) -> dict[UUID, Welcomed]:
        """A record is bound to its Spotler contact by the address, so both must have the same one."""
        if self._columns == (self._email_column,):
            return {
                identifier: Welcomed(contact.encrypted_id, NewcomerOutcome.MATCHED, matched[identifier])
                for identifier, contact in guests.items()
            }
        people = await self._crm.read_people(list(dict.fromkeys(matched.values())))
        welcomed: dict[UUID, Welcomed] = {}
        moving: dict[UUID, RecordKey] = {}
        for identifier, contact in guests.items():
            key = matched[identifier]
            record = people.get(key)
            there = str(record.values.get(self._email_column) or "") if record is not None else ""
            if self._fingerprint(there) == self._fingerprint(email_of(contact)):
                welcomed[identifier] = Welcomed(contact.encrypted_id, NewcomerOutcome.MATCHED, key)
            elif self._email_comes_home:
                moving[identifier] = key
            else:
                outcome = NewcomerOutcome.OTHER_ADDRESS
                welcomed[identifier] = Welcomed(contact.encrypted_id, outcome, candidates=(key,))
        return welcomed | await self._move({identifier: guests[identifier] for identifier in moving}, moving)

    async def _move(
        self, guests: MappingABC[UUID, SpotlerContact], moving: MappingABC[UUID, RecordKey]
    ) -> dict[UUID, Welcomed]:
        """Bring the address home first, where the mapping lets it (`<->`)."""
        definition = (await self._platform.properties()).named(EMAIL)
        row = self._email_row
        if definition is None or not guests:
            return {}
        comings = [
            Homecoming(moving[identifier], "", (FieldReturn(row, definition, email_of(contact)),))
            for identifier, contact in guests.items()
        ]
        welcomed: dict[UUID, Welcomed] = {}
        came = await self._homecomings.bring_home(comings)
        for (identifier, contact), one in zip(guests.items(), came, strict=True):
            if one.error is None and not one.problems:
                welcomed[identifier] = Welcomed(contact.encrypted_id, NewcomerOutcome.MATCHED, moving[identifier])
                continue
            text = _refusal(one.error) if one.error is not None else str(one.problems[0])
            outcome = NewcomerOutcome.OTHER_ADDRESS
            welcomed[identifier] = Welcomed(
                contact.encrypted_id, outcome, candidates=(moving[identifier],), problems=one.problems, text=text
            )
        return welcomed

    async def _create(self, guests: MappingABC[UUID, SpotlerContact], table: PersonTable) -> dict[UUID, Welcomed]:
        """NEW-03, NEW-09: rows with the permissions that Spotler has; the variable of permissions does not count."""
        catalogue, mapping = await self._platform.properties(), self._rules.mapping
        records = {}
        for identifier, contact in guests.items():
            row = new_row(contact, self._hospitality.target, mapping, catalogue)
            key = RecordKey(table, identifier)
            records[identifier] = NewRecord(key, mapping.email_column(table) or "", row.fields, row.subscriptions)
        created = await self._records.create(list(records.values())) if records else []
        return {
            identifier: _welcomed(guests[identifier], record.key, one)
            for (identifier, record), one in zip(records.items(), created, strict=True)
        }

    async def _enter(self, guests: MappingABC[UUID, SpotlerContact]) -> dict[UUID, Welcomed]:
        """IF-04: the contact stays without a record; its next change updates the same entry."""
        catalogue, mapping = await self._platform.properties(), self._rules.mapping
        entries = [
            NewEntry(mapping.entity_table, identifier, new_row(contact, self._target, mapping, catalogue).fields)
            for identifier, contact in guests.items()
        ]
        created = await self._records.create(entries) if entries else []
        return {
            identifier: _welcomed(contact, None, one)
            for (identifier, contact), one in zip(guests.items(), created, strict=True)
        }

    # --------------------------------------------------------------------------------------------------------- reviews

    def _decided(
        self, guests: MappingABC[UUID, SpotlerContact], known: MappingABC[UUID, Review]
    ) -> tuple[dict[UUID, Welcomed], dict[UUID, SpotlerContact]]:
        """Divide those about whom a person has decided from those who wait."""
        welcomed: dict[UUID, Welcomed] = {}
        for identifier, review in known.items():
            contact = guests[identifier].encrypted_id
            if review.dismissed:
                welcomed[identifier] = Welcomed(contact, NewcomerOutcome.DISMISSED)
            elif review.decision is not None:
                welcomed[identifier] = Welcomed(contact, NewcomerOutcome.MATCHED, review.decision)
        return welcomed, {identifier: one for identifier, one in guests.items() if identifier not in welcomed}

    async def _note(
        self,
        welcomed: MappingABC[UUID, Welcomed],
        guests: MappingABC[UUID, SpotlerContact],
        known: MappingABC[UUID, Review],
        correlation: str,
    ) -> None:
        questions = [
            Review(
                id=identifier,
                contact=one.encrypted_id,
                reason=_QUESTIONS[one.outcome],
                text=one.text,
                candidates=one.candidates,
                address=self._fingerprint(email_of(guests[identifier])),
                since="",
                correlation=correlation,
            )
            for identifier, one in welcomed.items()
            if one.outcome in _QUESTIONS
        ]
        await self._reviews.ask(questions, known)
        asked = {one.id for one in questions}
        await self._reviews.forget([one.id for one in known.values() if one.is_open and one.id not in asked])

    # ---------------------------------------------------------------------------------------------------------- mapping

    def _check(self) -> None:
        """Refuse settings that the mapping cannot serve."""
        setting, mapping = f"NEW_SUBSCRIBER_TARGET is {self._target}", self._rules.mapping
        table = self._target.person_table
        if table is None:
            if not any(row.entity for row in mapping.rows):
                raise ConfigurationError(f"{setting}, but no row of the mapping has an entity column")
        elif table not in self._rules.enabled_tables:
            raise ConfigurationError(f"{setting}, but SYNC_TABLES does not have {table}")
        elif mapping.email_column(table) is None:
            raise ConfigurationError(f"{setting}, but the mapping has no row for the {EMAIL} of a {table}")

    def _criteria(self, contact: SpotlerContact, catalogue: PropertyCatalogue) -> tuple[NewField, ...]:
        try:
            return criteria(contact, self._columns, PersonTable.CONTACT, self._rules.mapping, catalogue)
        except ValueError as problem:
            raise ConfigurationError(f"NEW_SUBSCRIBER_MATCH cannot be used: {problem}") from None

    def _id(self, contact: SpotlerContact) -> UUID:
        return row_id(self._target, contact.encrypted_id or self._fingerprint(email_of(contact)))

    def _fingerprint(self, address: str) -> str:
        return self._rules.fingerprints.address(address)

    @property
    def _target(self) -> NewcomerTarget:
        return self._hospitality.target

    @property
    def _columns(self) -> tuple[str, ...]:
        return self._hospitality.match or (self._email_column,)

    @property
    def _email_column(self) -> str:
        return self._rules.mapping.email_column(PersonTable.CONTACT) or ""

    @property
    def _email_row(self) -> MappingRow:
        column = Column(self._email_column)
        rows = self._rules.mapping.for_table(PersonTable.CONTACT)
        return next(row for row in rows if row.spotler == EMAIL and row.sources[PersonTable.CONTACT] == column)

    @property
    def _email_comes_home(self) -> bool:
        return self._email_row.direction.reaches_dataverse


def _same(wish: Sequence[NewField]) -> tuple[str, ...]:
    return tuple(str(one.value).strip().casefold() for one in wish)


def _welcomed(contact: SpotlerContact, key: RecordKey | None, created: Created) -> Welcomed:
    if created.error is not None:
        text = _refusal(created.error)
        return Welcomed(contact.encrypted_id, NewcomerOutcome.REFUSED, problems=created.problems, text=text)
    outcome = NewcomerOutcome.KNOWN if created.existed else NewcomerOutcome.CREATED
    if key is None:
        outcome = NewcomerOutcome.ENTERED
    return Welcomed(contact.encrypted_id, outcome, key, problems=created.problems)


def _refusal(error: ConnectorError) -> str:
    """Say what a person must correct; raise what mends itself, or what an administrator must mend for all."""
    if isinstance(error, ThrottledError | TransientError | UnknownOutcomeError | ConfigurationError):
        raise error
    return str(error) if not isinstance(error, DataError) else error.summary
