"""Lists of contacts: changes, bounces, search; and the history of one contact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.local.sandbox.spotler.campaigns import CampaignMailing, CampaignSubscription
from shared.local.sandbox.spotler.contacts import Contact
from shared.local.sandbox.spotler.mailings import Event, Interaction
from shared.local.sandbox.spotler.operation import Call, Operation
from shared.local.sandbox.spotler.properties import EMAIL, InvalidPropertyError
from shared.local.sandbox.spotler.wire import Reply, invalid, iso, native_date

HISTORY_PAGE_SIZE = 50

Item = TypeVar("Item")


def updates(call: Call) -> Reply:
    """List what changed in a period, changes through the API included."""
    period = call.query.period()
    return _feed(call, "contacts", call.account.contacts.changed(period), lambda contact: _document(call, contact))


def bounces(call: Call) -> Reply:
    """List the bounces of a period."""
    found = call.account.mailings.of_event(Event.BOUNCED, call.query.period())
    return _feed(call, "bounces", found, lambda interaction: _bounce(call, interaction))


def search(call: Call) -> Reply:
    """Find by one equality, `property=value`; addresses are compared without regard to case."""
    name, separator, value = call.query.text("MPSearchQuery").partition("=")
    call.query.integer("pageSize", minimum=1)
    if not separator or name not in call.account.catalogue.properties:
        raise invalid("MPSearchQuery must be property=value")
    return call.page("contacts", _matching(call, name, value), lambda contact: _document(call, contact))


def mailings(call: Call) -> Reply:
    """List the mailings one contact got."""
    events = call.account.mailings.of_contact(call.contact())
    sent = [item for item in events if item.event is Event.SENT]
    return call.page("mailingHistories", sent, lambda item: _mailing(call, item, events), size=HISTORY_PAGE_SIZE)


def campaign_mailings(call: Call) -> Reply:
    """List the campaign messages one contact got: the first message of each campaign, at its start."""
    sent = [
        (subscription, subscription.campaign.mailings[0])
        for subscription in call.account.campaigns.of_contact(call.contact())
        if subscription.campaign.mailings
    ]
    return call.page("campaignMailingHistories", sent, _campaign_mailing, size=HISTORY_PAGE_SIZE)


def forms(call: Call) -> Reply:
    """List the forms one contact completed."""
    entries = call.account.form_entries.of_contact(call.contact())
    return call.page("formHistories", entries, lambda entry: entry.document())


def _feed(call: Call, name: str, items: Sequence[Item], document: Callable[[Item], Any]) -> Reply:
    """Answer a page; the versioned prefix answers a bare array and needs no page size."""
    if call.versioned and "pageSize" not in call.query.parameters:
        return Reply(200, [document(item) for item in items], root=name)
    call.query.integer("pageSize", minimum=1)
    page = call.page(name, items, document)
    return Reply(200, page.body[name], root=name) if call.versioned else page


def _document(call: Call, contact: Contact) -> dict[str, Any]:
    return contact.document(call.account.catalogue, call.settings.native_dates)


def _bounce(call: Call, interaction: Interaction) -> dict[str, Any]:
    return {
        "date": native_date(interaction.at, call.settings.native_dates),
        "type": str(interaction.bounce),
        "encryptedActId": interaction.mailing.encrypted_id,
        "contact": _document(call, interaction.contact),
    }


def _matching(call: Call, name: str, value: str) -> list[Contact]:
    if name == EMAIL:
        return call.account.contacts.with_email(value)
    try:
        wanted = call.account.catalogue.read({name: value})[name]
    except InvalidPropertyError as error:
        raise invalid(str(error)) from error
    return [contact for contact in call.account.contacts if contact.properties.get(name) == wanted]


def _mailing(call: Call, sent: Interaction, events: Sequence[Interaction]) -> dict[str, Any]:
    same = [item for item in events if item.mailing is sent.mailing]
    happened = {item.event for item in same}
    returned = [str(item.bounce) for item in same if item.bounce is not None]
    return {
        "mailing": call.account.mailings.summary(sent.mailing),
        "sentDate": iso(sent.at),
        "opened": Event.OPENED in happened,
        "clicked": Event.CLICKED in happened,
        **({"bounce": returned[-1]} if returned else {}),
    }


def _campaign_mailing(sent: tuple[CampaignSubscription, CampaignMailing]) -> dict[str, Any]:
    subscription, mailing = sent
    return {
        "campaignMailing": mailing.document(),
        "campaignSubscriptionId": subscription.id,
        "sentDate": iso(subscription.started),
        "opened": False,
        "clicked": False,
    }


OPERATIONS = (
    Operation("contact.updates", "GET", "/contact/updates/list", updates, json_only=True),
    Operation("contact.bounces", "GET", "/contact/bounces/list", bounces, json_only=True),
    Operation("contact.search", "GET", "/contact/search", search, json_only=True),
    Operation("contact.mailings", "GET", "/contact/{externalId}/mailings", mailings),
    Operation("contact.campaign-mailings", "GET", "/contact/{externalId}/campaign-mailings", campaign_mailings),
    Operation("contact.forms", "GET", "/contact/{externalId}/forms", forms),
)
