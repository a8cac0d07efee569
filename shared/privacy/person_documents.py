"""Finds the documents that name a record, besides its binding, contact and consent, and the change that removes it.

A kind of document that names records must be found here, or in `person_data`: access and erasure depend on it (GDPR 15,
17). A test erases a person from a store with every kind, and searches the store for the record's id.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey
from shared.ports.documents import documents
from shared.ports.state import Change, Delete, Document, DocumentKey, Replace, StateStore

_ID_LENGTH = 16
_SHORT_DIGEST = 20


@dataclass(frozen=True, slots=True)
class Person:
    """A record, and the external ids of Spotler contacts that no other record uses."""

    key: RecordKey
    contacts: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonDocument:
    """A document that names the person: its content about this person alone, and the change that removes the person."""

    kind: str
    content: Mapping[str, Any]
    removal: Change


class PersonDocuments:
    """Finds documents of one environment. Its methods raise ConnectorErrors of the state store."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._environment = environment

    async def contacts_used_by(self, key: RecordKey) -> set[str]:
        """Find the Spotler contacts that a record uses, or whose mail it refuses. Scans all contacts."""
        contacts = documents(self._store, f"{self._environment}-contact")
        return {one.key.row async for one in contacts if str(key) in one.body.get("users", {})}

    async def addresses_of(self, contacts: Collection[str]) -> dict[str, Document]:
        """Find the addresses (fingerprints) that point to one of these contacts. Scans all addresses."""
        found = [
            one.key
            async for one in documents(self._store, f"{self._environment}-address")
            if one.body["contact"] in contacts
        ]
        read = await self._store.read(found) if found else {}
        return {key.row: document for key, document in read.items()}

    async def naming(self, person: Person) -> AsyncIterator[PersonDocument]:
        """Yield all documents that name the person.

        Scans bounces, interactions, reviews and notes of marketing lists, among others: that takes a while.
        """
        for document in await self._read(self._known_keys(person)):
            if (found := _of_brake_or_bounce(document, person)) is not None:
                yield found
        async for document in documents(self._store, f"{self._environment}-bounce"):
            if document.key.row not in person.contacts and str(person.key) in document.body["tasks"]:
                tasks = {record: task for record, task in document.body["tasks"].items() if record != str(person.key)}
                content = {"task": document.body["tasks"][str(person.key)]}
                yield PersonDocument("bounces", content, _replaced(document, {**document.body, "tasks": tasks}))
        async for found in self._of_interactions(person):
            yield found
        async for found in self._of_reviews(person):
            yield found
        async for found in self._of_lists(person):
            yield found
        async for found in self._of_runs_and_acts(str(person.key)):
            yield found

    async def _of_runs_and_acts(self, record: str) -> AsyncIterator[PersonDocument]:
        """Notes of runs about records that were not passed on; acts in the console, which stay without the record."""
        async for run in documents(self._store, f"{self._environment}-run"):
            async for document in documents(self._store, f"{self._environment}-run-{run.key.row}"):
                if (found := _of_run(document, run.key.row, record)) is not None:
                    yield found
        async for found in self._of_plans(record):
            yield found
        async for document in documents(self._store, f"{self._environment}-console-audit"):
            if document.body["subject"] == record:
                content = {name: document.body[name] for name in ("at", "act", "result")}
                yield PersonDocument("acts", content, _replaced(document, {**document.body, "subject": "erased"}))
        async for document in documents(self._store, f"{self._environment}-console-put-back"):
            if any(record in letter["records"] for letter in document.body["letters"]):
                yield PersonDocument("acts", {"at": document.body["at"], "act": "replay"}, _deleted(document))

    async def _of_lists(self, person: Person) -> AsyncIterator[PersonDocument]:
        async for state in documents(self._store, f"{self._environment}-lists"):
            async for document in documents(self._store, f"{self._environment}-list-{state.key.row}"):
                if (found := _of_list(document, state.key.row, person)) is not None:
                    yield found

    async def _of_reviews(self, person: Person) -> AsyncIterator[PersonDocument]:
        async for document in documents(self._store, f"{self._environment}-review"):
            if (found := _of_review(document, person.key)) is not None:
                yield found

    async def _of_interactions(self, person: Person) -> AsyncIterator[PersonDocument]:
        async for document in documents(self._store, f"{self._environment}-engaged"):
            if (found := _of_engaged(document, person)) is not None:
                yield found
        async for document in documents(self._store, f"{self._environment}-clicks"):
            if (found := _of_clicks(document, person)) is not None:
                yield found
        async for document in documents(self._store, f"{self._environment}-engagement-refused"):
            if document.body["record"] == str(person.key):
                yield PersonDocument("interactions", {"refused": document.key.row}, _deleted(document))

    async def _of_plans(self, record: str) -> AsyncIterator[PersonDocument]:
        """Notes of shadow mode, and samples of forecasts."""
        for document in await self._read([DocumentKey(f"{self._environment}-shadow", record)]):
            yield PersonDocument("plans", dict(document.body), _deleted(document))
        async for document in documents(self._store, f"{self._environment}-forecast"):
            if (found := _of_forecast(document, record)) is not None:
                yield found

    def _known_keys(self, person: Person) -> list[DocumentKey]:
        brake, bounce = f"{self._environment}-brake", f"{self._environment}-bounce"
        held = [DocumentKey(brake, f"held-{kind}-{person.key}") for kind in MassChange]
        windows = [DocumentKey(brake, f"window-{kind}") for kind in MassChange]
        return [*held, *windows, *(DocumentKey(bounce, contact) for contact in sorted(person.contacts))]

    async def _read(self, keys: Collection[DocumentKey]) -> list[Document]:
        found = await self._store.read(list(keys))
        return [found[key] for key in keys if key in found]


def _of_brake_or_bounce(document: Document, person: Person) -> PersonDocument | None:
    row, body = document.key.row, document.body
    if document.key.partition.endswith("-bounce"):
        return PersonDocument("bounces", {"contact": row, **body}, _deleted(document))
    if row.startswith("held-"):
        kind = row.removeprefix("held-").removesuffix(f"-{person.key}")
        return PersonDocument("held", {"kind": kind, **body}, _deleted(document))
    digest = sha256(str(person.key).encode()).hexdigest()[:_SHORT_DIGEST]
    counted: Mapping[str, str] = body.get("counted", {})
    if digest not in counted:
        return None
    rest = {other: at for other, at in counted.items() if other != digest}
    content = {"kind": row.removeprefix("window-"), "counted": counted[digest]}
    return PersonDocument("counted", content, _replaced(document, {**body, "counted": rest}))


def _of_engaged(document: Document, person: Person) -> PersonDocument | None:
    """What a contact did with mailings. If others use the contact, only `shown`, which names this record, goes."""
    if document.key.row in person.contacts:
        return PersonDocument("interactions", {"contact": document.key.row, **document.body}, _deleted(document))
    shown: Sequence[Any] = document.body.get("shown", ())
    if str(person.key) not in shown:
        return None
    rest = {name: value for name, value in document.body.items() if name != "shown"}
    return PersonDocument("interactions", {"score": shown[1:3]}, _replaced(document, rest))


def _of_clicks(document: Document, person: Person) -> PersonDocument | None:
    """Clicks within a minute, by domain; those of colleagues stay."""
    own = [
        {one: times for one, times in several.items() if one in person.contacts} for several in document.body.values()
    ]
    if not any(own):
        return None
    rest = {
        domain: {one: times for one, times in several.items() if one not in person.contacts}
        for domain, several in document.body.items()
    }
    content = {"minute": document.key.row, "clicks": [times for several in own for times in several.values()]}
    return PersonDocument(
        "interactions", content, _replaced(document, {name: one for name, one in rest.items() if one})
    )


def _of_review(document: Document, key: RecordKey) -> PersonDocument | None:
    """A review is deleted if it concerns the record alone or has it as the answer; otherwise it loses the record."""
    body, text = document.body, str(key)
    is_own = document.key.row == str(key.id) or text in {body.get("decision"), body.get("lifted")}
    if not is_own and text not in body["candidates"]:
        return None
    others = [one for one in body["candidates"] if one != text]
    content = {name: value for name, value in body.items() if name != "candidates"} | {"others": len(others)}
    removal = _deleted(document)
    if others and not is_own:
        removal = _replaced(document, {**body, "candidates": others})
    return PersonDocument("reviews", {"id": document.key.row, **content}, removal)


def _of_list(document: Document, identifier: str, person: Person) -> PersonDocument | None:
    """A note of a marketing list: a page of members, contacts of a bucket, a single contact, or members left out."""
    body = document.body
    if "ids" in body:
        return _of_page(document, identifier, person.key.id)
    if "in" in body and (known := person.contacts.intersection(body["in"])):
        rest = [one for one in body["in"] if one not in known]
        return PersonDocument("lists", {"list": identifier, "as": "in"}, _replaced(document, {**body, "in": rest}))
    if body.get("id") in person.contacts:
        return PersonDocument("lists", {"list": identifier, "as": body["is"]}, _deleted(document))
    if "skipped" in body:
        return _of_left_out(document, identifier, str(person.key))
    return None


def _of_page(document: Document, identifier: str, member: UUID) -> PersonDocument | None:
    packed = b64decode(document.body["ids"])
    parts = [packed[start : start + _ID_LENGTH] for start in range(0, len(packed), _ID_LENGTH)]
    if member.bytes not in parts:
        return None
    rest = b64encode(b"".join(part for part in parts if part != member.bytes)).decode()
    return PersonDocument(
        "lists", {"list": identifier, "as": "member"}, _replaced(document, {**document.body, "ids": rest})
    )


def _of_left_out(document: Document, identifier: str, record: str) -> PersonDocument | None:
    reasons = [reason for several in document.body.values() for reason, keys in several.items() if record in keys]
    if not reasons:
        return None
    rest = {
        what: {reason: [key for key in keys if key != record] for reason, keys in several.items()}
        for what, several in document.body.items()
    }
    content = {"list": identifier, "as": "left out", "reasons": reasons}
    return PersonDocument("lists", content, _replaced(document, rest))


def _of_run(document: Document, run: str, record: str) -> PersonDocument | None:
    reasons = [reason for reason, keys in document.body["records"].items() if record in keys]
    if not reasons:
        return None
    rest = {reason: [key for key in keys if key != record] for reason, keys in document.body["records"].items()}
    return PersonDocument("runs", {"run": run, "reasons": reasons}, _replaced(document, {"records": rest}))


def _of_forecast(document: Document, record: str) -> PersonDocument | None:
    tally: Mapping[str, Any] = document.body["tally"]
    kinds = [kind for kind, records in tally["samples"].items() if record in records]
    if not kinds:
        return None
    rest = {kind: [one for one in records if one != record] for kind, records in tally["samples"].items()}
    content = {"forecast": document.key.row, "as": kinds}
    return PersonDocument("plans", content, _replaced(document, {**document.body, "tally": {**tally, "samples": rest}}))


def _replaced(document: Document, body: Mapping[str, Any]) -> Change:
    return Replace(document.key, body, document.etag)


def _deleted(document: Document) -> Change:
    return Delete(document.key, document.etag)
