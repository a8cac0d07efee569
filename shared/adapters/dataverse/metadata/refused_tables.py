"""Finds tables that the connector's user may not read, by reading one row; the result is kept for some minutes.

Dataverse refuses a whole read because of one related table. A refused reader looks up which table it was, and reads
again without it. After `LIFETIME` the table is tried again, so that a repaired role is noticed.
"""

import logging
import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.table_schema import TableDefinition
from shared.domain.wording.expectations import UnreadText
from shared.domain.wording.phrase import Phrase
from shared.errors import ConnectorError
from shared.ports.clock import Clock

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=5)
LISTS_TABLE = TableDefinition("list", "lists", "listid", "listname", {})
"""Marketing lists: a mapping reads them without naming their columns."""
_UNNAMED = UnreadText.READ()
_PRIVILEGE = re.compile(r"\b(prv\w{1,100}) privilege")


class RefusedTables:
    """The tables that were refused lately. All readers of a process with the same user share one instance."""

    def __init__(self, client: DataverseClient, clock: Clock, lifetime: timedelta = LIFETIME) -> None:
        self._client = client
        self._clock = clock
        self._lifetime = lifetime
        self._results: dict[str, tuple[str | None, datetime]] = {}

    def among(self, names: Iterable[str]) -> dict[str, str]:
        """Return the tables that were refused lately, each with the missing privilege."""
        return {
            name: privilege
            for name in sorted(set(names))
            if self.knows(name) and (privilege := self._results[name][0]) is not None
        }

    async def try_reading(self, tables: Collection[TableDefinition]) -> dict[str, str]:
        """Read one row of each table, in one request; return the refused tables, each with the missing privilege.

        Other errors are ignored here: the next read of the table raises them.
        """
        before = self.among(table.name for table in tables)
        answers = await self._client.batch([_one_row(table) for table in tables])
        now = self._clock.now()
        for table, answer in zip(tables, answers, strict=True):
            if answer.error is None or is_refusal(answer.error):
                privilege = None if answer.error is None else missing_privilege(answer.error) or _UNNAMED
                self._results[table.name] = (privilege, now)
        after = self.among(table.name for table in tables)
        for name in after.keys() - before.keys():
            log.warning("rows of the mapping that read %s rest: the connector's role lacks %s", name, after[name])
        return after

    async def current(self, tables: Collection[TableDefinition]) -> dict[str, str]:
        """Return the refused tables, after trying those without a recent result."""
        if stale := [table for table in tables if not self.knows(table.name)]:
            await self.try_reading(stale)
        return self.among(table.name for table in tables)

    def allow(self, names: Iterable[str]) -> None:
        """Forget the results of tables that may be read now, according to Dataverse."""
        for name in names:
            self._results.pop(name, None)

    def knows(self, name: str) -> bool:
        """Return whether there is a recent result for a table."""
        return name in self._results and self._clock.now() - self._results[name][1] < self._lifetime


def is_refusal(error: ConnectorError) -> bool:
    """Return whether Dataverse refused because of a privilege."""
    return error.status == HTTPStatus.FORBIDDEN


def missing_privilege(error: ConnectorError) -> str:
    """Return the name of the privilege that Dataverse names, such as `prvReadUser`; empty if it names none."""
    found = _PRIVILEGE.search(error.detail)
    return found[1] if found else ""


def lacks(privilege: str, table: str) -> Phrase:
    """Return the text for `PersonRecord.unread`."""
    return UnreadText.ROLE(privilege=privilege or _UNNAMED, table=table)


def _one_row(table: TableDefinition) -> WebApiOperation:
    path = odata.reads(odata.name(table.entity_set), {"$select": odata.name(table.primary_id), "$top": "1"})
    return WebApiOperation(Method.GET, path)
