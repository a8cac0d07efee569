"""Mailings, messages of campaigns and automations, and the interactions of their recipients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.local.spotler_sandbox.account.automations import AutomationMessage, AutomationRun
from shared.local.spotler_sandbox.account.campaigns import CampaignMailing, CampaignSubscription
from shared.local.spotler_sandbox.account.contacts import SOFT_BOUNCE_LIMIT, Contact, ContactBook, Inactivity
from shared.local.spotler_sandbox.account.identifiers import Identifiers
from shared.local.spotler_sandbox.http.wire import Period, iso

TREND_REPORT = 1
LINKS: tuple[dict[str, Any], ...] = (
    {"id": 1, "name": "Website", "url": "https://www.example.com/", "code": "website"},
    {"id": 2, "name": "Offer of the month", "url": "https://www.example.com/offer", "code": "offer"},
    {"id": 3, "name": "Order", "url": "https://www.example.com/order", "type": "conversion"},
    {"id": 4, "name": "Stories", "url": "https://www.example.com/stories"},
    {"id": 5, "name": "Unsubscribe", "url": "https://www.example.com/unsubscribe", "type": "unsubscribe"},
)
"""The links of every letter."""

WEBSITE, CONVERSION, UNSUBSCRIBE = 1, 3, 5


class Event(StrEnum):
    """The four feeds of mailing interactions."""

    SENT = "sent"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"


class Medium(StrEnum):
    """The medium of a mailing."""

    EMAIL = "EMAIL"
    SMS = "SMS"


class Bounce(StrEnum):
    """The kinds of bounces. Interaction feeds write only `HARD` and `SOFT`."""

    HARD = "HARDBOUNCE"
    SOFT = "SOFTBOUNCE"

    @property
    def short(self) -> str:
        """The spelling of the interaction feeds."""
        return self.value.removesuffix("BOUNCE")


@dataclass(frozen=True, slots=True)
class Mailing:
    """One mailing that has been sent. With `in_report` it belongs to the trend report, whose events the feed has."""

    encrypted_id: str
    name: str
    subject: str
    sent_at: datetime
    medium: Medium = Medium.EMAIL
    in_report: bool = True


Message = Mailing | CampaignMailing | AutomationMessage
"""What a letter brings."""


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A letter to one contact: a mailing, a message of an automation or, with a campaign run, one of a campaign.

    `mailplus_id` is the parameter that the service adds to the links of the letter.
    """

    mailing: Message
    contact: Contact
    mailplus_id: str
    subscription: CampaignSubscription | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """One event of one letter; `bounce` only when bounced, `link` only when clicked.

    `noted` is when the service learned of it: a mail program may report late.
    """

    id: int
    event: Event
    letter: Letter
    at: datetime
    noted: datetime
    bounce: Bounce | None = None
    link: int | None = None

    @property
    def contact(self) -> Contact:
        """The contact of the event."""
        return self.letter.contact

    @property
    def mailing(self) -> Message:
        """The mailing or message of the event."""
        return self.letter.mailing


class Mailings:
    """Sends to active contacts and keeps the letters and events, oldest first."""

    def __init__(self, contacts: ContactBook, identifiers: Identifiers, now: Callable[[], datetime]) -> None:
        self._contacts = contacts
        self._identifiers = identifiers
        self._now = now
        self.mailings: dict[str, Mailing] = {}
        self.interactions: list[Interaction] = []
        self.letters: dict[str, Letter] = {}
        self.unsubscribed: set[tuple[str, str]] = set()
        self.settle: Callable[[], None] = lambda: None
        self.noted_at: datetime | None = None

    def send(
        self,
        name: str,
        subject: str,
        recipients: Iterable[Contact],
        *,
        medium: Medium = Medium.EMAIL,
        in_report: bool = True,
    ) -> Mailing:
        """Send a mailing to all contacts that can be mailed."""
        mailing = Mailing(self._identifiers.encrypted(), name, subject, self._now(), medium, in_report)
        self.mailings[mailing.encrypted_id] = mailing
        for contact in recipients:
            if _reachable(contact):
                self._deliver(mailing, contact)
        return mailing

    def send_campaign(self, subscription: CampaignSubscription) -> None:
        """Send the first message of a campaign, if it has one and the contact can be mailed."""
        for message in subscription.campaign.mailings[:1]:
            if _reachable(subscription.contact):
                self._deliver(message, subscription.contact, subscription)

    def send_automation(self, run: AutomationRun) -> None:
        """Send the message of an automation, if it has one and the contact can be mailed."""
        if run.automation.message is not None and _reachable(run.contact):
            self._deliver(run.automation.message, run.contact)

    def open(self, letter: Letter, at: datetime | None = None) -> Interaction:
        """Open a letter, with its images; `at` is in the past if the service learns of it late."""
        letter.contact.soft_bounces = 0
        return self._note(Event.OPENED, letter, at=at)

    def click(self, letter: Letter, link: int = WEBSITE, at: datetime | None = None) -> Interaction:
        """Click a link in a letter."""
        letter.contact.soft_bounces = 0
        return self._note(Event.CLICKED, letter, link=link, at=at)

    def bounce(self, letter: Letter, how: Bounce) -> Interaction:
        """Return a letter: one hard or the fourth soft bounce in a row makes the contact inactive."""
        interaction = self._note(Event.BOUNCED, letter, bounce=how)
        contact = letter.contact
        match how:
            case Bounce.HARD:
                self._contacts.inactivate(contact, Inactivity.HARD_BOUNCE)
            case Bounce.SOFT:
                contact.soft_bounces += 1
                if contact.soft_bounces >= SOFT_BOUNCE_LIMIT:
                    self._contacts.inactivate(contact, Inactivity.SOFT_BOUNCE)
        return interaction

    def opt_out(self, contact: Contact) -> None:
        """Unsubscribe a contact, by the link in the last letter if there is one."""
        if last := self.last(contact):
            self.unsubscribed.add((last.mailing.encrypted_id, contact.encrypted_id))
        self._contacts.inactivate(contact, Inactivity.OPT_OUT)

    def last(self, contact: Contact, mailing_id: str | None = None) -> Letter | None:
        """Return the last letter to a contact, or its letter of the named mailing."""
        for letter in reversed(self.letters.values()):
            if letter.contact is contact and mailing_id in {None, letter.mailing.encrypted_id}:
                return letter
        return None

    def last_or_new(self, contact: Contact) -> Letter:
        """Return the last letter to a contact; without one, a letter is sent, even to an inactive contact."""
        return self.last(contact) or self._deliver(self.send("Newsletter", "News", ()), contact)

    def of_mailing(self, mailing: Message, event: Event) -> list[Interaction]:
        """Return the events of one kind."""
        self.settle()
        return [item for item in self.interactions if item.event is event and item.mailing is mailing]

    def of_event(self, event: Event, period: Period) -> list[Interaction]:
        """Return the feed of one event, of all messages."""
        self.settle()
        return [item for item in self.interactions if item.event is event and item.at in period]

    def of_contact(self, contact: Contact) -> list[Interaction]:
        """Return all events of a contact."""
        self.settle()
        return [item for item in self.interactions if item.contact is contact]

    def summary(self, mailing: Mailing) -> dict[str, Any]:
        """Return the JSON of the list of mailings."""
        return {
            "encryptedId": mailing.encrypted_id,
            "name": mailing.name,
            "scheduledStartDate": iso(mailing.sent_at),
            "type": str(mailing.medium),
            "archiveLink": f"https://archive.example/{mailing.encrypted_id}",
            "sentCount": len(self.of_mailing(mailing, Event.SENT)),
        }

    def _deliver(self, mailing: Message, contact: Contact, subscription: CampaignSubscription | None = None) -> Letter:
        letter = Letter(mailing, contact, self._identifiers.encrypted(), subscription)
        self.letters[letter.mailplus_id] = letter
        self._note(Event.SENT, letter)
        return letter

    def _note(
        self,
        event: Event,
        letter: Letter,
        *,
        bounce: Bounce | None = None,
        link: int | None = None,
        at: datetime | None = None,
    ) -> Interaction:
        noted = self.noted_at or self._now()
        interaction = Interaction(self._identifiers.number(), event, letter, at or noted, noted, bounce, link)
        self.interactions.append(interaction)
        return interaction


def message(mailing: Mailing | CampaignMailing) -> dict[str, str]:
    """Return the JSON of a letter's content."""
    return {
        "name": mailing.name,
        "author": "Sandbox",
        "subject": mailing.subject,
        "fromName": "Sandbox",
        "fromEmail": "news@example.com",
    }


def _reachable(contact: Contact) -> bool:
    return contact.inactivity is None and contact.email is not None
