"""The way back: what Spotler knows better is written to Dataverse (S2D-02, PERM-06)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Writeback:
    """Everything that comes back for one record.

    `etag` is `PersonRecord.etag`: fields are written only if the record is still that version; "" writes them anyway.
    `refuses_bulk` sets Do Not Bulk Email, None leaves it as it is. A refusal is written whatever becomes of the fields,
    and of the version; taking one back needs the version, like a field. `refuses_mail` False lifts Do Not Email, which
    only a person decides.
    """

    key: RecordKey
    etag: str
    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()
    refuses_bulk: bool | None = None
    refuses_mail: Literal[False] | None = None


@dataclass(frozen=True, slots=True)
class WritebackResult:
    """What became of it.

    `error` is a ConflictError if the record, or a row of its subscriptions, changed since it was read: of its fields
    nothing was written, read and merge again. DataError says what Dataverse refuses, NotFoundError that the record is
    gone; throttled and transient errors mean that the whole may be repeated. `problems` are the fields that were left
    out, each with what Dataverse expects; never the value. `restated` are Spotler properties that Dataverse may show in
    words of its own.
    """

    error: ConnectorError | None = None
    problems: tuple[FieldProblem, ...] = ()
    restated: frozenset[str] = frozenset()


class Writebacks(Protocol):
    """Writes to Dataverse what Spotler knows better."""

    async def write_back(self, writebacks: Sequence[Writeback]) -> Sequence[WritebackResult]:
        """Write in as few requests as possible; per record, in order, what became of it.

        One record's error never hinders others. Where there is nothing to write, nothing is sent. Raises a
        ConnectorError only before anything was written.
        """
        ...
