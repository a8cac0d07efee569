"""Campaigns: the older module next to automations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.local.spotler_sandbox.account.contacts import Contact
from shared.local.spotler_sandbox.account.identifiers import Identifiers


@dataclass(frozen=True, slots=True)
class CampaignMailing:
    """A message of a campaign."""

    encrypted_id: str
    name: str
    subject: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON of the list of a campaign's mailings."""
        return {"encryptedId": self.encrypted_id, "name": self.name, "type": "EMAIL"}


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign; `trigger_id` and `trigger_name` are None without an external trigger."""

    encrypted_id: str
    name: str
    active: bool = True
    trigger_id: str | None = None
    trigger_name: str | None = None
    mailings: tuple[CampaignMailing, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON of the list of campaigns: only external triggers, no key without one."""
        body: dict[str, Any] = {"encryptedId": self.encrypted_id, "name": self.name, "active": self.active}
        if self.trigger_id is not None:
            body["triggers"] = [{"encryptedId": self.trigger_id, "name": self.trigger_name}]
        return body


@dataclass(slots=True, eq=False)
class CampaignSubscription:
    """A run of one campaign for one contact; `fields` are the values for its messages, as received."""

    id: int
    campaign: Campaign
    contact: Contact
    started: datetime
    fields: Sequence[dict[str, Any]] = ()
    finished: bool = False


class CampaignStateError(Exception):
    """The state of the campaign or of the contact does not allow the call."""


DEFAULT_CAMPAIGNS = (
    Campaign(
        "CmpAbandonCart",
        "Abandoned cart",
        trigger_id="TrgCartLeft",
        trigger_name="Cart left",
        mailings=(CampaignMailing("CmlCartFirst", "You left something", "Your cart is waiting"),),
    ),
    Campaign("CmpOldWelcome", "Old welcome", active=False, trigger_id="TrgOldWelcome", trigger_name="Sign-up"),
    Campaign("CmpBirthday", "Birthday wishes"),
)


class CampaignStore:
    """Starts and stops campaigns for contacts. Their messages are mailings of the account."""

    def __init__(self, campaigns: tuple[Campaign, ...], identifiers: Identifiers, now: Callable[[], datetime]) -> None:
        self.campaigns = {campaign.encrypted_id: campaign for campaign in campaigns}
        self.subscriptions: list[CampaignSubscription] = []
        self._identifiers = identifiers
        self._now = now

    def triggered_by(self, trigger_id: str) -> Campaign | None:
        """Look up the campaign of a trigger."""
        return next((campaign for campaign in self.campaigns.values() if campaign.trigger_id == trigger_id), None)

    def mailing(self, encrypted_id: str) -> CampaignMailing | None:
        """Look up a message of any campaign."""
        messages = (message for campaign in self.campaigns.values() for message in campaign.mailings)
        return next((message for message in messages if message.encrypted_id == encrypted_id), None)

    def subscription(self, number: int) -> CampaignSubscription | None:
        """Look up the run of a contact in a campaign."""
        return next((found for found in self.subscriptions if found.id == number), None)

    def start(
        self, campaign: Campaign, contact: Contact, fields: Sequence[dict[str, Any]] = ()
    ) -> CampaignSubscription:
        """Start a run for a contact. CampaignStateError if the campaign is off or the contact has a run."""
        if not campaign.active:
            raise CampaignStateError("campaign is inactive")
        if any(not subscription.finished for subscription in self._of(campaign, contact)):
            raise CampaignStateError("contact is already active in this campaign")
        subscription = CampaignSubscription(self._identifiers.number(), campaign, contact, self._now(), fields)
        self.subscriptions.append(subscription)
        return subscription

    def stop(self, campaign: Campaign, contact: Contact) -> None:
        """End the run of a contact. CampaignStateError without one."""
        subscriptions = self._of(campaign, contact)
        if not subscriptions:
            raise CampaignStateError("campaign was not triggered for this contact")
        if subscriptions[-1].finished:
            raise CampaignStateError("campaign has already finished for this contact")
        subscriptions[-1].finished = True

    def _of(self, campaign: Campaign, contact: Contact) -> list[CampaignSubscription]:
        return [found for found in self.subscriptions if found.contact is contact and found.campaign is campaign]
