"""Finds circles of one-way rows: values that travel from column to property to column and end where they began.

Rows of one table cannot make a circle, because no property is in two of them (`document.py`). A person in several
tables has one contact, so rows of those tables together can.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter

from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.language.expression import Column, sources_of
from shared.domain.mapping.model import Direction
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.records import PersonTable
from shared.domain.wording.findings import FindingText

Steps = Mapping[str, Collection[str]]


def circles(mapping: FieldMapping, tables: Collection[PersonTable]) -> Iterator[Finding]:
    """Yield a finding for each group of rows that make circles, with the way that a value takes in one of them."""
    steps = _steps(mapping, tables)
    for group in sorted(map(sorted, _groups(steps))):
        start = group[0]
        if way := _shortest_circle(start, steps, frozenset(group)):
            text = FindingText.CIRCLE(way=" -> ".join((*way, start)))
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
                    case Direction.TO_PLATFORM:
                        steps[column].append(row.property_name)
                    case Direction.TO_DATAVERSE:
                        steps[row.property_name].append(column)
                    case Direction.BOTH:
                        pass
    return dict(steps)


def _groups(steps: Steps) -> Iterator[list[str]]:
    """Yield the places that can be reached from each other: Kosaraju's algorithm, linear."""
    back: dict[str, list[str]] = defaultdict(list)
    for place, onward in steps.items():
        for following in onward:
            back[following].append(place)
    seen: set[str] = set()
    finished = [place for root in steps if root not in seen for place in _walk(root, steps, seen)]
    seen.clear()
    for root in reversed(finished):
        if root not in seen:
            yield list(_walk(root, back, seen))


def _walk(root: str, steps: Steps, seen: set[str]) -> Iterator[str]:
    """Yield unvisited places that can be reached, each after the places behind it."""
    seen.add(root)
    trail = [(root, iter(steps.get(root, ())))]
    while trail:
        place, onward = trail[-1]
        for following in onward:
            if following not in seen:
                seen.add(following)
                trail.append((following, iter(steps.get(following, ()))))
                break
        else:
            trail.pop()
            yield place


def _shortest_circle(start: str, steps: Steps, group: Collection[str]) -> tuple[str, ...]:
    """Return the shortest way from a place to itself, without its end; empty if there is none."""
    came_from: dict[str, str] = {}
    places = deque([start])
    while places:
        place = places.popleft()
        for following in steps.get(place, ()):
            if following == start:
                way = [place]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return tuple(reversed(way))
            if following in group and following not in came_from:
                came_from[following] = place
                places.append(following)
    return ()
