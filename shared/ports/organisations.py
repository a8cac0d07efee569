"""Whose messages are ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message says that it comes from: the id of an organisation, and the host name of its URL if it tells."""

    organisation: UUID
    host: str = ""


@dataclass(frozen=True, slots=True)
class OriginRefused:
    """A message that repeating will not improve; both texts are free of personal data."""

    reason: str
    description: str


class Organisations(Protocol):
    """Tells messages of ours from those of others."""

    async def refusal(self, origin: Origin) -> OriginRefused | None:
        """Return why a message is refused, None if it is ours. Raises ConnectorErrors when that cannot be told now."""
        ...


class OwnUser(Protocol):
    """The user of the connector in Dataverse."""

    async def learn(self) -> None:
        """Ask Dataverse for the user's id, unless it is known. Raises no ConnectorError."""
        ...
