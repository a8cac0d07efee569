"""Finds renamed permissions by comparing their names with the stored names (PERM-21, PERM-22). Pure.

The platform identifies permissions by their bit; people and Spotler Permission rows identify them by their name. When a
name changes, the rows must follow. Options are named `permissions:4`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rename:
    """Give all rows with the name `old` the name `new`; renames are carried out one after the other.

    `is_reused`: another permission has the old name now, so rows that are newer than the last comparison belong to it.
    """

    option: str
    old: str
    new: str
    is_reused: bool = False


@dataclass(frozen=True, slots=True)
class RenameDifference:
    """The renames in their order; removed options by their last name; options whose rows cannot be identified.

    A name that several options have, or had, is ambiguous: rows with it stay as they are.
    """

    renames: tuple[Rename, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RememberedNames:
    """The names, folded, that rows of each option may have until a rename is complete (PERM-21).

    `by_option` is None as long as the connector has stored no names: then any name unknown to the platform may be a
    former name.
    """

    by_option: Mapping[str, frozenset[str]] | None = None

    def may_belong(self, option: str, label: str, name: str, *, is_known: bool) -> bool:
        """Whether a row called `name` may be a row of `option`, whose label is `label`.

        `is_known`: the account's properties have exactly one option with that name.
        """
        if self.by_option is None:
            return not is_known
        return folded(name) == folded(label) or folded(name) in self.by_option.get(option, ())


def difference(known: Mapping[str, str], now: Mapping[str, str]) -> RenameDifference:
    """Compare names by option. Case and outer blanks do not distinguish names, but the result keeps them."""
    had, has = Counter(map(folded, known.values())), Counter(map(folded, now.values()))
    changed = {option: name for option, name in now.items() if option in known and known[option] != name}
    ambiguous = tuple(
        option for option, name in changed.items() if had[folded(known[option])] > 1 or has[folded(name)] > 1
    )
    renames = [
        Rename(option, known[option], name, is_reused=_is_reused(option, known[option], now))
        for option, name in changed.items()
        if option not in ambiguous
    ]
    removed = {option: name for option, name in known.items() if option not in now and has[folded(name)] == 0}
    return RenameDifference(_ordered(renames), removed, ambiguous)


def replaced(text: str, renames: Iterable[Rename], separator: str) -> str:
    """Replace names in a list, all at once; everything else stays as it was typed.

    A new name that contains the separator cannot be in the list: the old name stays.
    """
    names = {folded(rename.old): rename.new for rename in renames if separator not in rename.new}
    return separator.join(names.get(folded(part), part) for part in text.split(separator))


def folded(name: str) -> str:
    """Return a name as it is compared."""
    return name.strip().casefold()


def _is_reused(option: str, name: str, now: Mapping[str, str]) -> bool:
    return any(other != option and folded(theirs) == folded(name) for other, theirs in now.items())


def _ordered(renames: Iterable[Rename]) -> tuple[Rename, ...]:
    """Order renames so that a name is free before another option gets it; swapped names use a third name."""
    waiting = {folded(rename.old): rename for rename in renames}
    ordered: list[Rename] = []
    while waiting:
        free = next(
            (old for old, rename in waiting.items() if folded(rename.new) == old or folded(rename.new) not in waiting),
            None,
        )
        if free is not None:
            ordered.append(waiting.pop(free))
            continue
        old, rename = next(iter(waiting.items()))
        between = f"{rename.new} ({rename.option})"
        ordered.append(Rename(rename.option, rename.old, between, is_reused=rename.is_reused))
        del waiting[old]
        waiting[folded(between)] = Rename(rename.option, between, rename.new)
    return tuple(ordered)
