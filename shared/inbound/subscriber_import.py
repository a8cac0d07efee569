"""Takes in new subscribers: each becomes a lead, the contact that matches or a new one, or a membership entry (NEW).

A page of them costs one request to find, one to create, and one look at the reviews. Nothing is guessed: what only a
person can decide becomes a review. The caller then synchronises the records, which binds the contacts to them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from shared.domain.features.subscriber_import import (
    NewcomerOutcome,
    NewcomerTarget,
    Welcomed,
    criteria,
    email_of,
    given,
    new_row,
    row_id,
)
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.context import Rules
from shared.domain.records.marketing_contact import SpotlerContact
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.refusals.mail_refusals import MailRefusals, Refusing
from shared.errors import ConfigurationError
from shared.inbound.reviews import Review, ReviewReason, Reviews
from shared.inbound.subscriber_matching import ContactMatching, told
from shared.ports.dataverse import Crm
from shared.ports.homecoming import Homecomings
from shared.ports.newcomers import Created, NewEntry, NewRecord, NewRecords
from shared.ports.spotler import MarketingPlatform

log = logging.getLogger(__name__)


_QUESTIONS: MappingABC[NewcomerOutcome, ReviewReason] = {
    NewcomerOutcome.AMBIGUOUS: ReviewReason.AMBIGUOUS,
    NewcomerOutcome.OTHER_ADDRESS: ReviewReason.OTHER_ADDRESS,
    NewcomerOutcome.REFUSED: ReviewReason.REFUSED,
    NewcomerOutcome.REFUSES_MAIL: ReviewReason.REFUSES_MAIL,
}


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
        refusals: MailRefusals,
        rules: Rules,
        hospitality: Hospitality,
    ) -> None:
        self._records = records
        self._crm = crm
        self._platform = platform
        self._refusals = refusals
        self._reviews = reviews
        self._rules = rules
        self._hospitality = hospitality
        self._matching = ContactMatching(
            records=records,
            homecomings=homecomings,
            crm=crm,
            platform=platform,
            refusals=refusals,
            rules=rules,
            columns=hospitality.match,
        )

    async def welcome(self, contacts: Sequence[SpotlerContact], *, correlation: str) -> Sequence[Welcomed]:
        """Take in a page; per contact, in order, what became of it.

        Raises ConnectorErrors when the rest must be done again later: a repetition creates nothing twice.
        ConfigurationError if settings and mapping do not fit together.
        """
        if self._hospitality.target is NewcomerTarget.NONE:
            return [Welcomed(one.encrypted_id, NewcomerOutcome.OFF) for one in contacts]
        self._check()
        guests = {self._id(contact): contact for contact in contacts if _may_enter(contact)}
        known = await self._reviews.of(list(guests))
        welcomed, waiting = self._decided(guests, known)
        match self._hospitality.target:
            case NewcomerTarget.LEAD:
                welcomed |= await self._make_leads(waiting)
            case NewcomerTarget.CONTACT:
                welcomed |= await self._match(waiting)
            case NewcomerTarget.MEMBERSHIP_ENTRY:
                welcomed |= await self._enter(waiting)
            case _ as never:
                assert_never(never)
        await self._note(welcomed, guests, known, correlation)
        answer = [welcomed.get(self._id(one)) or _turned_away(one) for one in contacts]
        counted = sorted(Counter(one.outcome for one in answer).items())
        log.info("new subscribers: %s", ", ".join(f"{number} {outcome}" for outcome, number in counted))
        return answer

    async def refuse(self, contact: SpotlerContact, *, text: str, correlation: str) -> None:
        """Let a person decide about one that cannot be taken in; `text` says why. Where nobody is taken in, nothing."""
        if self._hospitality.target is NewcomerTarget.NONE:
            return
        identifier = self._id(contact)
        known = await self._reviews.of([identifier])
        if identifier in known and not known[identifier].is_open:
            return  # somebody has decided
        refused = Welcomed(contact.encrypted_id, NewcomerOutcome.REFUSED, text=text)
        await self._note({identifier: refused}, {identifier: contact}, known, correlation)

    # ------------------------------------------------------------------------------------------------------ strategies

    async def _make_leads(self, guests: MappingABC[UUID, SpotlerContact]) -> dict[UUID, Welcomed]:
        """NEW-03: a new lead each, even if the address is in use; but not where a record with it refuses mail.

        All of them would share one Spotler contact: the sign-up, or the refusal, would be overruled without a word.
        """
        using = await self._using_address(guests)
        people = await self._crm.read_people(list({key: None for keys in using.values() for key in keys}))
        refusing = await self._refusals.among(people.values())
        asked: dict[UUID, Welcomed] = {}
        for identifier, keys in using.items():
            if found := [refusing[key] for key in keys if key in refusing]:
                asked[identifier] = _refused(guests[identifier].encrypted_id, found)
        others = {identifier: contact for identifier, contact in guests.items() if identifier not in asked}
        return asked | await self._create(others, PersonTable.LEAD)

    async def _using_address(self, guests: MappingABC[UUID, SpotlerContact]) -> dict[UUID, list[RecordKey]]:
        """Find the active records with the address of each, in one request per table."""
        catalogue, mapping = await self._platform.properties(), self._rules.mapping
        using: dict[UUID, list[RecordKey]] = {identifier: [] for identifier in guests}
        for table in PersonTable:
            column = mapping.email_column(table)
            if not guests or column is None or table not in self._rules.enabled_tables:
                continue
            wanted = [criteria(contact, (column,), table, mapping, catalogue) for contact in guests.values()]
            for identifier, keys in zip(guests, await self._records.matching(table, wanted), strict=True):
                using[identifier] += keys
        return using

    async def _match(self, guests: MappingABC[UUID, SpotlerContact]) -> dict[UUID, Welcomed]:
        """NEW-04: the one contact that matches, a new one if none does, nobody if several do."""
        matches = await self._matching.find(guests)
        welcomed = dict(matches.welcomed)
        first = {same[0]: guests[same[0]] for same in matches.unknown}
        welcomed |= await self._create(first, PersonTable.CONTACT)
        for identifier, *others in matches.unknown:
            for other in others:
                welcomed[other] = self._likewise(guests[other], guests[identifier], welcomed[identifier])
        return welcomed

    def _likewise(self, contact: SpotlerContact, first: SpotlerContact, one: Welcomed) -> Welcomed:
        """Treat who matches the same as another one of the page as if that one's new record had been found."""
        if one.key is None:
            return Welcomed(contact.encrypted_id, one.outcome, text=one.text)
        if self._fingerprint(email_of(contact)) == self._fingerprint(email_of(first)):
            return Welcomed(contact.encrypted_id, NewcomerOutcome.MATCHED, one.key)
        return Welcomed(contact.encrypted_id, NewcomerOutcome.OTHER_ADDRESS, candidates=(one.key,))

    async def _create(self, guests: MappingABC[UUID, SpotlerContact], table: PersonTable) -> dict[UUID, Welcomed]:
        """NEW-03, NEW-09: rows with the permissions that Spotler has; the variable of permissions does not count."""
        catalogue, mapping = await self._platform.properties(), self._rules.mapping
        records = {}
        for identifier, contact in guests.items():
            row = new_row(contact, self._hospitality.target, mapping, catalogue)
            key = RecordKey(table, identifier)
            records[identifier] = NewRecord(key, mapping.email_column(table) or "", row.fields, row.subscriptions)
        created = await self._records.create(list(records.values())) if records else []
        welcomed = {
            identifier: _welcomed(guests[identifier], record.key, one)
            for (identifier, record), one in zip(records.items(), created, strict=True)
        }
        return welcomed | await self._known_refusing(welcomed)

    async def _known_refusing(self, welcomed: MappingABC[UUID, Welcomed]) -> dict[UUID, Welcomed]:
        """Ask about records that an earlier sign-up created and that refuse mail by now."""
        known = {
            identifier: one.key
            for identifier, one in welcomed.items()
            if one.outcome is NewcomerOutcome.KNOWN and one.key is not None
        }
        people = await self._crm.read_people(list(known.values())) if known else {}
        refusing = await self._refusals.among(people.values())
        return {
            identifier: _refused(welcomed[identifier].encrypted_id, [refusing[key]])
            for identifier, key in known.items()
            if key in refusing
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
                given=given(guests[identifier], self._rules.mapping),
            )
            for identifier, one in welcomed.items()
            if one.outcome in _QUESTIONS
        ]
        await self._reviews.ask(questions, known)
        asked = {one.id for one in questions}
        await self._reviews.forget([one for one in known.values() if one.is_open and one.id not in asked])

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

    def _id(self, contact: SpotlerContact) -> UUID:
        return row_id(self._target, contact.encrypted_id or self._fingerprint(email_of(contact)))

    def _fingerprint(self, address: str) -> str:
        return self._rules.fingerprints.address(address)

    @property
    def _target(self) -> NewcomerTarget:
        return self._hospitality.target


def _may_enter(contact: SpotlerContact) -> bool:
    return bool(email_of(contact)) and not contact.is_unreachable


def _refused(contact: str, refusing: Sequence[Refusing]) -> Welcomed:
    texts = dict.fromkeys(one.text for one in refusing)
    candidates = tuple(one.key for one in refusing)
    return Welcomed(contact, NewcomerOutcome.REFUSES_MAIL, candidates=candidates, text=" ".join(texts))


def _turned_away(contact: SpotlerContact) -> Welcomed:
    outcome = NewcomerOutcome.UNREACHABLE if email_of(contact) else NewcomerOutcome.NO_EMAIL
    return Welcomed(contact.encrypted_id, outcome)


def _welcomed(contact: SpotlerContact, key: RecordKey | None, created: Created) -> Welcomed:
    if created.error is not None:
        text = told(created.error)
        return Welcomed(contact.encrypted_id, NewcomerOutcome.REFUSED, problems=created.problems, text=text)
    outcome = NewcomerOutcome.KNOWN if created.existed else NewcomerOutcome.CREATED
    if key is None:
        outcome = NewcomerOutcome.ENTERED
    return Welcomed(contact.encrypted_id, outcome, key, problems=created.problems)
