"""Subscriptions that are not Spotler Permissions: membership of marketing lists, and periodieken (MAP-17, MAP-18)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.records.columns import ANNOTATIONS, ColumnReader
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Retrieve, Row
from shared.domain.mapping.check.resolution import ResolvedPeriodiek
from shared.domain.records.records import PermissionRow, PersonTable

_MODIFIED = "modifiedon"


@dataclass(frozen=True, slots=True)
class _ListKind:
    """The marketing lists of one table: their `createdfromcode`, and the association with their members."""

    code: int
    association: str


_LIST_KINDS: Mapping[PersonTable, _ListKind] = {
    PersonTable.ACCOUNT: _ListKind(1, "listaccount_association"),
    PersonTable.CONTACT: _ListKind(2, "listcontact_association"),
    PersonTable.LEAD: _ListKind(4, "listlead_association"),
}


class ListRows:
    """Marketing lists as subscriptions: the active static lists of a table, and their members."""

    def __init__(self, table: PersonTable) -> None:
        self._kind = _LIST_KINDS[table]

    @property
    def expand(self) -> Expand:
        """The lists to read with each record."""
        return Expand(self._kind.association, ("listid",))

    @property
    def filter(self) -> str:
        """The condition for lists. Dynamic lists are left out: their members did not subscribe."""
        return odata.all_of(
            odata.compare("createdfromcode", ODataComparison.EQUAL, self._kind.code),
            odata.compare("type", ODataComparison.EQUAL, False),  # noqa: FBT003  # the value of a filter
            odata.compare("statecode", ODataComparison.EQUAL, 0),
        )

    @property
    def association(self) -> str:
        """The navigation property from a list to its members of this table."""
        return self._kind.association

    async def read(self, client: DataverseClient) -> dict[str, str]:
        """Return the names of the lists by id."""
        pages = client.query("lists", select=("listid", "listname"), filter=self.filter)
        return {row["listid"]: row["listname"] async for page in pages for row in page}

    def of(self, row: Row, names: Mapping[str, str]) -> tuple[PermissionRow, ...]:
        """Return one row per list, subscribed if the record is a member."""
        memberships = {one["listid"] for one in row.get(self._kind.association) or ()}
        return tuple(
            PermissionRow(name, subscribed=identifier in memberships, id=UUID(identifier))
            for identifier, name in sorted(names.items())
        )


@dataclass(frozen=True, slots=True)
class PeriodiekRows:
    """The rows of the table of periodieken: each has a record, a periodiek, and whether the record subscribes to it."""

    entity_set: str
    key: str
    lookup: str
    subscribed: str
    name: ColumnReader
    navigation: str = ""
    modified: str = ""

    async def read(self, client: DataverseClient, ids: Sequence[UUID]) -> dict[UUID, tuple[PermissionRow, ...]]:
        """Read all subscriptions of these records."""
        own = (self.lookup, self.subscribed, self.key, self.modified, "" if self.navigation else self.name.selected)
        related = (Expand(self.navigation, (self.name.selected,)),) if self.navigation else ()
        request = Retrieve(self.entity_set, self.lookup, ids, tuple(filter(None, own)), related)
        (rows,) = await client.retrieve_many([request], annotations=ANNOTATIONS)
        found: defaultdict[UUID, list[PermissionRow]] = defaultdict(list)
        for row in rows:
            holder: Mapping[str, Any] = (row.get(self.navigation) or {}) if self.navigation else row
            found[UUID(row[self.lookup])].append(
                PermissionRow(
                    self._text(dict(holder)),
                    subscribed=bool(row.get(self.subscribed)),
                    id=UUID(row[self.key]),
                    modified_on=row.get(self.modified) or "",
                )
            )
        return {identifier: tuple(one) for identifier, one in found.items()}

    def _text(self, row: Row) -> str:
        """Return the label of a lookup or choice, else the value; the label of a lookup is the name of its row."""
        return str(self.name.label(row) or self.name.value(row) or "")


def periodiek_rows(found: ResolvedPeriodiek, *, language: int | None, zone: tzinfo) -> PeriodiekRows:
    """Return the reader for the periodieken of a mapping."""
    return PeriodiekRows(
        entity_set=found.table.entity_set,
        key=found.table.primary_id,
        lookup=f"_{found.lookup}_value",
        subscribed=found.subscribed,
        name=ColumnReader(found.name.column, language, zone),
        navigation=found.name.navigation,
        modified=_MODIFIED if _MODIFIED in found.table.columns else "",
    )
