"""Imports new subscribers as leads, as contacts (matching or new), or as membership entries (NEW).

A page costs one request to match, one to create, and one read of reviews. The import does not guess: what a person must
decide becomes a review. The caller synchronises the records afterwards, which binds the contacts to them.
"""

import logging
from collections import Counter
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from shared.domain.features.subscriber_import import (
    ImportOutcome,
    ImportResult,
    ImportTarget,
    criteria,
    email_of,
    given,
    new_row,
    row_id,
)
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.refusals.mail_refusals import MailRefusals, Refusing
from shared.errors import ConfigurationError
from shared.inbound.reviews import Review, ReviewReason, Reviews
from shared.inbound.subscriber_matching import ContactMatching, correctable_text
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.new_subscribers import Created, NewEntry, NewRecord, NewRecords
from shared.ports.writeback import Writebacks

log = logging.getLogger(__name__)


_QUESTIONS: MappingABC[ImportOutcome, ReviewReason] = {
    ImportOutcome.AMBIGUOUS: ReviewReason.AMBIGUOUS,
    ImportOutcome.OTHER_ADDRESS: ReviewReason.OTHER_ADDRESS,
    ImportOutcome.REFUSED: ReviewReason.REFUSED,
    ImportOutcome.REFUSES_MAIL: ReviewReason.REFUSES_MAIL,
}


@dataclass(frozen=True, slots=True)
class ImportPolicy:
    """The settings: what new subscribers become, and the columns that match a contact (NEW-05).

    Without columns, the column with the e-mail address matches.
    """

    target: ImportTarget = ImportTarget.NONE
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberImport:
    """Imports the new subscribers of one environment."""

    records: NewRecords
    writebacks: Writebacks
    crm: Crm
    platform: MarketingPlatform
    reviews: Reviews
    refusals: MailRefusals
    rules: Rules
    import_policy: ImportPolicy

    @property
    def _matching(self) -> ContactMatching:
        return ContactMatching(
            records=self.records,
            writebacks=self.writebacks,
            crm=self.crm,
            platform=self.platform,
            refusals=self.refusals,
            rules=self.rules,
            columns=self.import_policy.match,
        )

    async def import_page(self, contacts: Sequence[MarketingContact], *, correlation: str) -> Sequence[ImportResult]:
        """Import a page; returns one result per contact, in order.

        Raises ConnectorErrors when the rest must be repeated later: a repetition creates nothing twice.
        ConfigurationError if settings and mapping do not fit together.
        """
        if self.import_policy.target is ImportTarget.NONE:
            return [ImportResult(one.encrypted_id, ImportOutcome.OFF) for one in contacts]
        self._check()
        subscribers = {self._id(contact): contact for contact in contacts if _can_import(contact)}
        known = await self.reviews.of(list(subscribers))
        imported, waiting = self._decided(subscribers, known)
        match self.import_policy.target:
            case ImportTarget.LEAD:
                imported |= await self._make_leads(waiting)
            case ImportTarget.CONTACT:
                imported |= await self._match(waiting)
            case ImportTarget.MEMBERSHIP_ENTRY:
                imported |= await self._create_entries(waiting)
            case _ as never:
                assert_never(never)
        await self._note(imported, subscribers, known, correlation)
        answer = [imported.get(self._id(one)) or _skipped(one) for one in contacts]
        counted = sorted(Counter(one.outcome for one in answer).items())
        log.info("new subscribers: %s", ", ".join(f"{number} {outcome}" for outcome, number in counted))
        return answer

    async def refuse(self, contact: MarketingContact, *, text: str, correlation: str) -> None:
        """Create a review for a contact that cannot be imported; `text` is the reason. Nothing if import is off."""
        if self.import_policy.target is ImportTarget.NONE:
            return
        identifier = self._id(contact)
        known = await self.reviews.of([identifier])
        if identifier in known and not known[identifier].is_open:
            return  # a person has decided
        refused = ImportResult(contact.encrypted_id, ImportOutcome.REFUSED, text=text)
        await self._note({identifier: refused}, {identifier: contact}, known, correlation)

    # ------------------------------------------------------------------------------------------------------ strategies

    async def _make_leads(self, subscribers: MappingABC[UUID, MarketingContact]) -> dict[UUID, ImportResult]:
        """NEW-03: create a lead each, even if the address is in use, unless a record with the address refuses mail.

        All of them would share one Spotler contact, and either the sign-up or the refusal would be overruled.
        """
        using = await self._using_address(subscribers)
        people = await self.crm.read_people(list({key: None for keys in using.values() for key in keys}))
        refusing = await self.refusals.among(people.values())
        asked: dict[UUID, ImportResult] = {}
        for identifier, keys in using.items():
            if found := [refusing[key] for key in keys if key in refusing]:
                asked[identifier] = _refused(subscribers[identifier].encrypted_id, found)
        others = {identifier: contact for identifier, contact in subscribers.items() if identifier not in asked}
        return asked | await self._create(others, PersonTable.LEAD)

    async def _using_address(self, subscribers: MappingABC[UUID, MarketingContact]) -> dict[UUID, list[RecordKey]]:
        """Find the active records with the address of each, in one request per table."""
        catalogue, mapping = await self.platform.properties(), self.rules.mapping
        using: dict[UUID, list[RecordKey]] = {identifier: [] for identifier in subscribers}
        for table in PersonTable:
            column = mapping.email_column(table)
            if not subscribers or column is None or table not in self.rules.enabled_tables:
                continue
            wanted = [criteria(contact, (column,), table, mapping, catalogue) for contact in subscribers.values()]
            for identifier, keys in zip(subscribers, await self.records.matching(table, wanted), strict=True):
                using[identifier] += keys
        return using

    async def _match(self, subscribers: MappingABC[UUID, MarketingContact]) -> dict[UUID, ImportResult]:
        """NEW-04: use the one contact that matches; create one if none does; ask if several do."""
        matches = await self._matching.find(subscribers)
        imported = dict(matches.imported)
        first = {same[0]: subscribers[same[0]] for same in matches.unknown}
        imported |= await self._create(first, PersonTable.CONTACT)
        for identifier, *others in matches.unknown:
            for other in others:
                imported[other] = self._likewise(subscribers[other], subscribers[identifier], imported[identifier])
        return imported

    def _likewise(self, contact: MarketingContact, first: MarketingContact, one: ImportResult) -> ImportResult:
        """Two subscribers of a page with the same match criteria get the same record."""
        if one.key is None:
            return ImportResult(contact.encrypted_id, one.outcome, text=one.text)
        if self._fingerprint(email_of(contact)) == self._fingerprint(email_of(first)):
            return ImportResult(contact.encrypted_id, ImportOutcome.MATCHED, one.key)
        return ImportResult(contact.encrypted_id, ImportOutcome.OTHER_ADDRESS, candidates=(one.key,))

    async def _create(
        self, subscribers: MappingABC[UUID, MarketingContact], table: PersonTable
    ) -> dict[UUID, ImportResult]:
        """NEW-03, NEW-09: create rows with the permissions that Spotler has; the default permissions do not apply."""
        catalogue, mapping = await self.platform.properties(), self.rules.mapping
        records = {}
        for identifier, contact in subscribers.items():
            row = new_row(contact, self.import_policy.target, mapping, catalogue)
            key = RecordKey(table, identifier)
            records[identifier] = NewRecord(key, mapping.email_column(table) or "", row.fields, row.subscriptions)
        created = await self.records.create(list(records.values())) if records else []
        imported = {
            identifier: _imported(subscribers[identifier], record.key, one)
            for (identifier, record), one in zip(records.items(), created, strict=True)
        }
        return imported | await self._known_refusing(imported)

    async def _known_refusing(self, imported: MappingABC[UUID, ImportResult]) -> dict[UUID, ImportResult]:
        """Ask about records that an earlier sign-up created and that refuse mail now."""
        known = {
            identifier: one.key
            for identifier, one in imported.items()
            if one.outcome is ImportOutcome.KNOWN and one.key is not None
        }
        people = await self.crm.read_people(list(known.values())) if known else {}
        refusing = await self.refusals.among(people.values())
        return {
            identifier: _refused(imported[identifier].encrypted_id, [refusing[key]])
            for identifier, key in known.items()
            if key in refusing
        }

    async def _create_entries(self, subscribers: MappingABC[UUID, MarketingContact]) -> dict[UUID, ImportResult]:
        """IF-04: create membership entries. A contact stays without a record; its next change updates its entry."""
        catalogue, mapping = await self.platform.properties(), self.rules.mapping
        entries = [
            NewEntry(mapping.entity_table, identifier, new_row(contact, self._target, mapping, catalogue).fields)
            for identifier, contact in subscribers.items()
        ]
        created = await self.records.create(entries) if entries else []
        return {
            identifier: _imported(contact, None, one)
            for (identifier, contact), one in zip(subscribers.items(), created, strict=True)
        }

    # --------------------------------------------------------------------------------------------------------- reviews

    def _decided(
        self, subscribers: MappingABC[UUID, MarketingContact], known: MappingABC[UUID, Review]
    ) -> tuple[dict[UUID, ImportResult], dict[UUID, MarketingContact]]:
        """Separate subscribers with a decision from those that wait for one."""
        imported: dict[UUID, ImportResult] = {}
        for identifier, review in known.items():
            contact = subscribers[identifier].encrypted_id
            if review.dismissed:
                imported[identifier] = ImportResult(contact, ImportOutcome.DISMISSED)
            elif review.chosen is not None:
                imported[identifier] = ImportResult(contact, ImportOutcome.MATCHED, review.chosen)
        return imported, {identifier: one for identifier, one in subscribers.items() if identifier not in imported}

    async def _note(
        self,
        imported: MappingABC[UUID, ImportResult],
        subscribers: MappingABC[UUID, MarketingContact],
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
                address=self._fingerprint(email_of(subscribers[identifier])),
                since="",
                correlation=correlation,
                given=given(subscribers[identifier], self.rules.mapping),
            )
            for identifier, one in imported.items()
            if one.outcome in _QUESTIONS
        ]
        await self.reviews.ask(questions, known)
        asked = {one.id for one in questions}
        await self.reviews.forget([one for one in known.values() if one.is_open and one.id not in asked])

    # ---------------------------------------------------------------------------------------------------------- mapping

    def _check(self) -> None:
        """Refuse settings that the mapping cannot serve."""
        target, mapping = self._target, self.rules.mapping
        table = self._target.person_table
        if table is None:
            if not any(row.entity for row in mapping.rows):
                raise ConfigurationError(WorkCause.TARGET_WITHOUT_ENTITY(target=target))
        elif table not in self.rules.enabled_tables:
            raise ConfigurationError(WorkCause.TARGET_OFF(target=target, table=table))
        elif mapping.email_column(table) is None:
            raise ConfigurationError(WorkCause.TARGET_WITHOUT_EMAIL(target=target, property=EMAIL, table=table))

    def _id(self, contact: MarketingContact) -> UUID:
        return row_id(self._target, contact.encrypted_id or self._fingerprint(email_of(contact)))

    def _fingerprint(self, address: str) -> str:
        return self.rules.fingerprints.address(address)

    @property
    def _target(self) -> ImportTarget:
        return self.import_policy.target


def _can_import(contact: MarketingContact) -> bool:
    return bool(email_of(contact)) and not contact.is_unreachable


def _refused(contact: str, refusing: Sequence[Refusing]) -> ImportResult:
    texts = dict.fromkeys(one.text for one in refusing)
    candidates = tuple(one.key for one in refusing)
    return ImportResult(contact, ImportOutcome.REFUSES_MAIL, candidates=candidates, text=" ".join(texts))


def _skipped(contact: MarketingContact) -> ImportResult:
    outcome = ImportOutcome.UNREACHABLE if email_of(contact) else ImportOutcome.NO_EMAIL
    return ImportResult(contact.encrypted_id, outcome)


def _imported(contact: MarketingContact, key: RecordKey | None, created: Created) -> ImportResult:
    if created.error is not None:
        text = correctable_text(created.error)
        return ImportResult(contact.encrypted_id, ImportOutcome.REFUSED, problems=created.problems, text=text)
    outcome = ImportOutcome.KNOWN if created.existed else ImportOutcome.CREATED
    if key is None:
        outcome = ImportOutcome.ENTERED
    return ImportResult(contact.encrypted_id, outcome, key, problems=created.problems)
