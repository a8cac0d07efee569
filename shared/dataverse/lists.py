"""Marketing lists: static ones with their members, dynamic ones with their query (JOB-07)."""

from __future__ import annotations

import json
from uuid import UUID

from shared.core.records import RecordKey
from shared.dataverse import fetchxml, odata, tables
from shared.dataverse.client import DataverseClient
from shared.dataverse.fetchxml import Cursor
from shared.dataverse.odata import Comparison
from shared.errors import DataError, NotFoundError, Service
from shared.ports import MarketingList, PeoplePage

_COLUMNS = ("listname", "createdfromcode")
_CONTENT = ("type", "query")


class DataverseLists:
    """Implements the port `MarketingLists`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        """Read one list; None if there is none (any more), or it lists rows of another table than people."""
        try:
            row = await self._client.retrieve(tables.LISTS, identifier, select=_COLUMNS)
        except NotFoundError:
            return None
        table = tables.LIST_TABLES.get(row.get("createdfromcode") or 0)
        return None if table is None else MarketingList(identifier, row.get("listname") or "", table)

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """Walk the members in pages of `limit`, those of a dynamic list by its query.

        NotFoundError if the list is gone, DataError if a dynamic list has no usable query.
        """
        content = await self._client.retrieve(tables.LISTS, marketing_list.id, select=_CONTENT)
        if content.get("type"):
            return await self._found(marketing_list, content.get("query") or "", after, limit)
        return await self._listed(marketing_list, after, limit)

    async def _listed(self, marketing_list: MarketingList, after: str | None, limit: int) -> PeoplePage:
        rows, following = await self._client.page(
            tables.LIST_MEMBERS,
            select=("_entityid_value",),
            filter=odata.compare("_listid_value", Comparison.EQUAL, marketing_list.id),
            orderby="listmemberid asc",
            page_size=limit,
            after=after,
        )
        return PeoplePage([RecordKey(marketing_list.table, UUID(row["_entityid_value"])) for row in rows], following)

    async def _found(self, marketing_list: MarketingList, query: str, after: str | None, limit: int) -> PeoplePage:
        if not query.strip():
            raise DataError("The dynamic marketing list has no query", service=Service.DATAVERSE)
        names = tables.PEOPLE[marketing_list.table]
        # A cookie names the row that a page ended with: by its id alone, because that is all the query asks for.
        cursor = Cursor(*json.loads(after)) if after else Cursor()
        rows, following = await self._client.fetch_xml_page(
            names.entity_set, fetchxml.ids_only(query, names.key), cursor, page_size=limit
        )
        keys = [RecordKey(marketing_list.table, UUID(row[names.key])) for row in rows]
        return PeoplePage(keys, None if following is None else json.dumps([following.page, following.cookie]))
