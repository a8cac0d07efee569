"""Finds rows by their names: all names that a batch needs in one request."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.adapters.dataverse.records.tables import ACTIVE
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.table_schema import TableDefinition

_NAMES_PER_QUERY = 50
_STATE, _DISABLED = "statecode", "isdisabled"


Key = Callable[[str], str]
"""Normalises a name: names with the same key are equal."""


def name_key(name: str) -> str:
    """Return the key of a name: case and outer blanks do not count, as in Dataverse."""
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class NamePlace:
    """A table to search: its set and key, the column with the name, and the condition for its rows."""

    entity_set: str
    key: str
    name: str
    condition: str = ""


def place_in(table: TableDefinition, column: str = "") -> NamePlace:
    """Return the place for active rows of a table, which lookups offer; by a column, or by its primary name."""
    condition = ""
    if _STATE in table.columns:
        condition = odata.compare(_STATE, ODataComparison.EQUAL, ACTIVE)
    elif _DISABLED in table.columns:  # users have no state
        condition = odata.compare(_DISABLED, ODataComparison.EQUAL, value=False)
    return NamePlace(table.entity_set, table.primary_id, column or table.primary_name, condition)


@dataclass(frozen=True, slots=True)
class NamesFound:
    """The ids of rows by place and key of the name."""

    ids: Mapping[tuple[NamePlace, str], Sequence[UUID]] = field(default_factory=dict)
    key: Key = name_key

    def called(self, place: NamePlace, name: str) -> Sequence[UUID]:
        """Return the ids of all rows with that name."""
        return self.ids.get((place, self.key(name)), ())


class NameSearch:
    """Collects names, then searches for all of them."""

    def __init__(self, key: Key = name_key) -> None:
        """`key` normalises names."""
        self._key = key
        self._wanted: defaultdict[NamePlace, dict[str, str]] = defaultdict(dict)

    def want(self, place: NamePlace, name: str) -> None:
        """Add a name."""
        self._wanted[place].setdefault(self._key(name), name.strip())

    async def find(self, client: DataverseClient) -> NamesFound:
        """Search in one request, in none if there are no names. Raises ConnectorErrors."""
        questions = list(self._questions())
        found: defaultdict[tuple[NamePlace, str], list[UUID]] = defaultdict(list)
        answers = await client.batch([operation for _, _, operation in questions])
        for (place, names, _), answer in zip(questions, answers, strict=True):
            for name, identifier in self._rows(place, names, answer):
                found[place, name].append(identifier)
        return NamesFound(found, self._key)

    def _questions(self) -> Iterator[tuple[NamePlace, Sequence[str], WebApiOperation]]:
        for place, names in self._wanted.items():
            texts = list(names.values())
            for start in range(0, len(texts), _NAMES_PER_QUERY):
                chunk = texts[start : start + _NAMES_PER_QUERY]
                condition = odata.all_of(odata.within(place.name, chunk), place.condition)
                options = operations.shape([place.key, place.name], ()) | {"$filter": condition}
                yield place, chunk, WebApiOperation(Method.GET, odata.reads(odata.name(place.entity_set), options))

    def _rows(self, place: NamePlace, names: Sequence[str], answer: OperationResult) -> Iterator[tuple[str, UUID]]:
        if answer.error is not None:
            raise answer.error
        for row in answer.body["value"]:
            yield self._key(row[place.name]), UUID(row[place.key])
        if "@odata.nextLink" in answer.body:  # thousands of rows have these names: no name has exactly one row
            for name in names:
                yield from [(self._key(name), UUID(int=0))] * 2
