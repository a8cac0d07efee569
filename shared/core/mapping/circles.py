"""Circles of one-way rows: values that travel from column to property to column and arrive where they began.

Rows of one table cannot make one, since no property is in two of them (`document.py`). A person who is in several
tables has one contact in Spotler, and so the rows of those tables together can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter

from shared.core.mapping.expression import Column, sources_of
from shared.core.mapping.findings import Code, Finding, Severity
from shared.core.mapping.model import Direction
from shared.core.mapping.model import Mapping as FieldMapping
from shared.core.records import PersonTable

Steps = Mapping[str, Collection[str]]


def circles(mapping: FieldMapping, tables: Collection[PersonTable]) -> Iterator[Finding]:
    """Yield a finding for each circle, with the way that a value takes."""
    steps = _steps(mapping, tables)
    told: set[str] = set()
    for start in sorted(steps):
        way = _way_back(start, steps)
        if way and told.isdisjoint(way):
            told.update(way)
            text = f"One-way rows make a circle: {' -> '.join((*way, start))}; turn one of them round, or use <->"
            yield Finding(Severity.WARNING, Code.CIRCLE, text)


def _steps(mapping: FieldMapping, tables: Collection[PersonTable]) -> Steps:
    steps: dict[str, list[str]] = defaultdict(list)
    for row in mapping.rows:
        for table in sorted(row.sources.keys() & set(tables), key=attrgetter("value")):
            for source in sources_of(row.sources[table]):
                if not isinstance(source, Column) or row.fixed is not None:
                    continue
                column = f"{table}.{source.name}"
                match row.direction:
                    case Direction.TO_SPOTLER:
                        steps[column].append(row.spotler)
                    case Direction.TO_DATAVERSE:
                        steps[row.spotler].append(column)
                    case Direction.BOTH:
                        pass
    return dict(steps)


def _way_back(start: str, steps: Steps) -> tuple[str, ...]:
    """Return the shortest way from a place to itself, without its end; empty if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        longer: list[tuple[str, ...]] = []
        for way in ways:
            for place in steps.get(way[-1], ()):
                if place == start:
                    return way
                if place not in seen:
                    seen.add(place)
                    longer.append((*way, place))
        ways = longer
    return ()
