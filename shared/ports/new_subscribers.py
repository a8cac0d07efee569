"""The port that finds and creates rows in Dataverse for new subscribers (NEW)."""

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
    """A record to create with a given id. `essential` is the column without which it is not created."""

    key: RecordKey
    essential: str
    fields: tuple[NewField, ...]
    subscriptions: tuple[SubscriptionReturn, ...] = ()


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A row of another table to create, or to update if it exists."""

    table: str
    id: UUID
    fields: tuple[NewField, ...]


@dataclass(frozen=True, slots=True)
class Created:
    """The result for one row. `existed`: an earlier attempt created the row, which was left as it is.

    `error` is a DataError if Dataverse refuses the row; throttled and transient errors may be repeated.
    """

    error: ConnectorError | None = None
    problems: tuple[FieldProblem, ...] = ()
    existed: bool = False


class NewRecords(Protocol):
    """Finds and creates rows for new subscribers."""

    async def matching(self, table: PersonTable, wanted: Sequence[Sequence[NewField]]) -> Sequence[Sequence[RecordKey]]:
        """Find the active records that have all values of each search, in one request; at most a handful each.

        Raises ConnectorErrors; ConfigurationError for a column that cannot be compared.
        """

    async def create(self, records: Sequence[NewRecord | NewEntry]) -> Sequence[Created]:
        """Create rows with their subscriptions in as few requests as possible; one result per row, in order.

        An error of one row does not affect others. Raises a ConnectorError only before anything was written.
        """
