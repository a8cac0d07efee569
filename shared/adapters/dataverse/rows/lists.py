"""Marketing lists: static ones with their members, dynamic ones with their query (ML-04, JOB-07)."""

import json
from collections.abc import Sequence
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.people import INFO_COLUMNS, status_of
from shared.adapters.dataverse.rows.spotler_info import list_status_operations
from shared.adapters.dataverse.web_api import fetchxml, odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.fetchxml import Cursor
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.domain.features.lists import ListRules
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.errors import DataError, NotFoundError, Service
from shared.ports.dataverse import ListStatus, MarketingList, PeoplePage

_COLUMNS = (
    "listname",
    "createdfromcode",
    "type",
    "statecode",
    "donotsendonoptout",
    "ignoreinactivelistmembers",
    "dh_spotlerlistkind",
)
_CONTENT = ("type", "query")
_IDS_PER_QUERY = 100


class DataverseLists:
    """Implements the port `MarketingLists`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        """Read one list; None if it does not exist, or its members are not contacts, leads or accounts."""
        try:
            row = await self._client.retrieve(
                tables.LISTS, identifier, select=_COLUMNS, expand=(Expand(tables.INFO_LOOKUP, INFO_COLUMNS),)
            )
        except NotFoundError:
            return None
        return _marketing_list(identifier, row)

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """Read one page of the members, those of a dynamic list by its query.

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
            filter=odata.compare("_listid_value", ODataComparison.EQUAL, marketing_list.id),
            orderby="listmemberid asc",
            page_size=limit,
            after=after,
        )
        return PeoplePage([RecordKey(marketing_list.table, UUID(row["_entityid_value"])) for row in rows], following)

    async def _found(self, marketing_list: MarketingList, query: str, after: str | None, limit: int) -> PeoplePage:
        if not query.strip():
            raise DataError(DataverseCause.NO_LIST_QUERY(), service=Service.DATAVERSE)
        names = tables.PEOPLE[marketing_list.table]
        # A cookie names the last row of a page: by its id alone, because the query selects nothing else.
        cursor = Cursor(*json.loads(after)) if after else Cursor()
        wanted = fetchxml.ids_only(query, names.key)
        rows, following = await self._client.fetch_xml_page(names.entity_set, wanted.text, cursor, page_size=limit)
        ids = [UUID(row[names.key]) for row in rows]
        if wanted.is_cut:  # Dataverse does not page it; a synchronisation checks the list once more at its end
            ids = list(dict.fromkeys(ids))
            start, end = (cursor.page - 1) * limit, cursor.page * limit
            ids, following = ids[start:end], Cursor(cursor.page + 1) if len(ids) > end else None
        keys = [RecordKey(marketing_list.table, one) for one in ids]
        return PeoplePage(keys, None if following is None else json.dumps([following.page, following.cookie]))

    async def members_among(self, identifier: UUID, people: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of `people` that are members of a static list now; none if the list is gone."""
        found: set[UUID] = set()
        for start in range(0, len(people), _IDS_PER_QUERY):
            wanted = odata.all_of(
                odata.compare("_listid_value", ODataComparison.EQUAL, identifier),
                odata.within("_entityid_value", people[start : start + _IDS_PER_QUERY]),
            )
            async for page in self._client.query(tables.LIST_MEMBERS, select=("_entityid_value",), filter=wanted):
                found.update(UUID(row["_entityid_value"]) for row in page)
        return frozenset(found)

    async def write_status(self, status: ListStatus) -> None:
        """Write a list's Spotler Info (STA-06), unless the list is gone."""
        for result in await self._client.batch(list_status_operations(status)):
            if result.error is not None and not isinstance(result.error, NotFoundError):
                raise result.error


def _marketing_list(identifier: UUID, row: Row) -> MarketingList | None:
    table = tables.LIST_TABLES.get(row.get("createdfromcode") or 0)
    if table is None:
        return None
    return MarketingList(
        id=identifier,
        name=row.get("listname") or "",
        table=table,
        is_dynamic=bool(row.get("type")),
        is_active=row.get("statecode") == tables.ACTIVE,
        rules=ListRules(
            # Both are on by default (ML-32, ML-33).
            exclude_opted_out=row.get("donotsendonoptout") is not False,
            ignore_inactive=row.get("ignoreinactivelistmembers") is not False,
        ),
        kind=tables.LIST_KINDS.get(row.get("dh_spotlerlistkind") or 0),
        status=status_of(row.get(tables.INFO_LOOKUP)),
    )
