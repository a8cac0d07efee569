"""Spotler Permission rows by their name (PERM-21): read a page at a time, written in one batch."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.domain.values.values import clipped
from shared.errors import DataError, NotFoundError
from shared.ports.dataverse import NamedPermission, NamedPermissionPage

_KEY, _NAME = "dh_spotlerpermissionid", "dh_name"
_NAME_LENGTH = 200


class DataversePermissionRows:
    """Implements the port `PermissionRows`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def named(
        self, name: str, *, created_before: datetime | None, after: str | None, limit: int
    ) -> NamedPermissionPage:
        """Read one page; Dataverse ignores the case of names."""
        rows, following = await self._client.page(
            tables.PERMISSIONS,
            select=(_KEY, _NAME, "modifiedon"),
            filter=odata.all_of(
                odata.compare(_NAME, ODataComparison.EQUAL, name),
                odata.compare("createdon", ODataComparison.LESS, created_before) if created_before else "",
            ),
            orderby=f"{_KEY} asc",
            page_size=limit,
            after=after,
        )
        found = [
            NamedPermission(UUID(row[_KEY]), row[_NAME] or "", datetime.fromisoformat(row["modifiedon"]))
            for row in rows
        ]
        return NamedPermissionPage(found, following)

    async def rename(self, ids: Sequence[UUID], name: str) -> frozenset[UUID]:
        """Write the name, up to 1,000 rows to a request; return the rows that a plug-in or alternate key refused."""
        body = {_NAME: clipped(name, _NAME_LENGTH)}
        updates = [operations.update(tables.PERMISSIONS, identifier, body) for identifier in ids]
        refused: set[UUID] = set()
        for identifier, result in zip(ids, await self._client.batch(updates) if updates else (), strict=True):
            match result.error:
                case None | NotFoundError():
                    pass
                case DataError():
                    refused.add(identifier)
                case error:
                    raise error
        return frozenset(refused)

    async def in_use(self, names: Sequence[str]) -> frozenset[str]:
        """Return the names that at least one row has, with one request."""
        reads = [
            operations.WebApiOperation(
                operations.Method.GET,
                odata.reads(
                    tables.PERMISSIONS,
                    {"$select": _KEY, "$filter": odata.compare(_NAME, ODataComparison.EQUAL, name), "$top": "1"},
                ),
            )
            for name in names
        ]
        used: set[str] = set()
        for name, result in zip(names, await self._client.batch(reads) if reads else (), strict=True):
            if result.error is not None:
                raise result.error
            if result.body["value"]:
                used.add(name)
        return frozenset(used)
