"""The port of the write back to Dataverse (S2D-02, PERM-06)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Writeback:
    """All changes of one record.

    `etag` is `PersonRecord.etag`: fields are written only if the record is still that version; "" writes them anyway.
    `refuses_bulk` sets Do Not Bulk Email, None leaves it as it is. A refusal is written whatever the result of the
    fields and of the version; lifting a refusal needs the version, like a field. `refuses_mail` False lifts Do Not
    Email, which only a person decides.
    """

    key: RecordKey
    etag: str
    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()
    refuses_bulk: bool | None = None
    refuses_mail: Literal[False] | None = None


@dataclass(frozen=True, slots=True)
class WritebackResult:
    """The result for one record.

    `error` is a ConflictError if the record, or a row of its subscriptions, has changed since it was read: no field was
    written, read and merge again. DataError has what Dataverse refuses, NotFoundError means that the record is gone.
    After throttled and transient errors all changes may be repeated. `problems` are the omitted fields, each with what
    Dataverse expects, never the value. `restated` are properties that Dataverse may return in another form.
    """

    error: ConnectorError | None = None
    problems: tuple[FieldProblem, ...] = ()
    restated: frozenset[str] = frozenset()


class Writebacks(Protocol):
    """Writes to Dataverse what the marketing platform knows better."""

    async def write_back(self, writebacks: Sequence[Writeback]) -> Sequence[WritebackResult]:
        """Write in as few requests as possible; one result per record, in order.

        An error of one record does not affect others. Without changes nothing is sent. Raises a
        ConnectorError only before anything was written.
        """
