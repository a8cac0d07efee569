"""Interactions and pages of contacts, as clients read them, and OAuth fields in the query."""

from __future__ import annotations

from requests_oauthlib import OAuth1Session

from tests.programs.times import LONGEST_WAIT
from tests.spotler_sandbox.cases.calls import MESSAGE, NO_DATES, YEAR, send
from tests.spotler_sandbox.session import KEY, SECRET, Spotler


def test_s34_oauth_fields_may_come_in_the_query(spotler: Spotler) -> None:
    session = OAuth1Session(KEY, client_secret=SECRET, signature_type="query")
    base = f"{spotler.origin}/integrationservice-1.1.0"
    json = {"Accept": "application/json"}
    assert session.get(f"{base}/contact/properties/list", headers=json, timeout=LONGEST_WAIT).status_code == 200
    page = session.get(f"{base}/contact/c1/campaign-mailings?after=0", headers=json, timeout=LONGEST_WAIT)
    assert page.json()["campaignMailingHistories"][0]["campaignMailing"]["encryptedId"] == "CmlCartFirst"
    wrong = OAuth1Session(KEY, client_secret="wrong", signature_type="query")
    refused = wrong.get(f"{base}/contact/c1", headers=json, timeout=LONGEST_WAIT)
    assert (refused.status_code, refused.json()["errorType"]) == (401, "NOT_AUTHORIZED")


def test_the_next_page_is_named_without_the_oauth_fields(spotler: Spotler) -> None:
    spotler.clock.forward(minutes=1)
    spotler.write("c2", email="c2@example.com")
    session = OAuth1Session(KEY, client_secret=SECRET, signature_type="query")
    url = f"{spotler.origin}/integrationservice/contact/updates/list?{YEAR}&pageSize=1"
    following = session.get(url, headers={"Accept": "application/json"}, timeout=LONGEST_WAIT).json()["paging"]["next"]
    assert "oauth" not in following
    assert [person["externalId"] for person in session.get(following, timeout=LONGEST_WAIT).json()["contacts"]] == [
        "c2"
    ]


def test_s32_the_interactions_are_all_there_without_dates(spotler: Spotler) -> None:
    spotler.people("POST", "/mailing", json={"name": "News"})
    for kind, count in (("sent", 1), ("opened", 0), ("clicked", 0), ("bounced", 0)):
        answer = send(spotler, f"GET /mailing-interaction/{kind}?{NO_DATES}", None)
        assert len(answer.json()["interactions"]) == count


def test_s22_to_s25_what_a_contact_does_with_a_campaign_message_is_seen_everywhere(spotler: Spotler) -> None:
    for act in ("open", "click", "soft-bounce"):
        spotler.people("POST", f"/contact/{act}", params={"externalId": "c1", "mailing": "CmlCartFirst"})
    for kind, items in (("opens", "openDate"), ("clicks", "clickDate"), ("bounces", "bounceDate")):
        (item,) = spotler.get(f"{MESSAGE}/{kind}")[kind]
        assert item[items] == "2024-03-01T10:00:00+01:00"
        assert item["contactIdentifier"]["externalId"] == "c1"
    run = item["campaignSubscriptionId"]
    assert spotler.get(f"{MESSAGE}/opens/{run}")["opens"] == [{"openDate": "2024-03-01T10:00:00+01:00"}]
    assert spotler.get(f"{MESSAGE}/clicks/{run}")["clicks"][0]["linkId"] == 1
    (history,) = spotler.get("/contact/c1/campaign-mailings")["campaignMailingHistories"]
    assert (history["opened"], history["clicked"], history["bounce"]) == (True, True, "SOFTBOUNCE")
    (bounce,) = spotler.get("/contact/bounces/list", fromDate="2024-01-01", toDate="2025-01-01")
    assert bounce["encryptedActId"] == "CmlCartFirst"
    assert spotler.get("/mailing-interaction/bounced")["interactions"] == []
