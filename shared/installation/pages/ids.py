"""Ids that every run computes again: a second run finds what the first one made.

All are UUIDv5 of names within one namespace of the connector, so that they are the same in every organisation.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "https://github.com/spotler-connector/dataverse")


def stable_id(*names: str) -> UUID:
    """Return the id of the thing that these names lead to, such as a form's id, its tab and a section."""
    return uuid5(NAMESPACE, "/".join(name.lower() for name in names))


def braced(identifier: UUID) -> str:
    """Spell an id as form XML has it."""
    return f"{{{identifier}}}"
