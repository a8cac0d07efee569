"""Messages of campaigns with their recipients, and the trend reports of the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.local.spotler_sandbox.account.campaigns import CampaignMailing
from shared.local.spotler_sandbox.activity.mailings import LINKS, TREND_REPORT, Event, Interaction, message
from shared.local.spotler_sandbox.http.operation import Call, Operation
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply, iso
from shared.local.spotler_sandbox.routes.mailings import PATHS, detail, identifier

REPORT_FOLDER = "0b7e3a0c-6f0b-4f0e-9e0a-2f5a3c1d7e11"


def details(call: Call) -> Reply:
    """Describe one message of a campaign."""
    mailing = _mailing(call)
    body = {**mailing.document(), "message": message(mailing), "links": list(LINKS)}
    return Reply(200, body, root="campaignMailing")


def trend_reports(call: Call) -> Reply:
    """List the one report of the account, which is active; every mailing belongs to it."""
    wanted = call.query.choice("enabled", "true", "false") != "false"
    mailings = list(call.account.mailings.mailings.values())
    report = {
        "id": TREND_REPORT,
        "name": "Mailings",
        "enabled": True,
        "target": "OTHER",
        "contentType": "MARKETING",
        "createDate": iso(call.account.opened),
        "folderId": REPORT_FOLDER,
        "reportingEnabled": False,
        "author": "Sandbox",
        "mailingCount": len(mailings),
    }
    return call.page("trendReports", [report] if wanted else [], lambda entry: entry)


def _events(event: Event) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        return call.page(PATHS[event], _found(call, event), lambda item: _recipient(item, event))

    return handle


def _events_of_subscription(event: Event) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        found = _found(call, event)
        text = call.path["subscriptionId"]
        number = int(text) if text.isascii() and text.isdigit() else 0
        subscription = call.account.campaigns.subscription(number)
        if subscription is None:
            raise ApiError(404, ErrorType.RESOURCE_NOT_FOUND, "campaign subscription not found")
        return call.page(PATHS[event], [item for item in found if item.letter.subscription is subscription], detail)

    return handle


def _found(call: Call, event: Event) -> list[Interaction]:
    mailing = _mailing(call)
    period = call.query.period(required=False)
    return [item for item in call.account.mailings.of_mailing(mailing, event) if item.at in period]


def _recipient(item: Interaction, event: Event) -> dict[str, Any]:
    assert item.letter.subscription is not None
    return {
        "contactIdentifier": identifier(item.contact),
        **({"sendDate": iso(item.at)} if event is Event.SENT else detail(item)),
        "campaignSubscriptionId": item.letter.subscription.id,
    }


def _mailing(call: Call) -> CampaignMailing:
    mailing = call.account.campaigns.mailing(call.path["mailingId"])
    if mailing is None and call.path["mailingId"] in call.account.mailings.mailings:
        raise ApiError(400, ErrorType.INVALID_MAILING, "mailing belongs to no campaign")
    if mailing is None:
        raise ApiError(404, ErrorType.MAILING_NOTFOUND, "mailing not found")
    return mailing


OPERATIONS = (
    Operation("campaign-mailing.get", "GET", "/campaign-mailing/{mailingId}", details),
    *(
        Operation(f"campaign-mailing.{path}", "GET", f"/campaign-mailing/{{mailingId}}/{path}", _events(event))
        for event, path in PATHS.items()
    ),
    *(
        Operation(
            f"campaign-mailing.{PATHS[event]}-of",
            "GET",
            f"/campaign-mailing/{{mailingId}}/{PATHS[event]}/{{subscriptionId}}",
            _events_of_subscription(event),
        )
        for event in (Event.OPENED, Event.CLICKED)
    ),
    Operation("trend-report.list", "GET", "/trend-report", trend_reports),
)
