"""Entries of the account's one sign-up form. They come from people, not through the REST API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.local.sandbox.spotler.contacts import Contact
from shared.local.sandbox.spotler.identifiers import Identifiers
from shared.local.sandbox.spotler.wire import iso

SIGN_UP_FORM = {"id": 1, "name": "Sign-up", "formSubType": "subscribe", "formState": "final"}


@dataclass(frozen=True, slots=True, eq=False)
class FormEntry:
    """One completed form."""

    id: int
    contact: Contact
    at: datetime

    def document(self) -> dict[str, Any]:
        """Describe as a contact's form history does."""
        return {"form": SIGN_UP_FORM, "formResultId": self.id, "submitDate": iso(self.at), "completed": True}


class FormEntries:
    """All completed forms, oldest first."""

    def __init__(self, identifiers: Identifiers, now: Callable[[], datetime]) -> None:
        self._identifiers = identifiers
        self._now = now
        self._entries: list[FormEntry] = []

    def add(self, contact: Contact) -> None:
        """Note that a contact completed the form."""
        self._entries.append(FormEntry(self._identifiers.number(), contact, self._now()))

    def of_contact(self, contact: Contact) -> list[FormEntry]:
        """Return a contact's entries."""
        return [entry for entry in self._entries if entry.contact is contact]
