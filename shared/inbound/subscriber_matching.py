"""Finds the records in Dataverse that match new subscribers (NEW-04, NEW-05)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.features.subscriber_import import ImportOutcome, ImportResult, NewField, criteria, email_of
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import EMAIL, MappingRow
from shared.domain.merging.dataverse_changes import FieldReturn
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue, PropertyType
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.addresses import address_key
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.phrase import PhraseError
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.new_subscribers import NewRecords
from shared.ports.writeback import Writeback, Writebacks

_TABLE = PersonTable.CONTACT


@dataclass(frozen=True, slots=True)
class Matches:
    """Results of matching. `unknown` are groups of subscribers without a match; a group has the same match criteria."""

    imported: Mapping[UUID, ImportResult]
    unknown: Sequence[Sequence[UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMatching:
    """Matches contacts by columns; without columns, by the one with the e-mail address."""

    records: NewRecords
    writebacks: Writebacks
    crm: Crm
    platform: MarketingPlatform
    refusals: MailRefusals
    rules: Rules
    columns: Sequence[str]

    async def find(self, subscribers: Mapping[UUID, MarketingContact]) -> Matches:
        """Match in one request, and read the matches in another one. Raises ConnectorErrors."""
        catalogue = await self.platform.properties()
        wanted = {identifier: self._criteria(contact, catalogue) for identifier, contact in subscribers.items()}
        found = await self.records.matching(_TABLE, list(wanted.values())) if wanted else []
        imported: dict[UUID, ImportResult] = {}
        matched: dict[UUID, RecordKey] = {}
        unknown: defaultdict[tuple[str, ...], list[UUID]] = defaultdict(list)
        for (identifier, wish), keys in zip(wanted.items(), found, strict=True):
            match list(keys):
                case []:
                    unknown[_same(wish)].append(identifier)
                case [key]:
                    matched[identifier] = key
                case several:
                    contact = subscribers[identifier].encrypted_id
                    imported[identifier] = ImportResult(contact, ImportOutcome.AMBIGUOUS, candidates=tuple(several))
        imported |= await self._matched({identifier: subscribers[identifier] for identifier in matched}, matched)
        return Matches(imported, list(unknown.values()))

    async def _matched(
        self, subscribers: Mapping[UUID, MarketingContact], matched: Mapping[UUID, RecordKey]
    ) -> dict[UUID, ImportResult]:
        """The address binds a record to its Spotler contact, so both must have the same one.

        About a record that refuses mail a person decides: the sign-up may be newer than the refusal.
        """
        people = await self.crm.read_people(list(dict.fromkeys(matched.values()))) if matched else {}
        refusing = await self.refusals.among(people.values())
        imported: dict[UUID, ImportResult] = {}
        moving: dict[UUID, RecordKey] = {}
        for identifier, contact in subscribers.items():
            key = matched[identifier]
            has_address = self._by_address or self._is_of(people.get(key), contact)
            text = refusing[key].text if key in refusing else ""
            if not (has_address or self._email_is_two_way):
                outcome = ImportOutcome.OTHER_ADDRESS
                imported[identifier] = ImportResult(contact.encrypted_id, outcome, candidates=(key,), text=text)
            elif text:
                outcome = ImportOutcome.REFUSES_MAIL
                imported[identifier] = ImportResult(contact.encrypted_id, outcome, candidates=(key,), text=text)
            elif has_address:
                imported[identifier] = ImportResult(contact.encrypted_id, ImportOutcome.MATCHED, key)
            else:
                moving[identifier] = key
        return imported | await self._move({identifier: subscribers[identifier] for identifier in moving}, moving)

    async def _move(
        self, subscribers: Mapping[UUID, MarketingContact], moving: Mapping[UUID, RecordKey]
    ) -> dict[UUID, ImportResult]:
        """First write the subscriber's address to the record, where the mapping allows it (`<->`)."""
        definition = (await self.platform.properties()).named(EMAIL)
        row = self._email_row
        if definition is None or not subscribers:
            return {}
        writebacks = [
            Writeback(moving[identifier], "", (FieldReturn(row, definition, email_of(contact)),))
            for identifier, contact in subscribers.items()
        ]
        imported: dict[UUID, ImportResult] = {}
        results = await self.writebacks.write_back(writebacks)
        for (identifier, contact), one in zip(subscribers.items(), results, strict=True):
            if one.error is None and not one.problems:
                imported[identifier] = ImportResult(contact.encrypted_id, ImportOutcome.MATCHED, moving[identifier])
                continue
            text = correctable_text(one.error) if one.error is not None else str(one.problems[0])
            outcome = ImportOutcome.OTHER_ADDRESS
            imported[identifier] = ImportResult(
                contact.encrypted_id, outcome, candidates=(moving[identifier],), problems=one.problems, text=text
            )
        return imported

    def _criteria(self, contact: MarketingContact, catalogue: PropertyCatalogue) -> tuple[NewField, ...]:
        try:
            return criteria(contact, self._columns, _TABLE, self.rules.mapping, catalogue)
        except PhraseError as problem:
            raise ConfigurationError(WorkCause.MATCH(problem=problem.text)) from None

    def _is_of(self, record: PersonRecord | None, contact: MarketingContact) -> bool:
        there = str(record.values.get(self._email_column) or "") if record is not None else ""
        return self.rules.fingerprints.address(there) == self.rules.fingerprints.address(email_of(contact))

    @property
    def _by_address(self) -> bool:
        return self._columns == (self._email_column,)

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(self.columns) or (self._email_column,)

    @property
    def _email_column(self) -> str:
        return self.rules.mapping.email_column(_TABLE) or ""

    @property
    def _email_row(self) -> MappingRow:
        column = Column(self._email_column)
        rows = self.rules.mapping.for_table(_TABLE)
        return next(row for row in rows if row.property_name == EMAIL and row.sources[_TABLE] == column)

    @property
    def _email_is_two_way(self) -> bool:
        return self._email_row.direction.reaches_dataverse


def _same(wish: Sequence[NewField]) -> tuple[str, ...]:
    return tuple(
        address_key(text) if one.definition.type is PropertyType.EMAIL else text.casefold()
        for one in wish
        for text in (str(one.value).strip(),)
    )


def correctable_text(error: ConnectorError) -> str:
    """Return the text of an error that a person must correct. Raises all other errors."""
    if isinstance(error, ThrottledError | TransientError | UnknownOutcomeError | ConfigurationError):
        raise error
    return str(error) if not isinstance(error, DataError) else error.summary
