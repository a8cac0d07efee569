"""New subscribers that a person must decide about, and the decisions. Ids, codes and fingerprints only.

One document per contact, under the id that its own row would have. A decision stays, so that the next change of the
contact in Spotler does not ask again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.domain.consent.changes import DO_NOT_EMAIL
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonRecord, RecordKey, Reference, Why
from shared.engine.refusals.mail_refusals import MailRefusals, Refusing
from shared.errors import ConflictError, DataError, NotFoundError, Service
from shared.messages.lane_messages import Lanes
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Replace, StateStore

_DISMISSED = "dismissed"
_MOST_CANDIDATES = 10


class ReviewReason(StrEnum):
    """Why nobody but a person can decide."""

    AMBIGUOUS = "ambiguous"
    """Several records match."""
    OTHER_ADDRESS = "other-address"
    """The record that matches has another e-mail address than the Spotler contact."""
    REFUSED = "refused"
    """Dataverse refused the new row; the text says why."""
    REFUSES_MAIL = "refuses-mail"
    """The record that matches says Do Not Email or Do Not Bulk Email; the text says which."""


class Lifting(StrEnum):
    """Which refusals a decision lifts."""

    AS_TOLD = "as-told"
    """Those that the review tells of (`refuses-mail`)."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Review:
    """One question. `contact` is Spotler's own id of the contact, `address` the fingerprint of its e-mail address.

    `given` are the permissions that the form switched on (`permissions:4`).
    `decision` is the record that somebody chose, `dismissed` that somebody wants the contact left alone. `etag` is the
    version of its document, "" before it is asked.
    """

    id: UUID
    contact: str
    reason: ReviewReason
    text: str
    candidates: tuple[RecordKey, ...]
    address: str
    since: str
    correlation: str
    given: tuple[str, ...] = ()
    decision: RecordKey | None = None
    dismissed: bool = False
    etag: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.decision is None and not self.dismissed

    def tells_of(self, refusing: Refusing) -> bool:
        """Whether whoever decides has been told of all that the record refuses."""
        is_about = self.reason is ReviewReason.REFUSES_MAIL and refusing.key in self.candidates
        return is_about and refusing.text in self.text


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some open reviews; `following` is where the next page begins, "" when there is none."""

    reviews: Sequence[Review]
    following: str


class Reviews:
    """Keeps the reviews of one environment."""

    def __init__(
        self,
        *,
        store: StateStore,
        crm: Crm,
        lanes: Lanes,
        refusals: MailRefusals,
        rules: Rules,
        clock: Clock,
        environment: str,
    ) -> None:
        self._store = store
        self._crm = crm
        self._lanes = lanes
        self._refusals = refusals
        self._rules = rules
        self._clock = clock
        self._partition = f"{environment}-review"

    async def of(self, ids: Sequence[UUID]) -> dict[UUID, Review]:
        """Read those that exist, decided ones too."""
        documents = await self._store.read([self._key(one) for one in ids])
        return {review.id: review for review in map(_review, documents.values())}

    async def page(self, *, after: str = "", limit: int = 100) -> ReviewPage:
        """Walk the open ones."""
        page = await self._store.scan(self._partition, after=after or None, limit=limit)
        return ReviewPage([one for one in map(_review, page.documents) if one.is_open], page.after or "")

    async def ask(self, reviews: Sequence[Review], known: Mapping[UUID, Review]) -> None:
        """Ask anew, or keep asking since the first time; `known` are those that were read.

        What somebody has decided since they were read stands.
        """
        await self._store.write(
            [
                self._asked(one, known.get(one.id))
                for one in reviews
                if one.id not in known or _question(known[one.id]) != _question(one)
            ]
        )

    def _asked(self, review: Review, known: Review | None) -> Change:
        if known is None:
            return Insert(self._key(review.id), _body(review, since=self._now()))
        return Replace(self._key(review.id), _body(review, since=known.since), known.etag)

    async def forget(self, known: Sequence[Review]) -> None:
        """Take questions back that have answered themselves, if nobody has decided since they were read."""
        if known:
            await self._store.write([Delete(self._key(one.id), one.etag) for one in known])

    async def dismiss(self, identifier: UUID) -> Review:
        """Leave the contact alone from now on, or let the record's refusal count for it (`refuses-mail`).

        NotFoundError if there is no such review, ConflictError if somebody else decided at the same time, or the record
        is being synchronised.
        """
        document = await self._document(identifier)
        review = _review(document)
        refusing = await self._still_refusing(review)
        if refusing is not None:
            await self._refusals.uphold(refusing)
        dismissed = await self._decide(document, _DISMISSED)
        if refusing is not None:
            await self._synchronise(refusing.key, review)
        return dismissed

    async def _still_refusing(self, review: Review) -> Refusing | None:
        """Return the record whose refusal the review is about, if it still refuses, and has the contact's address."""
        if review.reason is not ReviewReason.REFUSES_MAIL or not review.is_open:
            return None
        people = await self._crm.read_people(list(review.candidates))
        same = [record for record in people.values() if self._address(record) == review.address]
        refusing = (await self._refusals.among(same)).values()
        return max(refusing, key=lambda one: DO_NOT_EMAIL in one.subjects, default=None)  # the stronger word

    async def bind(self, identifier: UUID, key: RecordKey, lifting: Lifting = Lifting.AS_TOLD) -> Review:
        """Let the contact belong to a record, which is synchronised at once; what it refuses is lifted first.

        NotFoundError without review or record, DataError if the record cannot be the one, or refuses what may not be
        lifted, ConflictError if somebody else decided at the same time or changed the record. What failed may be
        repeated.
        """
        document = await self._document(identifier)
        review, record = _review(document), await self._chosen(document, key)
        refusing = (await self._refusals.among([record])).get(key)
        if refusing is not None and not (lifting is Lifting.ALL or review.tells_of(refusing)):
            raise DataError(
                f'{refusing.text} Send "liftRefusal": true as well if the sign-up is the newer act; otherwise dismiss',
                service=Service.DATAVERSE,
            )
        known = document.body.get("lifting", []) if document.body.get("lifted") == str(key) else []
        if subjects := sorted({*known, *(refusing.subjects if refusing else ())}):
            # Written down first: after a crash between the two, Dataverse no longer says what was refused.
            document = await self._noted(document, {"lifting": subjects, "lifted": str(key)})
            await self._refusals.lift(record, subjects, review.correlation)
            await self._refusals.give(record, review.given)
        bound = await self._decide(document, str(key))
        await self._synchronise(key, review)
        return bound

    async def _chosen(self, document: Document, key: RecordKey) -> PersonRecord:
        record = (await self._crm.read_people([key])).get(key)
        if record is None:
            raise NotFoundError(f"There is no {key.table} with this id", service=Service.DATAVERSE)
        if self._address(record) != document.body["address"]:
            raise DataError(
                f"The {key.table} has another {EMAIL} address than the Spotler contact: change it there or here first",
                service=Service.DATAVERSE,
            )
        return record

    async def _synchronise(self, key: RecordKey, review: Review) -> None:
        await self._lanes.send_references(QueueName.LIVE, [Reference(key, Why.PLATFORM, review.correlation)])

    def _address(self, record: PersonRecord) -> str:
        column = self._rules.mapping.email_column(record.key.table)
        return self._rules.fingerprints.address(str(record.values.get(column) or "") if column else "")

    async def _document(self, identifier: UUID) -> Document:
        key = self._key(identifier)
        document = (await self._store.read([key])).get(key)
        if document is None:
            raise NotFoundError("There is no review with this id", service=Service.STATE)
        return document

    async def _decide(self, document: Document, decision: str) -> Review:
        return _review(await self._noted(document, {"decision": decision, "decided": self._now()}))

    async def _noted(self, document: Document, news: Mapping[str, Any]) -> Document:
        body = {**document.body, **news}
        (etag,) = await self._store.write([Replace(document.key, body, document.etag)])
        if etag is None:
            raise ConflictError("Somebody else decided at the same time: look again", service=Service.STATE)
        return Document(document.key, body, etag)

    def _key(self, identifier: UUID) -> DocumentKey:
        return DocumentKey(self._partition, str(identifier))

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")


def _review(document: Document) -> Review:
    body, decision = document.body, str(document.body.get("decision", ""))
    return Review(
        id=UUID(document.key.row),
        contact=body["contact"],
        reason=ReviewReason(body["reason"]),
        text=body["text"],
        candidates=tuple(RecordKey.parse(one) for one in body["candidates"]),
        address=body["address"],
        since=body["since"],
        correlation=body["correlation"],
        given=tuple(body.get("given", ())),
        decision=RecordKey.parse(decision) if decision not in {"", _DISMISSED} else None,
        dismissed=decision == _DISMISSED,
        etag=document.etag,
    )


def _body(review: Review, *, since: str) -> dict[str, Any]:
    return {
        "contact": review.contact,
        "reason": review.reason.value,
        "text": review.text,
        "candidates": [str(one) for one in review.candidates[:_MOST_CANDIDATES]],
        "address": review.address,
        "since": since,
        "correlation": review.correlation,
        "given": list(review.given),
    }


def _question(review: Review) -> tuple[Any, ...]:
    return (review.reason, review.text, review.candidates[:_MOST_CANDIDATES], review.address, review.given)
