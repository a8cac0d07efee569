"""Rows that users see as pages: views, charts, own forms, commands, dashboards. They are installed table by table.

Dataverse keeps such a row twice: as somebody last saved it, and as it was last published. Users see the published one.
The installer publishes at its end. A run that ended before is noticed by the difference between the two.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind
from shared.installation.components.localised import (
    ComponentTable,
    create_row,
    different_columns,
    in_base_language,
    told_difference,
    with_texts,
    write_columns,
)
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.organisation.probe import read_tables
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication
from shared.installation.wire.states import State, read_state

_NO_TABLE: Final = ""


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row as it should be. `columns` are compared and written; `fixed` is only sent when the row is created.

    A row with `plain` comes with its table: it gets these columns when the connector is removed, and is not deleted. It
    is created only where somebody has deleted it. `identity` names the columns that find the row. Values of `columns`
    that begin with `<` are XML; mappings are texts by LCID. `web_resources` are lookups to web resources, by name:
    their ids are read when the row is created.
    """

    name: str
    table: ComponentTable
    identity: Mapping[str, str | int | UUID]
    columns: Mapping[str, Any] = field(repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    web_resources: Mapping[str, str] = field(default_factory=dict, repr=False)
    plain: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def is_row(self, row: Row) -> bool:
        """Return whether a row of the organisation is this one."""
        return all(str(row.get(column)).lower() == str(value).lower() for column, value in self.identity.items())

    def differs(self, row: Row) -> list[str]:
        """Return the columns whose values differ."""
        return different_columns(self.columns, row)

    def is_plain(self, row: Row) -> bool:
        """Return whether a row that came with its table has nothing of the connector any more."""
        return bool(self.plain) and not different_columns(self.plain, row)


Build = Callable[[Mapping[str, TableFound]], tuple[PageRow, ...]]
"""Builds rows from the tables of the organisation, which number and identify them differently."""


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of one component, in the order of their creation.

    `table` must exist before they can be built; it is empty for pages of no table.
    """

    name: str
    table: str
    build: Build = field(repr=False)
    publication: Publication = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundRows:
    """The rows of one component as they should be, and those that exist, by name: last saved and last published."""

    rows: tuple[PageRow, ...] = field(repr=False)
    saved: Mapping[str, Row] = field(repr=False)
    published: Mapping[str, Row] = field(repr=False)


class PageRowsKind(ComponentKind[PageRows, FoundRows]):
    """The base of the kinds that are rows. A subclass says which kind it is, and which components are wanted."""

    @abstractmethod
    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return one component for each table that the organisation has or gets."""

    def is_removed(self, found: FoundRows) -> bool:
        """Return whether no row exists but those that come with their table, plain, as saved and published."""
        states = (found.saved, found.published)
        return all(row.is_plain(state[row.name]) for row in found.rows for state in states if row.name in state)

    async def find(
        self, client: CustomizationClient, wanted: Sequence[PageRows], organisation: Organisation
    ) -> Mapping[str, FoundRows]:
        """Read both states of the rows. A component of which no row exists is absent."""
        tables = await _tables(client, organisation, {one.table for one in wanted} - {_NO_TABLE})
        components = [one for one in wanted if one.table == _NO_TABLE or one.table in tables]
        built = {one.name: one.build(tables) for one in components}
        every = [row for rows in built.values() for row in rows]
        saved = await _rows(client, every, State.SAVED)
        published = await _rows(client, every, State.PUBLISHED) if saved else {}
        found = {name: FoundRows(rows, _only(rows, saved), _only(rows, published)) for name, rows in built.items()}
        return {name: rows for name, rows in found.items() if rows.saved}

    def differences(self, wanted: PageRows, found: FoundRows, organisation: Organisation) -> Sequence[str]:
        """Name rows that are missing, columns that differ, and rows that are not published as they were saved."""
        reasons = []
        for row in found.rows:
            saved = found.saved.get(row.name)
            if saved is None:
                reasons.append(f"{row.name} does not exist")
            elif different := row.differs(saved):
                told = (told_difference(column, row.columns, saved) for column in different)
                reasons.append(f"{row.name} differs in {', '.join(told)}")
            elif row.name not in found.published or row.differs(found.published[row.name]):
                reasons.append(f"{row.name} is not published")
        return reasons

    async def create(
        self, client: CustomizationClient, wanted: PageRows, organisation: Organisation
    ) -> Publication | None:
        """Write all rows."""
        found = await self.find(client, [wanted], organisation)
        if wanted.name not in found:
            tables = await _tables(client, organisation, {wanted.table} - {_NO_TABLE})
            if wanted.table not in (_NO_TABLE, *tables):
                raise ConfigurationError(
                    f"The table {wanted.table} does not exist: install the tables first, without --only",
                    service=Service.DATAVERSE,
                )
            found = {wanted.name: FoundRows(wanted.build(tables), {}, {})}
        return await self.change(client, wanted, found[wanted.name], organisation)

    async def change(
        self, client: CustomizationClient, wanted: PageRows, found: FoundRows, organisation: Organisation
    ) -> Publication | None:
        """Write the rows that are missing or differ."""
        for row in found.rows:
            saved = found.saved.get(row.name)
            if saved is None:
                await _create(client, row)
            elif different := row.differs(saved):
                columns = {column: row.columns[column] for column in different}
                await write_columns(client, row.table, saved, columns)
        return wanted.publication

    async def remove(self, client: CustomizationClient, wanted: PageRows, found: FoundRows) -> Publication | None:
        """Delete the rows, the last one first; make those that come with their table plain."""
        for row in reversed(found.rows):
            saved = found.saved.get(row.name)
            if saved is None:
                continue
            if not row.plain:
                await client.remove(row.table.address(saved))
            elif not row.is_plain(saved):
                await client.change(row.table.address(saved), row.plain)
        return wanted.publication if wanted.table else None  # a deleted dashboard has no id to publish


async def web_resource_id(client: CustomizationClient, name: str) -> UUID:
    """Read the id of a web resource. Raises ConfigurationError if it is not installed."""
    of_that_name = odata.compare("name", ODataComparison.EQUAL, name)
    rows = await read_state(client, "webresourceset", ("webresourceid",), of_that_name, State.SAVED)
    if not rows:
        raise ConfigurationError(
            f"The web resource {name} does not exist: install the web resources first, without --only",
            service=Service.DATAVERSE,
        )
    return UUID(rows[0]["webresourceid"])


async def _tables(
    client: CustomizationClient, organisation: Organisation, needed: set[str]
) -> Mapping[str, TableFound]:
    """Return the tables that the organisation has by now: own tables are younger than the survey."""
    return organisation.tables if organisation.has(*needed) else await read_tables(client)


async def _create(client: CustomizationClient, row: PageRow) -> None:
    bindings = {
        f"{lookup}@odata.bind": f"/webresourceset({await web_resource_id(client, name)})"
        for lookup, name in row.web_resources.items()
    }
    await create_row(client, row.table, {**row.fixed, **bindings}, row.columns)


def _only(rows: Sequence[PageRow], states: Mapping[str, Row]) -> dict[str, Row]:
    return {row.name: states[row.name] for row in rows if row.name in states}


async def _rows(client: CustomizationClient, rows: Sequence[PageRow], state: State) -> dict[str, Row]:
    found: list[tuple[PageRow, Row]] = []
    for table in ComponentTable:
        wanted = [row for row in rows if row.table is table]
        if not wanted:
            continue
        columns = {table.key, *(column for row in wanted for column in (*row.identity, *row.columns))}
        where = odata.any_of(*(_identified(row) for row in wanted))
        existing = await read_state(client, table.entity_set, sorted(columns), where, state)
        candidates = ((row, [one for one in existing if row.is_row(one)]) for row in wanted)
        found += [(row, _chosen(row, several)) for row, several in candidates if several]
    whole = await with_texts(client, ((row.table, one, row.columns) for row, one in found), state)
    return {row.name: one for (row, _), one in zip(found, whole, strict=True)}


def _chosen(row: PageRow, candidates: Sequence[Row]) -> Row:
    """Return the row itself: of several main forms that somebody made, the one with the connector's name."""
    if len(candidates) == 1:
        return candidates[0]
    name = row.columns["name"]
    names = set(name.values()) if isinstance(name, Mapping) else {name}  # a name is in the caller's language
    if called := [one for one in candidates if one["name"] in names]:
        return called[0]
    raise ConfigurationError(
        f"The table of {row.name} has several main forms, and none is called "
        f"{in_base_language(row.columns)['name']}: give that name to the one that the connector may replace",
        service=Service.DATAVERSE,
    )


def _identified(row: PageRow) -> str:
    return odata.all_of(*(odata.compare(name, ODataComparison.EQUAL, value) for name, value in row.identity.items()))
