"""An account of the Spotler sandbox that has one of everything, for requests with every path and parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.spotler_sandbox.session import Spotler

DATE = "2024-03-01T10:00:00+01:00"
WELCOME = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
VIEWS = ("contacts", "audiences", "temporary-lists", "automation-runs", "campaign-runs", "orders", "tags")


@dataclass(frozen=True)
class Account:
    """An account that has one of everything; its ids by the names they have in paths."""

    spotler: Spotler
    ids: dict[str, str]

    def seen(self) -> dict[str, Any]:
        """What its people see."""
        return {view: self.spotler.people("GET", f"/{view}") for view in VIEWS}


def furnished(spotler: Spotler) -> Account:
    """Give an account one of everything."""
    spotler.write("x", email="x@example.com")
    product = {"externalId": "x", "name": "x", "link": "x", "price": "1", "imageUrl": "x", "imageLargeUrl": "x"}
    order = {"externalId": "x", "externalContactId": "x", "date": DATE, "value": "1", "externalProductIds": ["x"]}
    assert spotler.call("POST", "/product", json={"product": product}).status_code == 204
    assert spotler.call("POST", "/order", json={"order": order}).status_code == 204
    assert spotler.call("POST", "/audience", json={"externalId": "x", "name": "x"}).status_code == 200
    assert spotler.call("POST", "/templist", json={"externalTemporaryListId": "x", "name": "x"}).status_code == 204
    assert spotler.call("POST", "/campaign/trigger/TrgCartLeft", json={"externalContactId": "x"}).status_code == 204
    run = spotler.call("POST", f"/automation/trigger/{WELCOME}", json={"externalContactId": "x"}).json()
    (subscription,) = spotler.get("/contact/x/campaign-mailings")["campaignMailingHistories"]
    mailing = spotler.people("POST", "/mailing", json={"name": "News"})["encryptedId"]
    entry = {"postUrl": "x", "formParams": {"email": ["y@example.com"]}}
    assert spotler.call("POST", "/form/result/1", json=entry).json()["isConfirmationPage"]
    ids = {
        "externalId": "x",
        "externalProductId": "x",
        "externalOrderId": "x",
        "externalTemporaryListId": "x",
        "tag": "x",
        "triggerCode": WELCOME,
        "automationId": run["automationResults"][0]["automationId"],
        "automationContactId": run["automationResults"][0]["automationContactId"],
        "encryptedTriggerId": "TrgCartLeft",
        "encryptedCampaignId": "CmpAbandonCart",
        "encryptedMailingId": mailing,
        "campaignSubscriptionId": str(subscription["campaignSubscriptionId"]),
        "formId": "1",
        "formResultId": str(spotler.get("/form/result/1")[0]["formResultId"]),
        "resource": "contact",
    }
    return Account(spotler, ids)
