"""Mailings and what recipients did with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.local.sandbox.spotler.contacts import SOFT_BOUNCE_LIMIT, Contact, ContactBook, Inactivity
from shared.local.sandbox.spotler.identifiers import Identifiers
from shared.local.sandbox.spotler.wire import Period, iso

TREND_REPORT = 1
LINK = {"id": 1, "name": "Website", "url": "https://www.example.com/", "code": "website"}


class Event(StrEnum):
    """The four feeds of mailing interactions."""

    SENT = "sent"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"


class Bounce(StrEnum):
    """How a mail came back. Interaction feeds write only `HARD` and `SOFT`."""

    HARD = "HARDBOUNCE"
    SOFT = "SOFTBOUNCE"

    @property
    def short(self) -> str:
        """The spelling of the interaction feeds."""
        return self.value.removesuffix("BOUNCE")


@dataclass(frozen=True, slots=True)
class Mailing:
    """One mailing that has been sent."""

    encrypted_id: str
    name: str
    subject: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """One event of one recipient; `bounce` only when bounced."""

    id: int
    event: Event
    contact: Contact
    mailing: Mailing
    at: datetime
    bounce: Bounce | None = None


class MailRoom:
    """Sends mailings to active contacts and keeps the events, oldest first."""

    def __init__(self, contacts: ContactBook, identifiers: Identifiers, now: Callable[[], datetime]) -> None:
        self._contacts = contacts
        self._identifiers = identifiers
        self._now = now
        self.mailings: dict[str, Mailing] = {}
        self.interactions: list[Interaction] = []

    def send(self, name: str, subject: str, recipients: Iterable[Contact]) -> Mailing:
        """Send to those who can be mailed."""
        mailing = Mailing(self._identifiers.encrypted(), name, subject, self._now())
        self.mailings[mailing.encrypted_id] = mailing
        for contact in recipients:
            if contact.inactivity is None and contact.email is not None:
                self._note(Event.SENT, contact, mailing)
        return mailing

    def open(self, contact: Contact) -> Interaction:
        """Open the last mailing the contact got."""
        contact.soft_bounces = 0
        return self._note(Event.OPENED, contact, self._last_mailing(contact))

    def click(self, contact: Contact) -> Interaction:
        """Click the link in the last mailing the contact got."""
        contact.soft_bounces = 0
        return self._note(Event.CLICKED, contact, self._last_mailing(contact))

    def bounce(self, contact: Contact, how: Bounce) -> Interaction:
        """Return the last mailing: one hard or the fourth soft bounce in a row makes the contact inactive."""
        interaction = self._note(Event.BOUNCED, contact, self._last_mailing(contact), how)
        match how:
            case Bounce.HARD:
                self._contacts.inactivate(contact, Inactivity.HARD_BOUNCE)
            case Bounce.SOFT:
                contact.soft_bounces += 1
                if contact.soft_bounces >= SOFT_BOUNCE_LIMIT:
                    self._contacts.inactivate(contact, Inactivity.SOFT_BOUNCE)
        return interaction

    def of_mailing(self, mailing: Mailing, event: Event) -> list[Interaction]:
        """Return the events of one kind."""
        return [item for item in self.interactions if item.event is event and item.mailing is mailing]

    def of_event(self, event: Event, period: Period) -> list[Interaction]:
        """Return the feed of one event."""
        return [item for item in self.interactions if item.event is event and item.at in period]

    def of_contact(self, contact: Contact) -> list[Interaction]:
        """Return all a contact did and got."""
        return [item for item in self.interactions if item.contact is contact]

    def summary(self, mailing: Mailing) -> dict[str, Any]:
        """Describe as the list of mailings does."""
        return {
            "encryptedId": mailing.encrypted_id,
            "name": mailing.name,
            "scheduledStartDate": iso(mailing.sent_at),
            "type": "EMAIL",
            "archiveLink": f"https://archive.example/{mailing.encrypted_id}",
            "sentCount": len(self.of_mailing(mailing, Event.SENT)),
        }

    def _last_mailing(self, contact: Contact) -> Mailing:
        for item in reversed(self.interactions):
            if item.event is Event.SENT and item.contact is contact:
                return item.mailing
        mailing = self.send("Newsletter", "News", ())
        self._note(Event.SENT, contact, mailing)
        return mailing

    def _note(self, event: Event, contact: Contact, mailing: Mailing, bounce: Bounce | None = None) -> Interaction:
        interaction = Interaction(self._identifiers.number(), event, contact, mailing, self._now(), bounce)
        self.interactions.append(interaction)
        return interaction
