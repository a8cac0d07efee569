"""Audiences: named sets of contacts that a connector maintains, the source of dynamic lists in Mail+."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.local.spotler_sandbox.account.contacts import Contact, ContactBook
from shared.local.spotler_sandbox.http.wire import DateStyle, native_date

NAME_LENGTH = 255
BATCH_LIMIT = 2500


class AudienceRefusedError(Exception):
    """A rule for audiences is broken; nothing has changed."""


class UnknownContactsError(Exception):
    """Some of the external ids are unknown; nothing has changed."""

    def __init__(self, external_ids: Sequence[str]) -> None:
        super().__init__("unknown contacts")
        self.external_ids = external_ids


@dataclass(slots=True, eq=False)
class Audience:
    """An audience with its members by encrypted id. `in_use`: a list or automation depends on it."""

    external_id: str
    name: str
    description: str | None
    created: datetime
    changed: datetime
    last_added: datetime | None = None
    last_removed: datetime | None = None
    in_use: bool = False
    members: dict[str, Contact] = field(default_factory=dict)

    def document(self, dates: DateStyle) -> dict[str, Any]:
        """Return the service's JSON; the last synchronisation is the last change of members."""
        moved = [moment for moment in (self.last_added, self.last_removed) if moment is not None]
        return {
            "externalId": self.external_id,
            "name": self.name,
            "description": self.description,
            "createDate": native_date(self.created, dates),
            "changeDate": native_date(self.changed, dates),
            "lastContactAddedAt": native_date(self.last_added, dates) if self.last_added else None,
            "lastContactRemovedAt": native_date(self.last_removed, dates) if self.last_removed else None,
            "lastSyncDate": native_date(max(moved), dates) if moved else None,
        }


class AudienceStore:
    """All audiences by external id."""

    def __init__(self, contacts: ContactBook, limit: int, now: Callable[[], datetime]) -> None:
        self._contacts = contacts
        self._limit = limit
        self._now = now
        self.all: dict[str, Audience] = {}

    def create(self, external_id: str, name: str, description: str | None) -> Audience:
        """Id and name must be new and of 1 to 255 characters. AudienceRefusedError."""
        if external_id in self.all:
            raise AudienceRefusedError("externalId is not unique")
        if len(self.all) >= self._limit:
            raise AudienceRefusedError("maximum number of audiences exceeded")
        self._check(external_id, name, except_for=None)
        now = self._now()
        audience = Audience(external_id, name, description, created=now, changed=now)
        self.all[external_id] = audience
        return audience

    def rename(self, audience: Audience, name: str, description: str | None) -> None:
        """Change name and description. AudienceRefusedError."""
        self._check(audience.external_id, name, except_for=audience)
        audience.name, audience.description, audience.changed = name, description, self._now()

    def delete(self, audience: Audience) -> None:
        """AudienceRefusedError if it is in use."""
        if audience.in_use:
            raise AudienceRefusedError("audience is in use")
        del self.all[audience.external_id]

    def add(self, audience: Audience, external_ids: Sequence[str]) -> None:
        """Add all or, with one unknown id, none. UnknownContactsError."""
        found = {external_id: self._contacts.find(external_id) for external_id in external_ids}
        if unknown := [external_id for external_id, contact in found.items() if contact is None]:
            raise UnknownContactsError(unknown)
        audience.members |= {contact.encrypted_id: contact for contact in found.values() if contact is not None}
        audience.last_added = self._now()

    def remove(self, audience: Audience, external_ids: Sequence[str]) -> None:
        """Remove contacts; unknown contacts and contacts that are no members are ignored."""
        for external_id in external_ids:
            if contact := self._contacts.find(external_id):
                audience.members.pop(contact.encrypted_id, None)
        audience.last_removed = self._now()

    def clear(self, audience: Audience) -> None:
        """Remove all members."""
        audience.members.clear()
        audience.last_removed = self._now()

    def _check(self, external_id: str, name: str, *, except_for: Audience | None) -> None:
        if not 1 <= len(external_id) <= NAME_LENGTH:
            raise AudienceRefusedError("externalId must have 1 to 255 characters")
        if not 1 <= len(name) <= NAME_LENGTH:
            raise AudienceRefusedError("name must have 1 to 255 characters")
        if any(other.name == name and other is not except_for for other in self.all.values()):
            raise AudienceRefusedError("name is not unique")
