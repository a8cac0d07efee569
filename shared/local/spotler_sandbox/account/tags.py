"""Tags and scores. The service's own calls are unknown; the behaviour follows its manuals."""

from __future__ import annotations

from enum import StrEnum

from shared.local.spotler_sandbox.account.contacts import Contact, ContactBook, TagScore


class ScoreOperation(StrEnum):
    """How a score changes."""

    SET = "SET"
    INCREASE = "INCREASE"
    DECREASE = "DECREASE"


class TagBook:
    """The tags of the account. Names are trimmed and compared without regard to case."""

    def __init__(self, contacts: ContactBook) -> None:
        self._contacts = contacts
        self._names: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """All tags as they were first spelled."""
        return list(self._names.values())

    def create(self, name: str) -> None:
        """Create a tag; an existing tag is left unchanged."""
        self._names.setdefault(_key(name), name.strip())

    def add(self, contact: Contact, name: str) -> TagScore:
        """Add a tag with score 0 to a contact; an existing tag is left unchanged."""
        self.create(name)
        tag = contact.tags.setdefault(_key(name), TagScore(self._names[_key(name)]))
        self._contacts.touch(contact)
        return tag

    def remove(self, contact: Contact, name: str) -> None:
        """Remove a tag and its score; an absent tag is no error."""
        if contact.tags.pop(_key(name), None):
            self._contacts.touch(contact)

    def score(self, contact: Contact, name: str, operation: ScoreOperation, value: int) -> None:
        """Change a score; an absent tag starts at 0."""
        tag = self.add(contact, name)
        match operation:
            case ScoreOperation.SET:
                tag.score = value
            case ScoreOperation.INCREASE:
                tag.score += value
            case ScoreOperation.DECREASE:
                tag.score -= value


def _key(name: str) -> str:
    return name.strip().casefold()
