"""New rows in Dataverse for new subscribers of Spotler (NEW)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.domain.features.subscriber_import import NewField
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A person record to create with an id of its own. `essential` is the column without which it makes no sense."""

    key: RecordKey
    essential: str
    fields: tuple[NewField, ...]
    subscriptions: tuple[SubscriptionReturn, ...] = ()


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A row of another table to create, or to update if it is there already."""

    table: str
    id: UUID
    fields: tuple[NewField, ...]


@dataclass(frozen=True, slots=True)
class Created:
    """What became of it. `existed` says that an earlier attempt created the row; then it was left as it is.

    `error` is a DataError if Dataverse does not want the row; throttled and transient errors may be repeated.
    """

    error: ConnectorError | None = None
    problems: tuple[FieldProblem, ...] = ()
    existed: bool = False


class NewRecords(Protocol):
    """Finds and creates rows for new subscribers."""

    async def matching(self, table: PersonTable, wanted: Sequence[Sequence[NewField]]) -> Sequence[Sequence[RecordKey]]:
        """Find the active records that have all these values, per wish, in one request; at most a handful each.

        Raises ConnectorErrors; ConfigurationError for a column that cannot be compared.
        """
        ...

    async def create(self, records: Sequence[NewRecord | NewEntry]) -> Sequence[Created]:
        """Create rows with their subscriptions in as few requests as possible; per row, in order, what became of it.

        One row's error never hinders others. Raises a ConnectorError only before anything was written.
        """
        ...
