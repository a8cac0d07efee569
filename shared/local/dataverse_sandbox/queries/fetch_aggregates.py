"""Aggregate queries of FetchXML: groups of rows, and figures for each group.

Empty values count in `count` alone; the sum of none is 0, and their average, least and greatest value is left out. The
average of whole numbers is whole. Source: Microsoft's page "Aggregate data using FetchXml", example included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.queries.conditions import plain
from shared.local.dataverse_sandbox.queries.fetch_document import Attribute, Entity
from shared.local.dataverse_sandbox.rows.reading import Reader
from shared.local.dataverse_sandbox.rows.store import Row

Joined = Mapping[str, Row | None]

_CODE = "0x80041104"
_WHOLE = frozenset({ColumnType.INTEGER, ColumnType.BIG_INT})
_NUMBERS = _WHOLE | {ColumnType.DECIMAL, ColumnType.DOUBLE, ColumnType.MONEY}
_FUNCTIONS = frozenset({"count", "countcolumn", "sum", "avg", "min", "max"})
_DATE_PARTS = frozenset({"day", "week", "month", "quarter", "year"})
_COUNTS = Column("count", ColumnType.INTEGER)
_DAYS_OF_A_WEEK, _MONTHS_OF_A_QUARTER = 7, 3


class Aggregation:
    """The groups and figures of a query; WebApiError 400 or 501 for unknown ones."""

    def __init__(self, reader: Reader, entities: Sequence[Entity]) -> None:
        self._reader = reader
        self._wanted = [(entity.alias, one) for entity in entities for one in entity.attributes]
        self._groups = [(alias, one) for alias, one in self._wanted if one.is_group]
        self._numbers = [(alias, one) for alias, one in self._wanted if not one.is_group]
        self._orders = [order for entity in entities for order in entity.orders]
        if any(entity.takes_all for entity in entities):
            raise bad_request("An aggregate query cannot return all attributes.", _CODE)
        for _, one in self._wanted:
            _check(one)
        known = {one.alias for _, one in self._wanted}
        if any(order.alias not in known or order.attribute is not None for order in self._orders):
            raise bad_request("An aggregate query is sorted by the alias of one of its attributes.", _CODE)

    def documents(self, found: Sequence[Joined]) -> list[dict[str, Any]]:
        """Return a row for each group, in the requested order."""
        groups: dict[tuple[Any, ...], list[Joined]] = {} if self._groups else {(): []}
        for joined in found:
            key = tuple(plain(self._group_value(joined, alias, one)) for alias, one in self._groups)
            groups.setdefault(key, []).append(joined)
        rows = [self._values(members) for members in groups.values()]
        columns = {one.alias: one for _, one in self._wanted}
        for order in reversed(self._orders):
            wanted = columns[order.alias]
            rows.sort(key=lambda row: self._sort_key(row, wanted), reverse=order.is_descending)  # at once
        return [self._document(row) for row in rows]

    def _values(self, members: Sequence[Joined]) -> dict[str | None, Any]:
        values = {one.alias: self._group_value(members[0], alias, one) for alias, one in self._groups}
        return values | {one.alias: _number(one, alias, members) for alias, one in self._numbers}

    def _document(self, row: Mapping[str | None, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for _, one in self._wanted:
            value = row[one.alias]
            if value is not None:
                self._reader.emit(document, _result_column(one), one.alias or "", value)
        return document

    def _group_value(self, joined: Joined, alias: str, one: Attribute) -> Any:
        value = (joined.get(alias) or {}).get(one.column.name)
        if value is None or one.date_part is None:
            return value
        moment = datetime.fromisoformat(value)
        local = moment.astimezone(self._reader.context.zone) if moment.tzinfo is not None else moment
        return _part_of(local, one.date_part)

    def _sort_key(self, row: Mapping[str | None, Any], one: Attribute) -> tuple[bool, Any]:
        value = self._reader.sortable(_result_column(one), row[one.alias])
        return (value is not None, value if value is not None else 0)


def _check(one: Attribute) -> None:
    name, kind = one.column.name, one.column.type
    if one.alias is None or one.is_group is (one.aggregate is not None):
        raise bad_request("An attribute of an aggregate query needs an alias, and an aggregate or groupby.", _CODE)
    if one.date_part is not None and (not one.is_group or kind is not ColumnType.DATE_TIME):
        raise bad_request(f"The attribute '{name}' cannot be grouped by parts of a date.", _CODE)
    if one.date_part is not None and one.date_part not in _DATE_PARTS:
        raise not_implemented(f"The dategrouping '{one.date_part}' in FetchXML")
    if one.is_group:
        return
    if one.aggregate not in _FUNCTIONS:
        raise not_implemented(f"The aggregate '{one.aggregate}' in FetchXML")
    if one.is_distinct and one.aggregate != "countcolumn":
        raise not_implemented(f"The attribute 'distinct' of the aggregate '{one.aggregate}' in FetchXML")
    if one.aggregate in {"sum", "avg"} and kind not in _NUMBERS:
        raise bad_request(f"The aggregate '{one.aggregate}' does not fit the column '{name}' of type {kind}.", _CODE)
    if one.aggregate in {"min", "max"} and kind not in _NUMBERS | {ColumnType.DATE_TIME}:
        raise not_implemented(f"The aggregate '{one.aggregate}' of the column '{name}' of type {kind} in FetchXML")


def _result_column(one: Attribute) -> Column:
    return _COUNTS if one.date_part is not None or one.aggregate in {"count", "countcolumn"} else one.column


def _number(one: Attribute, alias: str, members: Sequence[Joined]) -> Any:
    rows = (joined.get(alias) for joined in members)
    there = [row[one.column.name] for row in rows if row is not None and row.get(one.column.name) is not None]
    match one.aggregate:
        case "count":
            return len(members)
        case "countcolumn":
            return len({plain(value) for value in there}) if one.is_distinct else len(there)
        case "sum":
            return sum(there)
        case "avg" if there:
            average = sum(there) / len(there)
            return int(average) if one.column.type in _WHOLE else average
        case "min" | "max" if there:
            return min(there) if one.aggregate == "min" else max(there)
        case _:
            return None


def _part_of(local: datetime, part: str) -> int:
    match part:
        case "day" | "month" | "year":
            number: int = getattr(local, part)
            return number
        case "week":  # weeks begin on Sunday; the first of January is in the first
            first = local.replace(month=1, day=1)
            offset = first.isoweekday() % _DAYS_OF_A_WEEK
            return (local.timetuple().tm_yday - 1 + offset) // _DAYS_OF_A_WEEK + 1
        case "quarter":
            return (local.month - 1) // _MONTHS_OF_A_QUARTER + 1
        case _:
            raise ValueError(part)
