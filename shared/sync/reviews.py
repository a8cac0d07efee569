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

from shared.core.mapping.model import EMAIL
from shared.core.plan import Rules
from shared.core.records import RecordKey, Reference, Why
from shared.errors import ConflictError, DataError, NotFoundError, Service
from shared.ports import Change, Clock, Crm, Delete, Document, DocumentKey, Insert, QueueName, Replace, StateStore
from shared.sync.lanes import Lanes

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


@dataclass(frozen=True, slots=True)
class Review:
    """One question. `contact` is Spotler's own id of the contact, `address` the fingerprint of its e-mail address.

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
    decision: RecordKey | None = None
    dismissed: bool = False
    etag: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.decision is None and not self.dismissed


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some open reviews; `following` is where the next page begins, "" when there is none."""

    reviews: Sequence[Review]
    following: str


class Reviews:
    """Keeps the reviews of one environment."""

    def __init__(
        self, *, store: StateStore, crm: Crm, lanes: Lanes, rules: Rules, clock: Clock, environment: str
    ) -> None:
        self._store = store
        self._crm = crm
        self._lanes = lanes
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
        """Leave the contact alone from now on. NotFoundError if there is no such review."""
        document = await self._document(identifier)
        return await self._decide(document, _DISMISSED)

    async def bind(self, identifier: UUID, key: RecordKey) -> Review:
        """Let the contact belong to a record, which is synchronised at once.

        NotFoundError without review or record, DataError if the record cannot be the one, ConflictError if somebody
        else decided at the same time.
        """
        document = await self._document(identifier)
        record = (await self._crm.read_people([key])).get(key)
        if record is None:
            raise NotFoundError(f"There is no {key.table} with this id", service=Service.DATAVERSE)
        column = self._rules.mapping.email_column(key.table)
        address = str(record.values.get(column) or "") if column else ""
        if self._rules.fingerprints.address(address) != document.body["address"]:
            raise DataError(
                f"The {key.table} has another {EMAIL} address than the Spotler contact: change it there or here first",
                service=Service.DATAVERSE,
            )
        review = await self._decide(document, str(key))
        await self._lanes.send_references(QueueName.LIVE, [Reference(key, Why.SPOTLER, review.correlation)])
        return review

    async def _document(self, identifier: UUID) -> Document:
        key = self._key(identifier)
        document = (await self._store.read([key])).get(key)
        if document is None:
            raise NotFoundError("There is no review with this id", service=Service.STATE)
        return document

    async def _decide(self, document: Document, decision: str) -> Review:
        body = {**document.body, "decision": decision, "decided": self._now()}
        (etag,) = await self._store.write([Replace(document.key, body, document.etag)])
        if etag is None:
            raise ConflictError("Somebody else decided at the same time: look again", service=Service.STATE)
        return _review(Document(document.key, body, etag))

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
    }


def _question(review: Review) -> tuple[Any, ...]:
    return (review.reason, review.text, review.candidates[:_MOST_CANDIDATES], review.address)
