"""The parts of a request, which record that they were read: an unread part is refused, never ignored.

A sandbox that ignores an unknown part gives a wrong answer without notice. So `Parts` holds everything named in a
request: query options, headers, properties of a JSON body. The last step of a call refuses the unread rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import not_implemented


class Parts(Mapping[str, Any]):
    """Named parts; reading a part marks it as read. Nested objects are parts themselves, at any depth.

    `in` and the bare names read nothing, `items` and `values` read everything at this level.
    """

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self._values = values
        self._place = place
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = _inside(self._values[name], f"{self._place} '{name}'")
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def as_written(self) -> Mapping[str, Any]:
        """All parts; none is marked as read."""
        return self._values

    def take_all(self) -> dict[str, Any]:
        """Read all parts at every depth, for validation by a model that forbids extra fields."""
        self._read = dict(self._values)
        return dict(self._values)

    def unread(self) -> Iterator[str]:
        """Yield the names of unread parts: `query option '$top'`."""
        for name in self._values:
            if name in self._read:
                yield from _unread(self._read[name])
            else:
                yield f"{self._place} '{name}'"

    def refuse_unread(self) -> None:
        """WebApiError 501 with the name of the first unread part."""
        for name in self.unread():
            raise not_implemented(f"The {name} in this request")


def _inside(value: Any, place: str) -> Any:
    if isinstance(value, dict):
        return Parts(value, f"{place}, property")
    return [_inside(one, place) for one in value] if isinstance(value, list) else value


def _unread(value: Any) -> Iterator[str]:
    if isinstance(value, Parts):
        yield from value.unread()
    elif isinstance(value, list):
        for one in value:
            yield from _unread(one)
