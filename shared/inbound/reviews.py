"""Reviews: new subscribers about whom a person must decide, and the decisions. Ids, codes and fingerprints only.

One document per contact, under the id that its own row would have. The decision stays, so that the next change of the
contact does not ask again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from shared.domain.consent.changes import DO_NOT_EMAIL
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonRecord, RecordKey, Reference, Why
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.engine.refusals.mail_refusals import MailRefusals, Refusing
from shared.errors import ConflictError, DataError, NotFoundError, Service
from shared.messages.lane_messages import Lanes
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.queue import QueueName
from shared.ports.state import Change, Delete, Document, DocumentKey, StateStore

_DISMISSED: Final = "dismissed"
_MOST_CANDIDATES = 10


class ReviewReason(StrEnum):
    """Why a person must decide."""

    AMBIGUOUS = "ambiguous"
    """Several records match."""
    OTHER_ADDRESS = "other-address"
    """The record that matches has another e-mail address than the Spotler contact."""
    REFUSED = "refused"
    """Dataverse refused the new row; the text gives the reason."""
    REFUSES_MAIL = "refuses-mail"
    """The record that matches has Do Not Email or Do Not Bulk Email; the text names which."""


class Lifting(StrEnum):
    """Which refusals a decision lifts."""

    AS_TOLD = "as-told"
    """Those that the review mentions (`refuses-mail`)."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Review:
    """One review. `contact` is Spotler's own id of the contact, `address` the fingerprint of its e-mail address.

    `given` are the permissions that the form switched on (`permissions:4`). `decision` is the record that a person
    chose, or `dismissed`; `decided` is when. `lifting` are the refusals of `lifted` that a decision is about to lift.
    `etag` is the version of the document, "" before there is one.
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
    decision: RecordKey | Literal["", "dismissed"] = ""
    decided: str = ""
    lifted: RecordKey | None = None
    lifting: tuple[str, ...] = ()
    etag: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the review waits for a decision."""
        return not self.decision

    @property
    def dismissed(self) -> bool:
        """Whether a person decided to leave the contact alone."""
        return self.decision == _DISMISSED

    @property
    def chosen(self) -> RecordKey | None:
        """The record that a person chose."""
        return self.decision if isinstance(self.decision, RecordKey) else None

    def mentions(self, refusing: Refusing) -> bool:
        """Whether the review mentions everything that the record refuses."""
        is_about = self.reason is ReviewReason.REFUSES_MAIL and refusing.key in self.candidates
        return is_about and refusing.text in self.text


_CODEC = Codec(Review, outside={"id", "etag"}, omits_defaults=True)


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Open reviews; `following` is where the next page begins, "" at the end."""

    reviews: Sequence[Review]
    following: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """Keeps the reviews of one environment."""

    store: StateStore
    crm: Crm
    lanes: Lanes
    refusals: MailRefusals
    rules: Rules
    clock: Clock
    environment: str

    @property
    def _partition(self) -> str:
        return f"{self.environment}-review"

    async def of(self, ids: Sequence[UUID]) -> dict[UUID, Review]:
        """Read the reviews that exist, decided ones included."""
        documents = await self.store.read([self._key(one) for one in ids])
        return {review.id: review for review in map(_read, documents.values())}

    async def page(self, *, after: str = "", limit: int = 100) -> ReviewPage:
        """Return a page of the open reviews."""
        page = await self.store.scan(self._partition, after=after or None, limit=limit)
        return ReviewPage([one for one in map(_read, page.documents) if one.is_open], page.after or "")

    async def ask(self, reviews: Sequence[Review], known: Mapping[UUID, Review]) -> None:
        """Write reviews, and keep the time of the first question; `known` are those that were read.

        A decision that was made since then stands.
        """
        await self.store.write(
            [
                self._asked(one, known.get(one.id))
                for one in reviews
                if one.id not in known or _question(known[one.id]) != _question(one)
            ]
        )

    def _asked(self, review: Review, known: Review | None) -> Change:
        asked = replace(
            review,
            since=known.since if known else self._now(),
            candidates=review.candidates[:_MOST_CANDIDATES],
        )
        return versioned(self._key(review.id), _CODEC.body(asked), known.etag if known else "")

    async def forget(self, known: Sequence[Review]) -> None:
        """Delete reviews that need no decision any more, unless somebody has decided since they were read."""
        if known:
            await self.store.write([Delete(self._key(one.id), one.etag) for one in known])

    async def dismiss(self, identifier: UUID) -> Review:
        """Leave the contact alone, or let the record's refusal count for the contact (`refuses-mail`).

        NotFoundError without such a review; ConflictError if another decision was made meanwhile, or the record is
        being synchronised.
        """
        review = await self._review(identifier)
        refusing = await self._still_refusing(review)
        if refusing is not None:
            await self.refusals.uphold(refusing)
        dismissed = await self._decide(review, _DISMISSED)
        if refusing is not None:
            await self._synchronise(refusing.key, review)
        return dismissed

    async def _still_refusing(self, review: Review) -> Refusing | None:
        """Return the record whose refusal the review is about, if it still refuses and has the contact's address."""
        if review.reason is not ReviewReason.REFUSES_MAIL or not review.is_open:
            return None
        people = await self.crm.read_people(list(review.candidates))
        same = [record for record in people.values() if self._address(record) == review.address]
        refusing = (await self.refusals.among(same)).values()
        return max(refusing, key=lambda one: DO_NOT_EMAIL in one.subjects, default=None)  # the stronger refusal

    async def bind(self, identifier: UUID, key: RecordKey, lifting: Lifting = Lifting.AS_TOLD) -> Review:
        """Bind the contact to a record and synchronise it at once; first lift what the record refuses.

        NotFoundError without review or record. DataError if the record does not fit, or refuses what may not be lifted.
        ConflictError if another decision was made meanwhile, or the record was changed. A failed call may be repeated.
        """
        review = await self._review(identifier)
        record = await self._chosen_record(review, key)
        refusing = (await self.refusals.among([record])).get(key)
        if refusing is not None and not (lifting is Lifting.ALL or review.mentions(refusing)):
            raise DataError(
                ChoiceRefusal.REFUSES(refusal=refusing.text),
                service=Service.DATAVERSE,
            )
        known = review.lifting if review.lifted == key else ()
        if subjects := sorted({*known, *(refusing.subjects if refusing else ())}):
            # Saved first: after a crash between the two writes, Dataverse no longer has the refusal.
            review = await self._save(replace(review, lifting=tuple(subjects), lifted=key))
            await self.refusals.lift(record, subjects, review.correlation)
            await self.refusals.give(record, review.given)
        bound = await self._decide(review, key)
        await self._synchronise(key, review)
        return bound

    async def _chosen_record(self, review: Review, key: RecordKey) -> PersonRecord:
        record = (await self.crm.read_people([key])).get(key)
        if record is None:
            raise NotFoundError(DataverseCause.NONE_WITH_ID(table=key.table), service=Service.DATAVERSE)
        if self._address(record) != review.address:
            raise DataError(
                ChoiceRefusal.OTHER_ADDRESS(table=key.table, property=EMAIL),
                service=Service.DATAVERSE,
            )
        return record

    async def _synchronise(self, key: RecordKey, review: Review) -> None:
        await self.lanes.send_references(QueueName.LIVE, [Reference(key, Why.PLATFORM, review.correlation)])

    def _address(self, record: PersonRecord) -> str:
        column = self.rules.mapping.email_column(record.key.table)
        return self.rules.fingerprints.address(str(record.values.get(column) or "") if column else "")

    async def _review(self, identifier: UUID) -> Review:
        document = await read_one(self.store, self._key(identifier))
        if document is None:
            raise NotFoundError(StateCause.NO_REVIEW(), service=Service.STATE)
        return _read(document)

    async def _decide(self, review: Review, decision: RecordKey | Literal["dismissed"]) -> Review:
        return await self._save(replace(review, decision=decision, decided=self._now()))

    async def _save(self, review: Review) -> Review:
        (etag,) = await self.store.write([versioned(self._key(review.id), _CODEC.body(review), review.etag)])
        if etag is None:
            raise ConflictError(ChoiceRefusal.SOMEBODY_ELSE(), service=Service.STATE)
        return replace(review, etag=etag)

    def _key(self, identifier: UUID) -> DocumentKey:
        return DocumentKey(self._partition, str(identifier))

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds")


def _read(document: Document) -> Review:
    return _CODEC.read(document.body, id=document.key.row, etag=document.etag)


def _question(review: Review) -> tuple[Any, ...]:
    return (review.reason, review.text, review.candidates[:_MOST_CANDIDATES], review.address, review.given)
