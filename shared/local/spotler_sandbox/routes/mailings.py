"""Mailings with their recipients, and the account-wide feeds of interactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.local.spotler_sandbox.account.automations import AutomationMessage
from shared.local.spotler_sandbox.account.campaigns import CampaignMailing
from shared.local.spotler_sandbox.account.contacts import Contact
from shared.local.spotler_sandbox.activity.mailings import (
    CONVERSION,
    LINKS,
    TREND_REPORT,
    Bounce,
    Event,
    Interaction,
    Mailing,
    Medium,
    message,
)
from shared.local.spotler_sandbox.activity.shop import ConversionType
from shared.local.spotler_sandbox.http.operation import Call, Operation
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply, invalid, iso

PATHS = {Event.SENT: "recipients", Event.OPENED: "opens", Event.CLICKED: "clicks", Event.BOUNCED: "bounces"}


def mailings(call: Call) -> Reply:
    """List the mailings of a period, without pages."""
    period = call.query.period()
    call.query.without_effect("pageSize")
    room = call.account.mailings
    found = [room.summary(mailing) for mailing in room.mailings.values() if mailing.sent_at in period]
    return Reply(200, found, root="mailings")


def mailing_details(call: Call) -> Reply:
    """Describe one mailing."""
    mailing = _mailing(call)
    details = {"sender": "Sandbox", "targetGroup": "All contacts", "message": message(mailing), "links": list(LINKS)}
    return Reply(200, {**call.account.mailings.summary(mailing), **details}, root="mailing")


def statistics(call: Call) -> Reply:
    """Count interactions of recipients. Opens with images are rendered ones; every click counts as an open, too."""
    mailing = _mailing(call)
    if mailing.medium is Medium.SMS:
        raise ApiError(400, ErrorType.INVALID_MAILING, "mailing is no e-mail")
    events = {event: call.account.mailings.of_mailing(mailing, event) for event in Event}
    people = {event: {id(item.contact) for item in items} for event, items in events.items()}
    unique = {event: len(contacts) for event, contacts in people.items()}
    hard = sum(item.bounce is Bounce.HARD for item in events[Event.BOUNCED])
    soft = sum(item.bounce is Bounce.SOFT for item in events[Event.BOUNCED])
    dropped = {id(item.contact) for item in events[Event.BOUNCED] if item.contact.inactivity is not None}
    bought = call.account.shop.conversions_of(mailing.encrypted_id)
    converted = [item for item in bought if item.type is ConversionType.CONVERT_SHOPPINGCART]
    body = {
        "sentCount": unique[Event.SENT],
        "acceptedCount": unique[Event.SENT] - hard - soft,
        "openCount": len(people[Event.OPENED] | people[Event.CLICKED]),
        "openRenderedCount": unique[Event.OPENED],
        "clickCount": unique[Event.CLICKED],
        "hardbounceCount": hard,
        "softbounceCount": soft,
        "notRetainedAfterBounceCount": len(dropped),
        "conversionClickCount": len({id(item.contact) for item in events[Event.CLICKED] if item.link == CONVERSION}),
        "unsubscribeCount": sum(to == mailing.encrypted_id for to, _ in call.account.mailings.unsubscribed),
        "toWebshopCount": 0,
        "shoppingcartCreatedCount": len(bought) - len(converted),
        "shoppingcartConvertedCount": len(converted),
        "conversionValue": sum(int(item.value or 0) for item in converted),
    }
    return Reply(200, body, root="mailingStatistics")


def _recipients(event: Event) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        found = _listed(call, _mailing(call), event)
        return call.page(
            PATHS[event], found, lambda item: {"contactIdentifier": identifier(item.contact), **detail(item, event)}
        )

    return handle


def _recipient(event: Event) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        mailing = _mailing(call)
        contact = call.account.contacts.find(call.path["externalId"])
        if contact is None:
            raise invalid("contact not found")
        found = [item for item in _listed(call, mailing, event) if item.contact is contact]
        return call.page(PATHS[event], found, lambda item: detail(item, event))

    return handle


def _interactions(event: Event) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        happened = call.query.period(required=False)
        changed = call.query.period("fromChangeDate", "toChangeDate", required=False)
        reports = call.query.optional("trendReportIds")
        ids = [] if reports is None else reports.split(",")
        if not all(text.isascii() and text.isdigit() for text in ids):
            raise invalid("trendReportIds must be whole numbers with commas between them")
        wanted = reports is None or str(TREND_REPORT) in ids
        feed = [
            item
            for item in call.account.mailings.of_event(event, happened)
            if wanted and item.noted in changed and _is_in_feed(call, item)
        ]
        return call.page("interactions", feed, _interaction)

    return handle


def _listed(call: Call, mailing: Mailing, event: Event) -> list[Interaction]:
    """Return the events of a list. Depending on the settings, the opens hold every click as well."""
    found = call.account.mailings.of_mailing(mailing, event)
    if event is Event.OPENED and call.settings.clicks_are_opens:
        found = [*found, *call.account.mailings.of_mailing(mailing, Event.CLICKED)]
    return found


def _is_in_feed(call: Call, item: Interaction) -> bool:
    """Whether the feed has an event: of mailings in the trend report; of others by the settings."""
    match item.mailing:
        case Mailing():
            return item.mailing.in_report
        case AutomationMessage():
            return call.settings.automations_in_feed
        case CampaignMailing():
            return call.settings.campaigns_in_feed


def _mailing(call: Call) -> Mailing:
    mailing = call.account.mailings.mailings.get(call.path["mailingId"])
    if mailing is None and call.account.campaigns.mailing(call.path["mailingId"]):
        raise ApiError(400, ErrorType.INVALID_MAILING, "mailing belongs to a campaign")
    if mailing is None:
        raise ApiError(404, ErrorType.MAILING_NOTFOUND, "mailing not found")
    return mailing


def identifier(contact: Contact) -> dict[str, Any]:
    """Return the reference to a contact in lists of recipients."""
    own = {"encryptedId": contact.encrypted_id}
    return own if contact.external_id is None else {**own, "externalId": contact.external_id}


def detail(item: Interaction, event: Event | None = None) -> dict[str, Any]:
    """Return the time of an interaction, and the details of a click or a bounce, as the list of `event` has them."""
    match event or item.event:
        case Event.SENT:
            return {}
        case Event.OPENED:
            return {"openDate": iso(item.at)}
        case Event.CLICKED:
            return {"clickDate": iso(item.at), "linkId": item.link}
        case Event.BOUNCED:
            return {"bounceDate": iso(item.at), "type": str(item.bounce)}


def _interaction(item: Interaction) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": item.id,
        **({} if item.contact.external_id is None else {"externalContactId": item.contact.external_id}),
        "encryptedMailingId": item.mailing.encrypted_id,
        "date": iso(item.at),
        "changeDate": iso(item.noted),
        "trendReportId": TREND_REPORT,
    }
    if item.event is Event.SENT and not isinstance(item.mailing, CampaignMailing):
        body |= {
            "name": item.mailing.name,
            "subject": item.mailing.subject,
            "onlineVersionLink": f"https://archive.example/{item.mailing.encrypted_id}",
        }
    if item.bounce is not None:
        body["bounceType"] = item.bounce.short
    return body


OPERATIONS = (
    Operation("mailing.list", "GET", "/mailing", mailings),
    Operation("mailing.get", "GET", "/mailing/{mailingId}", mailing_details),
    Operation("mailing.statistics", "GET", "/mailing/{mailingId}/statistics", statistics),
    *(
        Operation(f"mailing.{path}", "GET", f"/mailing/{{mailingId}}/{path}", _recipients(event))
        for event, path in PATHS.items()
    ),
    *(
        Operation(f"mailing.{PATHS[event]}-of", "GET", f"/mailing/{{mailingId}}/{PATHS[event]}/{{externalId}}", handle)
        for event, handle in ((Event.OPENED, _recipient(Event.OPENED)), (Event.CLICKED, _recipient(Event.CLICKED)))
    ),
    *(
        Operation(f"mailing-interaction.{event}", "GET", f"/mailing-interaction/{event}", _interactions(event))
        for event in Event
    ),
)
