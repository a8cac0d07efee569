"""Temporary lists: created once from external ids, for one mailing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.local.spotler_sandbox.account.contacts import Contact, ContactBook
from shared.local.spotler_sandbox.http.wire import ApiError, DateStyle, ErrorType, native_date


@dataclass(slots=True, eq=False)
class TemporaryList:
    """A list with its members by encrypted id. `in_use`: a mailing is planned with it."""

    external_id: str
    name: str
    created: datetime
    in_use: bool = False
    members: dict[str, Contact] = field(default_factory=dict)

    def document(self, dates: DateStyle) -> dict[str, Any]:
        """Return the service's JSON."""
        return {
            "externalTemporaryListId": self.external_id,
            "name": self.name,
            "createdAt": native_date(self.created, dates),
            "type": "API",
        }


class TemporaryListStore:
    """All temporary lists by external id."""

    def __init__(self, contacts: ContactBook, limit: int, now: Callable[[], datetime]) -> None:
        self._contacts = contacts
        self._limit = limit
        self._now = now
        self.all: dict[str, TemporaryList] = {}

    def create(self, external_id: str, name: str, external_contact_ids: Sequence[str]) -> None:
        """Create a list with all contacts, or none. ApiError 400."""
        if external_id in self.all:
            raise ApiError(400, ErrorType.ID_NOTUNIQUE, "externalTemporaryListId is not unique")
        if any(other.name == name for other in self.all.values()):
            raise ApiError(400, ErrorType.NAME_ALREADY_IN_USE, "name is already in use")
        if len(self.all) >= self._limit:
            raise ApiError(400, ErrorType.INVALID_STATE, "there are too many temporary lists")
        members = self._members(external_contact_ids)
        self.all[external_id] = TemporaryList(external_id, name, self._now(), members=members)

    def add(self, listed: TemporaryList, external_contact_ids: Sequence[str]) -> None:
        """Add all contacts or none. ApiError 400."""
        listed.members |= self._members(external_contact_ids)

    def delete(self, listed: TemporaryList) -> None:
        """ApiError 400 if it is in use."""
        if listed.in_use:
            raise ApiError(400, ErrorType.INVALID_STATE, "the temporary list is in use")
        del self.all[listed.external_id]

    def _members(self, external_contact_ids: Sequence[str]) -> dict[str, Contact]:
        members: dict[str, Contact] = {}
        for external_id in external_contact_ids:
            contact = self._contacts.find(external_id)
            if contact is None:
                raise ApiError(400, ErrorType.CONTACT_NOT_FOUND, "one or more contacts are unknown")
            members[contact.encrypted_id] = contact
        return members
