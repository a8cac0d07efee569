"""Writes the marked record of the round trip, as a user would: its event is not taken for the connector's own write."""

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.domain.records.records import RecordKey


class DataverseMarkedRecords:
    """Implements the port `MarkedRecords`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def mark(self, key: RecordKey, column: str, text: str) -> None:
        """Write a text into a column; NotFoundError if there is no such record."""
        await self._client.execute_as_user(operations.update(PEOPLE[key.table].entity_set, key.id, {column: text}))
