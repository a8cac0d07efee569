"""The connector's own messages on the lanes: references, walks over tables, steps of lists. Ids, no values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID, uuid4

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shared.domain.merging.comparison_window import Span
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import ConsentOrder, Intent, PersonTable, RecordKey, Reference, Why
from shared.domain.wording.letters import LetterText
from shared.domain.wording.phrase import PhraseError
from shared.messages.list_messages import (
    Attempt,
    Correlation,
    ListLook,
    ListMembers,
    ListMessage,
    MessageBody,
    Moment,
    RetriedMessage,
)
from shared.ports.queue import OutgoingMessage, Queue, QueueName

_PER_MESSAGE = 100
"""References in one message: a handful of kilobytes, far below every limit."""


_SAME = ("why", "correlation", "attempt", "first_seen", "waits_since", "intent", "job", "deliveries")
"""The fields that a reference has in common with its body."""


class _ConsentBody(MessageBody):
    option: str
    answer: bool
    job: UUID


class _ReferenceBody(RetriedMessage):
    table: PersonTable
    id: UUID
    why: Why
    first_seen: Moment | None = None
    intent: Intent = Intent.SYNC
    job: UUID | None = None
    consent: _ConsentBody | None = None
    deliveries: int = Field(default=1, exclude=True)
    """Of this message alone: never written, so that an earlier release can read what this one sends."""

    @classmethod
    def of(cls, reference: Reference) -> Self:
        """Write a reference. A message that was delivered before counts an attempt: its copy starts at one delivery."""
        consent = _ConsentBody(**asdict(reference.consent)) if reference.consent is not None else None
        same = {name: getattr(reference, name) for name in _SAME}
        same["attempt"] = max(reference.attempt, min(reference.deliveries, 2))
        return cls(table=reference.key.table, id=reference.key.id, consent=consent, **same)

    def to_reference(self) -> Reference:
        consent = ConsentOrder(**self.consent.model_dump()) if self.consent is not None else None
        return Reference(
            RecordKey(self.table, self.id), consent=consent, **{name: getattr(self, name) for name in _SAME}
        )


class ReferenceBatch(MessageBody):
    """Process these records."""

    kind: Literal["references"] = "references"
    references: list[_ReferenceBody]

    def unfold(self) -> list[Reference]:
        """Return the references."""
        return [body.to_reference() for body in self.references]

    def delivered(self, times: int) -> Self:
        """Return the message as the queue has delivered it so often."""
        if times == 1:
            return self
        bodies = [body.model_copy(update={"deliveries": times}) for body in self.references]
        return self.model_copy(update={"references": bodies})


class Jobs(RetriedMessage):
    """Process these Spotler Jobs. If they belong to several changes, `correlations` has the id of each."""

    kind: Literal["jobs"] = "jobs"
    jobs: list[UUID]
    correlations: dict[UUID, Correlation] | None = None

    @classmethod
    def of(cls, correlations: Mapping[UUID, str], attempt: int, waits_since: datetime | None = None) -> Self:
        """Make a message of jobs with the correlation id of each."""
        jobs, different = list(correlations), set(correlations.values())
        if len(different) == 1:
            return cls(jobs=jobs, correlation=different.pop(), attempt=attempt, waits_since=waits_since)
        return cls(jobs=jobs, correlations=dict(correlations), attempt=attempt, waits_since=waits_since)

    def correlation_of(self, job: UUID) -> str:
        """Return the correlation id of the change that a job belongs to."""
        return (self.correlations or {}).get(job, self.correlation)

    def part(self, jobs: Iterable[UUID]) -> Self:
        """Return the message for some of its jobs."""
        return self.of({job: self.correlation_of(job) for job in jobs}, self.attempt, self.waits_since)


class Permissions(RetriedMessage):
    """Process the records that these Spotler Permission rows belong to."""

    kind: Literal["permissions"] = "permissions"
    permissions: list[UUID]


class Walk(RetriedMessage):
    """Process the next page of a whole table; `after` is the end of the page before."""

    kind: Literal["walk"] = "walk"
    table: PersonTable
    why: Why
    after: str | None = None


class Replay(RetriedMessage):
    """Process the next page of held records again; `after` is the end of the page before."""

    kind: Literal["replay"] = "replay"
    change: MassChange
    after: str | None = None


class Subject(StrEnum):
    """What a forecast is about."""

    MAPPING = "mapping"
    """A mapping that is not live."""
    LIVE = "live"
    """Going live: everybody is written, whatever the allow-list."""


class ForecastStep(RetriedMessage):
    """Plan the next page of a forecast; its progress is in the state store."""

    kind: Literal["forecast"] = "forecast"
    subject: Subject
    forecast: str
    page: int


EventMessage = ReferenceBatch | Jobs | Permissions | ListMembers | ListLook
"""What an event of Dataverse asks for."""


class Unchecked(MessageBody):
    """Handle the inner message, once it is certain that its origin is one of the configured organisations."""

    kind: Literal["unchecked"] = "unchecked"
    organisation: UUID
    host: str = ""
    message: Annotated[EventMessage, Field(discriminator="kind")]
    attempt: Attempt = 1
    """Counts checks; the message has attempts of its own."""
    waits_since: Moment | None = None

    @property
    def correlation(self) -> str:
        """The correlation id of the change that the message belongs to."""
        return correlation_of(self.message)


class Compare(RetriedMessage):
    """Compare the next window of a run with Spotler; its progress is in the state store."""

    kind: Literal["compare"] = "compare"
    span: Span
    run: str


class EngagementTask(StrEnum):
    """The kinds of work on mailings that take several steps."""

    READ = "read"
    """Read what recipients did, from the cursor on."""
    UPKEEP = "upkeep"
    """Walk over all people at night."""


class Engage(RetriedMessage):
    """Do the next step of a task on mailings; its progress is in the state store."""

    kind: Literal["engage"] = "engage"
    task: EngagementTask


AnyMessage = (
    ReferenceBatch | Jobs | Permissions | Walk | Replay | Compare | Engage | ForecastStep | ListMessage | Unchecked
)
LaneMessage = Annotated[AnyMessage, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(LaneMessage)


class LaneMessageError(PhraseError):
    """The body was not written by the connector; the text names the faulty members, without quoting values."""


def read_lane_message(body: bytes) -> AnyMessage:
    """Read a message of `sync-live` or `sync-bulk`."""
    try:
        return _ADAPTER.validate_json(body)
    except ValidationError as problem:
        # The name of an unknown member was chosen by the sender: the text has only its place.
        places = ", ".join(
            f"{'.'.join(map(str, _known(error))) or 'message'}: {error['type']}"
            for error in problem.errors(include_input=False, include_url=False)
        )
        raise LaneMessageError(LetterText.NO_LANE_MESSAGE(places=places)) from None


def _known(error: ErrorDetails) -> tuple[int | str, ...]:
    return error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]


def write_lane_message(message: AnyMessage) -> bytes:
    """Write a message of `sync-live` or `sync-bulk`."""
    return message.model_dump_json(exclude_none=True).encode()


def references_messages(references: Sequence[Reference]) -> list[ReferenceBatch]:
    """Put references into messages, several to each."""
    return [
        ReferenceBatch(references=[_ReferenceBody.of(one) for one in references[start : start + _PER_MESSAGE]])
        for start in range(0, len(references), _PER_MESSAGE)
    ]


def references_body(references: Sequence[Reference]) -> bytes:
    """Write references as one message body."""
    return write_lane_message(ReferenceBatch(references=[_ReferenceBody.of(reference) for reference in references]))


@dataclass(frozen=True, slots=True)
class Lanes:
    """Sends lane messages, each with a message id of its own (a retry must never look like a duplicate)."""

    queue: Queue

    async def send(self, lane: QueueName, *messages: AnyMessage) -> None:
        """Send messages for now."""
        await self.queue.send(
            lane, [_outgoing(write_lane_message(message), correlation_of(message), None) for message in messages]
        )

    async def send_later(self, lane: QueueName, message: AnyMessage, when: datetime) -> None:
        """Send one message for later."""
        await self.queue.send(lane, [_outgoing(write_lane_message(message), correlation_of(message), when)])

    async def send_references(
        self, lane: QueueName, references: Sequence[Reference], when: datetime | None = None
    ) -> None:
        """Send references, several to a message."""
        chunks = [references[start : start + _PER_MESSAGE] for start in range(0, len(references), _PER_MESSAGE)]
        await self.queue.send(lane, [_outgoing(references_body(chunk), chunk[0].correlation, when) for chunk in chunks])

    async def reschedule(self, lane: QueueName, references: Sequence[tuple[Reference, datetime]]) -> None:
        """Send references for later, those of one moment together."""
        moments: defaultdict[datetime, list[Reference]] = defaultdict(list)
        for reference, when in references:
            moments[when.replace(microsecond=0) + timedelta(seconds=1)].append(reference)  # never before its time
        for when, due in moments.items():
            await self.send_references(lane, due, when)


def correlation_of(message: AnyMessage) -> str:
    """Return the correlation id of the change that a message belongs to; of several changes, the first one's."""
    match message:
        case ReferenceBatch():
            return message.references[0].correlation if message.references else ""
        case _:
            return message.correlation


def _outgoing(body: bytes, correlation: str, when: datetime | None) -> OutgoingMessage:
    return OutgoingMessage(body=body, message_id=str(uuid4()), correlation_id=correlation, not_before=when)
