"""Tables that customers have added to an organisation of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Column = Mapping[str, Any]


def custom_table(entity_set: str, identifier: str, *, name: str, **columns: Column) -> Mapping[str, Any]:
    """Return a table as the settings of the sandbox describe it, with the columns that Dataverse adds to each."""
    return {
        "set": entity_set,
        "id": identifier,
        "name": name,
        "columns": {
            identifier: {"type": "Uniqueidentifier"},
            **columns,
            "createdon": {"type": "DateTime", "readonly": True},
            "modifiedon": {"type": "DateTime", "readonly": True},
            "versionnumber": {"type": "BigInt", "readonly": True},
        },
    }


def text(length: int = 100) -> Column:
    """Return a column of text."""
    return {"type": "String", "max": length}


PERIODIEK = custom_table(
    "new_periodieken",
    "new_periodiekid",
    name="new_name",
    new_name=text(),
    new_subscribed={"type": "Boolean", "options": {"0": "No", "1": "Yes"}, "default": False},
    new_contactid={"type": "Lookup", "targets": {"contact": "new_ContactId"}},
)
"""Subscriptions of contacts to magazines, one row each (`@map(periodiek)`)."""


def membership_entries(*, name: str, **columns: Column) -> Mapping[str, Any]:
    """Return the table that new subscribers are entered in, each with an e-mail address and `columns`."""
    return custom_table("new_membershipentries", "new_membershipentryid", name=name, new_email=text(), **columns)
