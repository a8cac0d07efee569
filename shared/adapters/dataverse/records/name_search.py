"""Finds rows by what they are called: all names that a batch needs in one request."""

from __future__ import annotations

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
"""Returns what equal names share."""


def name_key(name: str) -> str:
    """Return what equal names share: case and outer blanks do not count, as in Dataverse."""
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class NamePlace:
    """Where names are looked for: a table's set and key, the column with the name, and which rows count."""

    entity_set: str
    key: str
    name: str
    condition: str = ""


def place_in(table: TableDefinition, column: str = "") -> NamePlace:
    """Look for active rows of a table by a column, or by its primary name: what its lookups offer."""
    condition = ""
    if _STATE in table.columns:
        condition = odata.compare(_STATE, ODataComparison.EQUAL, ACTIVE)
    elif _DISABLED in table.columns:  # users have no state
        condition = odata.compare(_DISABLED, ODataComparison.EQUAL, value=False)
    return NamePlace(table.entity_set, table.primary_id, column or table.primary_name, condition)


@dataclass(frozen=True, slots=True)
class NamesFound:
    """What was found: ids by place and name. Names are the same whose `key` is."""

    ids: Mapping[tuple[NamePlace, str], Sequence[UUID]] = field(default_factory=dict)
    key: Key = name_key

    def called(self, place: NamePlace, name: str) -> Sequence[UUID]:
        """Return every row of that name."""
        return self.ids.get((place, self.key(name)), ())


class NameSearch:
    """Collects names, then asks for all of them."""

    def __init__(self, key: Key = name_key) -> None:
        """`key` returns what equal names share."""
        self._key = key
        self._wanted: defaultdict[NamePlace, dict[str, str]] = defaultdict(dict)

    def want(self, place: NamePlace, name: str) -> None:
        """Remember to ask."""
        self._wanted[place].setdefault(self._key(name), name.strip())

    async def find(self, client: DataverseClient) -> NamesFound:
        """Ask in one request, in none if nothing is wanted. ConnectorErrors are raised: nothing was written yet."""
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
        if "@odata.nextLink" in answer.body:  # thousands share these names: none of them is the only one
            for name in names:
                yield from [(self._key(name), UUID(int=0))] * 2
