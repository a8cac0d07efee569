"""Subscriptions that are not Spotler Permissions: membership of marketing lists, and periodieken (MAP-17, MAP-18)."""

from __future__ import annotations

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
    """How lists of one table are told apart (`createdfromcode`), and how their members lead to them."""

    code: int
    association: str


_LIST_KINDS: Mapping[PersonTable, _ListKind] = {
    PersonTable.ACCOUNT: _ListKind(1, "listaccount_association"),
    PersonTable.CONTACT: _ListKind(2, "listcontact_association"),
    PersonTable.LEAD: _ListKind(4, "listlead_association"),
}


class ListRows:
    """Marketing lists as subscriptions: the active static lists of a table, and who is a member."""

    def __init__(self, table: PersonTable) -> None:
        self._kind = _LIST_KINDS[table]

    @property
    def expand(self) -> Expand:
        """What to bring along with each record."""
        return Expand(self._kind.association, ("listid",))

    @property
    def filter(self) -> str:
        """Which lists count. Members of a dynamic list are nobody's choice: it is left out."""
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
        """Tell of each list whether the record is a member."""
        memberships = {one["listid"] for one in row.get(self._kind.association) or ()}
        return tuple(
            PermissionRow(name, subscribed=identifier in memberships, id=UUID(identifier))
            for identifier, name in sorted(names.items())
        )


@dataclass(frozen=True, slots=True)
class PeriodiekRows:
    """The rows of the table that a mapping names: a person, a periodiek, and whether the one takes the other."""

    entity_set: str
    key: str
    lookup: str
    subscribed: str
    name: ColumnReader
    navigation: str = ""
    modified: str = ""

    async def read(self, client: DataverseClient, ids: Sequence[UUID]) -> dict[UUID, tuple[PermissionRow, ...]]:
        """Read the subscriptions of these records, with pages as many as it takes."""
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
        """A lookup or a choice is called what people see; the formatted text of a lookup is its row's name."""
        return str(self.name.label(row) or self.name.value(row) or "")


def periodiek_rows(found: ResolvedPeriodiek, *, language: int | None, zone: tzinfo) -> PeriodiekRows:
    """Make the reader of what the mapping says of periodieken for a table."""
    return PeriodiekRows(
        entity_set=found.table.entity_set,
        key=found.table.primary_id,
        lookup=f"_{found.lookup}_value",
        subscribed=found.subscribed,
        name=ColumnReader(found.name.column, language, zone),
        navigation=found.name.navigation,
        modified=_MODIFIED if _MODIFIED in found.table.columns else "",
    )
