"""Numbers for new things in a twin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Numbers:
    """Ascending numbers. A world is copied for every moment of a fault, which an iterator of Python forbids."""

    following: int = 0

    def __next__(self) -> int:
        """Return the next number."""
        number, self.following = self.following, self.following + 1
        return number
