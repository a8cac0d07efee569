"""Personal data of one record: its export as JSON (GDPR 15), and its erasure (GDPR 17).

Two things stay after an erasure. Refusals at an e-mail address stay under a keyed hash of the address, without the
record's id: without them the person would be mailed again (GDPR 17(3)(b), 21(3)). Changes of consent stay under a
pseudonym for `ERASED_CONSENT_RETENTION_DAYS`: they prove that mail was lawful (GDPR 7(1)).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.consent.audit_ledger import ConsentLedger, as_rows
from shared.consent.erased_consent import ErasedConsent
from shared.domain.consent.suppression import AddressRefusal, Suppression
from shared.domain.engagement.scores import Score
from shared.domain.planning.conditions import email_of
from shared.domain.planning.plan_input import BaseState
from shared.domain.planning.rules import Rules
from shared.domain.records.records import RecordKey
from shared.domain.values.values import is_email
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.documents import read_one
from shared.ports.engagement import InteractionRows, ScoreRows, ScoreWrite
from shared.ports.queue import DeadLetter, Queue
from shared.ports.state import Delete, Document, DocumentKey, StateStore
from shared.privacy.person_dead_letters import PersonDeadLetters
from shared.privacy.person_documents import Person, PersonDocument, PersonDocuments

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """The result of an erasure: documents changed or deleted, changes of consent under a pseudonym, dead letters.

    `dead_letters_left` concern changes of others: replay them. `refused_addresses` counts addresses where something
    stays refused. `is_in_dataverse`: the record still exists, so that its next save stores it anew. `interactions`
    counts rows in Dataverse.
    """

    documents: int
    consent: int
    dead_letters: int
    dead_letters_left: int
    refused_addresses: int
    is_in_dataverse: bool
    interactions: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "documents": self.documents,
            "changesOfConsent": self.consent,
            "deadLetters": self.dead_letters,
            "deadLettersLeft": self.dead_letters_left,
            "refusedAddresses": self.refused_addresses,
            "inDataverse": self.is_in_dataverse,
            "interactions": self.interactions,
        }


@dataclass(frozen=True, slots=True)
class _StoredData:
    """What was read of a person. `addresses` are those (fingerprints) of contacts that no other record uses."""

    person: Person
    entry: Entry
    contacts: Mapping[str, HeldContact]
    addresses: Mapping[str, Document]
    suppressions: Mapping[str, Suppression]
    is_in_dataverse: bool

    @property
    def is_synchronised(self) -> bool:
        """Whether Spotler has a contact that this record uses."""
        return self.entry.binding.is_live or any(self.person.key in one.users for one in self.contacts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """Exports and erases what one environment stores of a record. All methods raise ConnectorErrors."""

    store: StateStore
    ledger: Ledger
    suppressions: SuppressionList
    consents: ConsentLedger
    erased: ErasedConsent
    crm: Crm
    interactions: InteractionRows
    scores: ScoreRows
    queue: Queue
    rules: Rules
    clock: Clock
    environment: str

    @property
    def _letters(self) -> PersonDeadLetters:
        return PersonDeadLetters(self.queue)

    @property
    def _documents(self) -> PersonDocuments:
        return PersonDocuments(self.store, self.environment)

    # -------------------------------------------------------------------------------------------------------- access

    async def export(self, key: RecordKey, email: str = "") -> dict[str, Any]:
        """Return as JSON everything that is stored of a record, and refused at its addresses.

        `email` adds an address that neither the record nor its binding has any more. Of other people the answer
        contains only their number.
        """
        known = await self._known(key, email)
        kept = await self.erased.of_record(key)
        found = [one async for one in self._documents.naming(known.person)]
        binding = await self._binding(key)
        return {
            "record": str(key),
            "exportedAt": self.clock.now().isoformat(timespec="seconds"),
            "inDataverse": known.is_in_dataverse,
            "synchronised": known.is_synchronised,
            "binding": dict(binding.body) if binding else None,
            "contacts": [_contact_json(one, key) for one in known.contacts.values() if key in one.users],
            "addresses": [
                {"fingerprint": address, "contact": document.body["contact"]}
                for address, document in known.addresses.items()
            ],
            "refusals": [
                {"address": address, **_refusal_json(one)}
                for address, several in known.suppressions.items()
                for one in several.refusals
                if one.record in {"", str(key)}
            ],
            "consent": as_rows([one async for page in self.consents.export(record=key) for one in page]),
            "consentAfterErasure": _kept_json(kept.erased.isoformat(), kept.changes) if kept else None,
            **_by_kind(found),
            "deadLetters": [_letter_json(one) for one in await self._letters.naming(key)],
        }

    # ------------------------------------------------------------------------------------------------------- erasure

    async def forget(self, key: RecordKey, email: str = "", *, although_synchronised: bool = False) -> ErasureResult:
        """Erase a record, except for the refusals at its addresses, and its consent under a pseudonym.

        ConflictError while the record is synchronised, unless `although_synchronised`, and while a worker holds its
        contact. A crash leaves a part; a repetition does the rest.
        """
        known = await self._known(key, email)
        if known.is_synchronised and not although_synchronised:
            raise ConflictError(
                WorkCause.STILL_SYNCHRONISED(),
                service=Service.STATE,
            )
        held = await self.ledger.claim(known.contacts)
        try:
            if held.keys() != known.contacts.keys():
                raise ConflictError(ChoiceRefusal.SYNCHRONISED(), service=Service.STATE)
            consent = await self.erased.take_over(key, self.clock.now())
            await self.suppressions.disown(known.suppressions, str(key))
            interactions = await self._forget_interactions(known)
            documents = await self._forget_documents(known)
            letters, letters_left = await self._letters.forget(key)
            held = {external_id: _left(one, key) for external_id, one in held.items()}
        finally:
            await self.ledger.release(list(held.values()))
        refused = await self.suppressions.at(known.suppressions)
        return ErasureResult(
            documents=documents,
            consent=consent,
            dead_letters=letters,
            dead_letters_left=letters_left,
            refused_addresses=sum(bool(one.subjects) for one in refused.values()),
            is_in_dataverse=known.is_in_dataverse,
            interactions=interactions,
        )

    async def _forget_interactions(self, known: _StoredData) -> int:
        """Delete what the person did with mailings from Dataverse, and clear the scores of a record that remains."""
        key = known.person.key
        count = await self.interactions.remove_of([key])
        if count and known.is_in_dataverse:
            await self.scores.write([ScoreWrite(key, Score())])
        return count

    async def _forget_documents(self, known: _StoredData) -> int:
        """Change the documents that name the person until none does.

        The binding goes last, because it leads to the others.
        """
        count = 0
        for _ in range(_ATTEMPTS):
            found = [one.removal async for one in self._documents.naming(known.person)]
            if not found:
                break
            count += sum(etag is not None for etag in await self.store.write(found))
        else:
            raise ConflictError(StateCause.ERASURE_CHANGES(), service=Service.STATE)
        gone = [Delete(document.key, document.etag) for document in known.addresses.values()]
        if (binding := await self._binding(known.person.key)) is not None:
            gone.append(Delete(binding.key))
        return count + sum(etag is not None for etag in await self.store.write(gone)) if gone else count

    # ------------------------------------------------------------------------------------------------------- reading

    async def _known(self, key: RecordKey, email: str) -> _StoredData:
        entry = (await self.ledger.entries([key]))[key]
        used = await self._documents.contacts_used_by(key)
        contacts = await self.ledger.contacts({entry.binding.external_id, str(key.id), *used})
        record = (await self.crm.read_people([key])).get(key)
        emails = [email]
        if record is not None and self.rules.mapping.email_column(key.table):
            emails.append(email_of(record, self.rules.mapping.for_table(key.table)))
        addresses = {self.rules.fingerprints.address(one) for one in emails if is_email(one)}
        addresses |= {entry.binding.address} if entry.binding.address else set()
        own = {one for one, contact in contacts.items() if not contact.users.keys() - {key}}
        naming = await self.suppressions.naming(str(key))
        owned = await self._documents.addresses_of(own)
        return _StoredData(
            person=Person(key, frozenset(own)),
            entry=entry,
            contacts=contacts,
            addresses=owned,
            suppressions=await self.suppressions.at({*addresses, *owned, *naming}),
            is_in_dataverse=record is not None,
        )

    async def _binding(self, key: RecordKey) -> Document | None:
        return await read_one(self.store, DocumentKey(f"{self.environment}-binding", str(key)))


def _left(held: HeldContact, key: RecordKey) -> HeldContact:
    """Take the record off its contact. For others that use it, nobody knows now what was agreed."""
    left = replace(held.without(key), primary=None if held.primary == key else held.primary)
    if not left.users:
        return replace(left, base_state=BaseState.BASE, succession=None)
    return replace(left, base_state=BaseState.NOTHING) if key in held.users else left


def _contact_json(contact: HeldContact, key: RecordKey) -> dict[str, Any]:
    return {
        "externalId": contact.external_id,
        "says": str(contact.users[key]),
        "primary": contact.primary_user == key,
        "others": len(contact.users) - 1,
    }


def _refusal_json(one: AddressRefusal) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "at": one.at.isoformat(),
        "source": str(one.source),
        "byThisRecord": bool(one.record),
        "lifted": one.lifted.isoformat() if one.lifted else None,
        "liftedBy": str(one.lifted_by) if one.lifted_by else None,
    }


def _kept_json(erased: str, changes: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {"erased": erased, "changes": [dict(one) for one in changes]}


def _by_kind(found: Sequence[PersonDocument]) -> dict[str, list[Mapping[str, Any]]]:
    names = ("bounces", "reviews", "held", "counted", "lists", "interactions", "runs", "acts", "plans")
    kinds: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    for one in found:
        kinds[one.kind].append(one.content)
    return kinds


def _letter_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": str(letter.queue),
        "reason": letter.reason,
        "since": letter.dead_since.isoformat(timespec="seconds"),
    }
