"""The ledger: which record is bound to which Spotler contact, their last agreement, and the claims of workers.

Three kinds of small documents, without names, addresses and values of people:

- `binding`, one per record: external id, fingerprints of the agreed fields, last outcome;
- `contact`, one per Spotler contact: the claim of the worker that holds it, its users, the primary record;
- `address`, one per e-mail address (its fingerprint): the Spotler contact that has it (DUP-01..DUP-03).

A claim is taken before reading and carries an expiry. A worker that finds a live claim tries again later. After an
expired claim, Spotler may hold something else than the binding says: the next worker does not trust the base.
"""

from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate, Entry, read_entry, write_update
from shared.engine.bindings.claim_deadline import ClaimDeadline
from shared.engine.bindings.contact_documents import Consent, HeldContact, read_contact, write_contact
from shared.engine.guards.priority import breathe
from shared.ports.clock import Clock
from shared.ports.documents import documents, versioned
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Replace, StateStore

CLAIM_TIME = timedelta(minutes=2)
"""How long a worker may hold a contact: well inside the queue's lock time of five minutes."""

_BEGINNING, _WORKING = 0.7, 0.95
"""The parts of a claim in which calls may begin, and go on: a request to Spotler takes up to 30 seconds."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The Spotler contact that an address points to.

    It is confirmed unless only other addresses were agreed for it, and used while a record uses it: a contact without
    users may be erased in Spotler.
    """

    contact: str
    is_confirmed: bool
    is_used: bool

    @property
    def has_it(self) -> bool:
        """Whether a record agreed on the address for this contact, and uses it."""
        return self.is_confirmed and self.is_used


class Ledger:
    """Reads, claims and writes the documents of one environment."""

    def __init__(
        self, store: StateStore, clock: Clock, environment: str, *, claim_time: timedelta = CLAIM_TIME
    ) -> None:
        self._store = store
        self._clock = clock
        self._environment = environment
        self._claim_time = claim_time
        self._worker = uuid4().hex

    # ------------------------------------------------------------------------------------------------------ reading

    async def entries(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Entry]:
        """Read what is known of these records; a record that was never bound gets its own id as external id."""
        places = {self._binding_key(key): key for key in keys}
        if not places:
            return {}
        documents = await self._store.read(list(places))
        known: dict[RecordKey, Entry] = {}
        for place, document in documents.items():
            known[places[place]] = read_entry(document)
            await breathe()
        return {key: known.get(key) or Entry(Binding(str(key.id))) for key in places.values()}

    async def owners_of(self, addresses: Iterable[str]) -> dict[str, Owner]:
        """Find the Spotler contacts that have an address (fingerprint), or for which it was reserved."""
        places = {self._address_key(address): address for address in addresses}
        if not places:
            return {}
        documents = await self._store.read(list(places))
        contacts = {places[place]: str(document.body["contact"]) for place, document in documents.items()}
        users = await self.users_of_each(contacts.values())
        entries = await self.entries({user for several in users.values() for user in several})
        return {
            address: Owner(
                contact,
                is_confirmed=_has_address(contact, address, users[contact], entries),
                is_used=bool(users[contact]),
            )
            for address, contact in contacts.items()
        }

    async def users_of(self, external_id: str) -> Mapping[RecordKey, Consent]:
        """Return the records that use a Spotler contact, claimed or not."""
        return (await self.users_of_each([external_id]))[external_id]

    async def users_of_each(self, external_ids: Iterable[str]) -> dict[str, Mapping[RecordKey, Consent]]:
        """Return the records that use each of these Spotler contacts, with one read."""
        return {one: contact.users for one, contact in (await self.contacts(external_ids)).items()}

    async def contacts(self, external_ids: Iterable[str]) -> dict[str, HeldContact]:
        """Return Spotler contacts as they are stored, claimed or not, with one read. Nothing is claimed."""
        documents = await self._contacts(external_ids)
        return {
            one: read_contact(one, document.body) if document else HeldContact(one, "", BaseState.BASE)
            for one, document in documents.items()
        }

    async def not_seen_since(self, table: PersonTable, moment: datetime) -> AsyncIterator[RecordKey]:
        """Yield the records of a table that are bound to a contact, and that were not processed since then."""
        async for document in documents(self._store, f"{self._environment}-binding", prefix=f"{table}:"):
            entry = read_entry(document)
            if entry.binding.is_live and (entry.outcome is None or datetime.fromisoformat(entry.outcome.at) < moment):
                yield RecordKey.parse(document.key.row)

    async def live_addresses(self) -> AsyncIterator[str]:
        """Yield the address (fingerprint) that was agreed for each contact of a record."""
        async for document in documents(self._store, f"{self._environment}-binding"):
            binding = read_entry(document).binding
            if binding.is_live and binding.address:
                yield binding.address

    async def _contacts(self, external_ids: Iterable[str]) -> dict[str, Document | None]:
        places = {external_id: self._contact_key(external_id) for external_id in external_ids}
        documents = await self._store.read(list(places.values())) if places else {}
        return {external_id: documents.get(place) for external_id, place in places.items()}

    # ----------------------------------------------------------------------------------------------------- claiming

    async def claim(
        self, external_ids: Iterable[str], *, new: AbstractSet[str] = frozenset()
    ) -> dict[str, HeldContact]:
        """Claim contacts; those that another worker holds are missing in the answer.

        Contacts in `new` have no document, as far as is known: their claim is inserted without a read.
        """
        wanted = set(external_ids)
        claimed = await self._claim({**dict.fromkeys(wanted & new), **await self._contacts(wanted - new)})
        if known := (wanted & new) - claimed.keys():
            claimed |= await self._claim(await self._contacts(known))
        return claimed | await self._with_checked_users(
            [held for held in claimed.values() if held.base_state is BaseState.NOTHING]
        )

    async def _claim(self, documents: Mapping[str, Document | None]) -> dict[str, HeldContact]:
        """Claim contacts whose documents were just read; None stands for no document."""
        now = self._clock.now()
        attempts: list[tuple[HeldContact, Change]] = []
        for external_id, document in sorted(documents.items()):
            await breathe()
            place = self._contact_key(external_id)
            if document is None:
                held = HeldContact(external_id, "", BaseState.BASE)
                attempts.append((held, Insert(place, self._claimed(held, now))))
            elif not _is_claimed(document.body, now):
                held = read_contact(external_id, document.body, etag=document.etag)
                attempts.append((held, Replace(place, self._claimed(held, now), document.etag)))
        etags = await self._store.write([change for _, change in attempts]) if attempts else []
        return {
            held.external_id: replace(held, etag=etag)
            for (held, _), etag in zip(attempts, etags, strict=True)
            if etag is not None
        }

    async def _with_checked_users(self, doubtful: Sequence[HeldContact]) -> dict[str, HeldContact]:
        """Remove users that had left their contact when a worker died before it could write that."""
        entries = await self.entries({user for held in doubtful for user in held.users})
        return {
            held.external_id: held.without(
                *(
                    user
                    for user, consent in held.users.items()
                    if consent is not Consent.NO_MAIL and not entries[user].binding.uses(held.external_id)
                )
            )
            for held in doubtful
        }

    async def reserve(
        self, addresses: Mapping[str, str], *, held: Container[str], free: Container[str] = ()
    ) -> set[str]:
        """Give addresses (fingerprints) to contacts (external ids) before the first write; return those that were lost.

        An address is free that points to a contact which neither has it nor is about to get it. `held` are the contacts
        that the caller has claimed. Addresses in `free` had no document just now: they are not read again.
        """
        if not addresses:
            return set()
        places = {self._address_key(address): address for address in addresses}
        unread = [place for place, address in places.items() if address not in free]
        documents = await self._store.read(unread) if unread else {}
        taken = {
            places[place]
            for place, document in documents.items()
            if document.body["contact"] != addresses[places[place]]
        }
        lost = await self._owned(taken, held) if taken else set[str]()
        changes: list[Change] = []
        for place, address in places.items():
            document, body = documents.get(place), {"contact": addresses[address]}
            if document is None:
                changes.append(Insert(place, body))
            elif address in taken - lost:
                changes.append(Replace(place, body, document.etag))
        results = await self._store.write(changes) if changes else []
        return lost | {places[change.key] for change, etag in zip(changes, results, strict=True) if etag is None}

    async def _owned(self, addresses: set[str], held: Container[str]) -> set[str]:
        owners = await self.owners_of(addresses)
        contacts = await self._contacts({owner.contact for owner in owners.values()})
        return {
            address
            for address, owner in owners.items()
            if (document := contacts[owner.contact]) is not None
            and (
                (owner.is_confirmed and document.body["users"])
                or (owner.contact not in held and ("claim" in document.body or "doubt" in document.body))
            )
        }

    def expiry(self) -> datetime:
        """Return until when a claim made right now, or later, is good."""
        return self._clock.now() + self._claim_time

    @property
    def claim_time(self) -> timedelta:
        """How long a worker may hold a contact."""
        return self._claim_time

    def deadline(self, expiry: datetime) -> ClaimDeadline:
        """Return the time for calls about contacts whose claims are good until `expiry`."""
        rest = {part: self._claim_time * (1 - part) for part in (_BEGINNING, _WORKING)}
        return ClaimDeadline(self._clock, begin_by=expiry - rest[_BEGINNING], end_by=expiry - rest[_WORKING])

    # ------------------------------------------------------------------------------------------------------- saving

    async def save(
        self, updates: Mapping[RecordKey, BindingUpdate], freed: Iterable[str], versions: dict[RecordKey, str]
    ) -> frozenset[RecordKey]:
        """Save bindings with their outcomes, and free addresses (fingerprints). Claims stay.

        `versions` are the etags of the bindings as this worker read them, empty for those that were not there; they
        become those of what it wrote. A binding that another worker has written meanwhile stays as it is, and is in the
        answer: the claim was taken over, and this worker's knowledge is outdated. Then no address is freed either.
        """
        at = self._clock.now().isoformat(timespec="seconds")
        changes: dict[RecordKey, Change] = {}
        for key, update in updates.items():
            await breathe()
            place, body = self._binding_key(key), write_update(update, at)
            changes[key] = versioned(place, body, versions[key])
        etags = await self._store.write(list(changes.values())) if changes else []
        written = dict(zip(changes, etags, strict=True))
        versions.update({key: etag for key, etag in written.items() if etag is not None})
        lost = frozenset(key for key, etag in written.items() if etag is None)
        if not lost and (deletions := [Delete(self._address_key(address)) for address in sorted(set(freed))]):
            await self._store.write(deletions)
        return lost

    async def release(self, contacts: Sequence[HeldContact]) -> None:
        """Let go of claimed contacts. A claim that was taken over meanwhile is left to its new holder."""
        changes: list[Change] = []
        for held in contacts:
            await breathe()
            place = self._contact_key(held.external_id)
            if held.is_worth_keeping:
                changes.append(Replace(place, write_contact(held), held.etag))
            else:
                changes.append(Delete(place, held.etag))
        await self._store.write(changes)

    async def keep_successions(self, contacts: Sequence[HeldContact]) -> list[HeldContact]:
        """Write what leaving primary users had agreed on, before their bindings are overwritten. Claims stay.

        Returns the contacts in their new versions; a claim that was taken over meanwhile is left to its new holder.
        """
        documents = await self._contacts(held.external_id for held in contacts) if contacts else {}
        known = [(held, document) for held in contacts if (document := documents[held.external_id]) is not None]
        etags = await self._store.write(
            [
                Replace(document.key, {**document.body, "succession": dict(held.succession or {})}, held.etag)
                for held, document in known
            ]
        )
        return [replace(held, etag=etag) for (held, _), etag in zip(known, etags, strict=True) if etag is not None]

    async def note_deactivation(self, held: HeldContact) -> HeldContact | None:
        """Write that a job is about to make a claimed contact inactive. None: another worker took over the claim."""
        now = self._clock.now()
        document = (await self._contacts([held.external_id]))[held.external_id]
        if document is None:
            return None
        body = {**document.body, "deactivated": now.isoformat()}
        (etag,) = await self._store.write([Replace(document.key, body, held.etag)])
        return replace(held, etag=etag, deactivated_on=now) if etag is not None else None

    async def abandon(self, contacts: Sequence[HeldContact]) -> None:
        """Let go of contacts and leave them in doubt, as a worker that dies does, but at once."""
        documents = await self._contacts(held.external_id for held in contacts)
        await self._store.write(
            [
                Replace(document.key, _unclaimed(document.body) | {"doubt": True}, held.etag)
                for held in contacts
                if (document := documents[held.external_id]) is not None
            ]
        )

    # ---------------------------------------------------------------------------------------------------- documents

    def _claimed(self, held: HeldContact, now: datetime) -> dict[str, Any]:
        claim = {"by": self._worker, "until": (now + self._claim_time).isoformat()}
        return {"claim": claim, **write_contact(held)}

    def _binding_key(self, key: RecordKey) -> DocumentKey:
        return DocumentKey(f"{self._environment}-binding", str(key))

    def _contact_key(self, external_id: str) -> DocumentKey:
        return DocumentKey(f"{self._environment}-contact", external_id)

    def _address_key(self, address: str) -> DocumentKey:
        return DocumentKey(f"{self._environment}-address", address)


def _is_claimed(body: Mapping[str, Any], now: datetime) -> bool:
    claim = body.get("claim")
    return claim is not None and datetime.fromisoformat(claim["until"]) > now


def _has_address(contact: str, address: str, users: Iterable[RecordKey], entries: Mapping[RecordKey, Entry]) -> bool:
    agreed = {entries[user].binding.address for user in users if entries[user].binding.uses(contact)}
    return not agreed or address in agreed


def _unclaimed(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"users": {}} | {name: value for name, value in body.items() if name != "claim"}
