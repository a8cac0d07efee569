"""The Spotler Permission rows of a new record, and which of them start subscribed (ENV-01..ENV-15, PERM-12, C-18).

Two environment variables of Dataverse define them, both lists of names separated by semicolons:

| | permissions | permissions enabled by default |
|---|---|---|
| nothing, or `;` | no rows: the feature is off (ENV-06) | every permission disabled (ENV-11) |
| `Newsletter;Productinfo;` | these rows | these enabled, the others disabled (ENV-12) |
| `[All]` | | every permission enabled (ENV-13) |
| `[All];Newsletter;` | | every permission enabled except these (ENV-14) |

Names are compared as in `PropertyDefinition.entry`: case and outer blanks do not matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.records.marketing_contact import PropertyDefinition

SEPARATOR = ";"
ALL = "[all]"
"""The keyword, as it is compared."""


@dataclass(frozen=True, slots=True)
class PermissionDefault:
    """One row of a new record: the name in the platform's spelling, and whether it starts with a yes."""

    name: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class PermissionDefaults:
    """The rows of a new record, in the order of the first variable.

    `unknown` counts the names of either variable that the platform does not have, or has twice: these are ignored.
    """

    rows: tuple[PermissionDefault, ...] = ()
    unknown: int = 0


def permission_defaults(
    permissions: str | None, enabled: str | None, definition: PropertyDefinition | None
) -> PermissionDefaults:
    """Read both variables; None is a missing variable. `definition` is the property of permissions.

    The second variable works on permissions of the first only (ENV-15).
    """
    listed, named = set(_names(permissions)), set(_names(enabled))
    starts_with_all = ALL in named
    named.discard(ALL)
    rows: dict[str, PermissionDefault] = {}
    for name in _names(permissions):
        entry = definition.entry(name) if definition else None
        if entry is not None:
            rows.setdefault(name, PermissionDefault(entry.label.strip(), (name in named) is not starts_with_all))
    if not listed:
        return PermissionDefaults()
    unknown = sum(definition is None or definition.entry(name) is None for name in listed | named)
    return PermissionDefaults(tuple(rows.values()), unknown)


def _names(text: str | None) -> Iterator[str]:
    """Yield the names between the semicolons in the form of comparison: no outer blanks, no empty names (ENV-03)."""
    for part in (text or "").split(SEPARATOR):
        if name := part.strip().casefold():
            yield name
