"""The port that checks which organisation a message comes from."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """The stated origin of a message: the id of an organisation, and the host name of its URL if present."""

    organisation: UUID
    host: str = ""


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A message cannot be parsed, or comes from another organisation; both texts are free of personal data."""

    reason: str
    description: str


class Organisations(Protocol):
    """Separates messages of the connector's organisation from others."""

    async def rejection(self, origin: Origin) -> RejectedMessage | None:
        """Return why a message is rejected, None if it is accepted. ConnectorErrors if that cannot be checked now."""


class OwnUser(Protocol):
    """The user of the connector in Dataverse."""

    async def learn(self) -> None:
        """Ask Dataverse for the user's id, unless it is known. Raises no ConnectorError."""
