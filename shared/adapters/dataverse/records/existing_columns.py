"""Reads the connector's own tables in organisations that lack some of their columns.

Lookups to leads and to marketing lists exist only with those tables: an organisation without Dynamics 365 Sales has
neither (ML-02, AUD-01).
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.web_api.faults import UNKNOWN_MEMBER
from shared.errors import ConfigurationError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class ExistingColumns:
    """Reads with all columns; after Dataverse has refused one as unknown, only with those that exist."""

    def __init__(self, schema: SchemaCache, table: str, columns: Sequence[str], *, optional: Sequence[str]) -> None:
        """`columns` have their names of the Web API; those in `optional` may be missing."""
        self._schema = schema
        self._table = table
        self._columns = columns
        self._optional = optional

    async def read(self, read: Callable[[Sequence[str]], Awaitable[Answer]]) -> Answer:
        """Read with the columns that exist; ConfigurationError if a required one is missing."""
        try:
            return await read(self._columns)
        except ConfigurationError as error:
            missing = await self._missing() if error.code == UNKNOWN_MEMBER else set()
            if not missing:
                raise
        log.info("table %s has no %s here", self._table, " and no ".join(sorted(missing)))
        self._columns = [column for column in self._columns if column not in missing]
        return await read(self._columns)

    async def _missing(self) -> set[str]:
        table = (await self._schema.tables([self._table])).tables.get(self._table)
        if table is None:
            return set()
        lookups = {f"_{name}_value" for name in table.columns}
        return {column for column in self._columns if column in self._optional and column not in lookups}
