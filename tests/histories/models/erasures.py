"""Contacts that a colleague erased in Spotler itself: nobody has withdrawn anything by that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.records.records import RecordKey
from tests.histories.world import NAMES, Profile


@dataclass
class Erasures:
    """What a contact must be subscribed to once it has been made anew, by address; nothing where people acted since."""

    of: set[RecordKey] = field(default_factory=set)
    """The records that used such a contact."""

    expected: dict[str, frozenset[str]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    """Addresses at which somebody acted since it was last quiet, so that nobody can say what remains."""

    def erase(
        self, one: Profile, sharers: Collection[RecordKey], agreed: Collection[tuple[str, str]], *, is_plain: bool
    ) -> None:
        """Note an erasure; `is_plain`: every record of the contact takes part, and none refuses mail."""
        self.of |= {*sharers}
        names = frozenset(name for name in NAMES if one.options[name] and (one.email, name) in agreed)
        if is_plain and one.email not in self.touched and not one.is_inactive and sharers:
            self.expected[one.email] = names

    def touch(self, *addresses: str) -> None:
        """Somebody acts at addresses."""
        self.touched |= {address.casefold() for address in addresses}
        for address in addresses:
            self.expected.pop(address.casefold(), None)

    def touch_all(self) -> None:
        """Somebody changes what holds for everybody."""
        self.touch(*self.expected)

    def broken(self, profiles: Sequence[Profile]) -> Iterator[str]:
        """Say what is missing in contacts that were made anew."""
        found: Mapping[str, Profile] = {one.email: one for one in profiles}
        for email, names in self.expected.items():
            one = found.get(email)
            if one is None:
                yield f"{email} was not made anew after it had been erased"
                continue
            off = sorted(name for name in names if not one.options[name])
            if off:
                yield f"{email} has lost {', '.join(off)} because it had been erased"

    def settle(self) -> None:
        """It is quiet."""
        self.of.clear()
        self.expected.clear()
        self.touched.clear()
