"""Records that refuse mail while their person signs up by a form: a person decides which of the two counts.

If the sign-up is the newer act, the refusal is lifted in Dataverse. If the refusal stands, the engine gets the contact
that the form made, and treats it as the contact of a record that refuses mail.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, ConsentAct, ConsentSource
from shared.domain.features.subscriber_import import standing_refusals
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.binding import Binding
from shared.domain.planning.conditions import email_of
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import ContactWrite, Purge, WriteCode
from shared.domain.records.records import PersonRecord, RecordKey
from shared.domain.values.fields import Scalar, all_permissions_off, as_properties
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.phrase import Phrase, sentences
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Ledger
from shared.engine.planning_facts import ConsentRecorder
from shared.errors import ConflictError, DataError, Service
from shared.ports.clock import Clock
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.writeback import Writeback, Writebacks

_TEXTS = {DO_NOT_EMAIL: ChoiceRefusal.DO_NOT_EMAIL(), BULK_EMAIL: ChoiceRefusal.BULK_EMAIL()}

_CLOSED = {WriteCode.CONTACT_OPTOUT, WriteCode.NO_ACTIVE_CHANNEL}
"""Spotler no longer mails the contact: there is nothing to switch off."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """A record that refuses mail. `subjects` are those of `domain/consent/changes.py`: Do Not Email, bulk mail."""

    record: PersonRecord
    binding: Binding
    subjects: tuple[str, ...]

    @property
    def key(self) -> RecordKey:
        """The record."""
        return self.record.key

    @property
    def text(self) -> Phrase:
        """A text of what is set, for the person who decides."""
        return sentences(*(_TEXTS[subject] for subject in self.subjects))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRefusals:
    """Finds records that refuse mail, and carries out what a person decides about them."""

    writebacks: Writebacks
    platform: MarketingPlatform
    ledger: Ledger
    consents: ConsentRecorder
    rules: Rules
    clock: Clock

    async def among(self, records: Iterable[PersonRecord]) -> dict[RecordKey, Refusing]:
        """Choose the records that refuse mail, unless that only follows from an opt-out in Spotler."""
        suspects = [record for record in records if standing_refusals(record, Binding(""))]
        entries = await self.ledger.entries([record.key for record in suspects])
        found = [
            Refusing(record, binding, standing_refusals(record, binding))
            for record in suspects
            for binding in [entries[record.key].binding]
        ]
        return {one.key: one for one in found if one.subjects}

    async def lift(self, record: PersonRecord, subjects: Sequence[str], correlation: str) -> None:
        """Allow mail in Dataverse and keep that as consent by a form. A repetition counts once.

        ConflictError if the record was changed since it was read, DataError if Dataverse refuses.
        """
        writeback = Writeback(
            record.key,
            record.etag,
            refuses_bulk=False if BULK_EMAIL in subjects else None,
            refuses_mail=False if DO_NOT_EMAIL in subjects else None,
        )
        (result,) = await self.writebacks.write_back([writeback])
        if result.error is not None:
            raise result.error
        external_id = (await self.ledger.entries([record.key]))[record.key].binding.external_id
        act = ConsentAct(self.clock.now(), record.key, external_id, ConsentSource.FORM, correlation)
        # Do Not Email is a refusal, which ends; bulk mail is a consent, which begins.
        before = {subject: subject == DO_NOT_EMAIL for subject in subjects}
        after = {subject: subject != DO_NOT_EMAIL for subject in subjects}
        await self.consents.record(act.changes(before, after))

    async def give(self, record: PersonRecord, options: Sequence[str]) -> None:
        """Switch on again what the form had switched on (`permissions:4`), if the record was bound meanwhile.

        The refusal of the record has switched everything off by then, and only the form has the answers of the person.
        """
        binding = (await self.ledger.entries([record.key]))[record.key].binding
        if not binding.is_live or not options:
            return
        held = await self._claimed(binding.external_id)
        try:
            await self._write(binding.external_id, record, dict.fromkeys(options, True))
        finally:
            await self.ledger.release([held])

    async def uphold(self, refusing: Refusing) -> None:
        """Switch the permissions of the form's contact off, and leave it in doubt.

        The engine ends what is in doubt: it keeps the contact without permissions, or anonymises it (Do Not Email).
        ConflictError while another worker holds the contact, DataError if Spotler refuses.
        """
        external_id = refusing.binding.external_id
        catalogue = await self.platform.properties()
        off = all_permissions_off(self.rules.mapping.for_table(refusing.key.table), catalogue)
        held = await self._claimed(external_id)
        try:
            await self._write(external_id, refusing.record, off)
        finally:
            await self.ledger.abandon([held])

    async def _claimed(self, external_id: str) -> HeldContact:
        claimed = await self.ledger.claim([external_id])
        if external_id not in claimed:
            raise ConflictError(ChoiceRefusal.SYNCHRONISED(), service=Service.STATE)
        return claimed[external_id]

    async def _write(self, external_id: str, record: PersonRecord, options: Mapping[str, Scalar]) -> None:
        """Spotler knows the form's contact by its address, and gives it the record's id."""
        email = email_of(record, self.rules.mapping.for_table(record.key.table))
        write = ContactWrite(external_id, as_properties({EMAIL: email, **options}))
        result = (await self.platform.upsert([write], purge=Purge.KEEP))[external_id]
        if result.code is not WriteCode.OK and result.code not in _CLOSED:
            raise DataError(SpotlerCause.CHANGE_REFUSED(code=result.code), service=Service.SPOTLER)
