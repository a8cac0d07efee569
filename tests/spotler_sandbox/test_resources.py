"""Audiences, lists, automations, campaigns, tags and mailings of the Spotler sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from requests import Response

from tests.spotler_sandbox.session import Sandbox, Spotler, refused

WELCOME = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
BIRTHDAY = "d27b1c60-94a1-4c8e-a2f5-7e9b0d3c5f02"
WINBACK = "0e94f7a3-1b6d-4d25-8c70-9f3e5a2b8d03"


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    spotler = sandbox.open(audience_limit=3, temporary_list_limit=2)
    for external_id in ("c1", "c2"):
        spotler.write(external_id, email=f"{external_id}@example.com")
    return spotler


def audience(spotler: Spotler, external_id: str = "top", name: str = "Top 100") -> Response:
    return spotler.call("POST", "/audience", json={"externalId": external_id, "name": name})


def members(spotler: Spotler, external_id: str = "top") -> list[str]:
    found: list[str] = spotler.people("GET", "/audiences")[external_id]
    return found


def start(spotler: Spotler, code: str, contact: str = "c1", **body: Any) -> Response:
    return spotler.call("POST", f"/automation/trigger/{code}", json={"externalContactId": contact, **body})


def tags(spotler: Spotler) -> dict[str, int]:
    return {entry["tag"]: entry["score"] for entry in spotler.get("/contact/c1/tag")}


def test_an_audience_is_created_read_renamed_and_deleted(spotler: Spotler) -> None:
    created = audience(spotler)
    assert (created.status_code, created.json()["name"]) == (200, "Top 100")
    assert spotler.get("/audience/top") == {
        "externalId": "top",
        "name": "Top 100",
        "description": None,
        "createDate": 1709283600000,
        "changeDate": 1709283600000,
        "lastContactAddedAt": None,
        "lastContactRemovedAt": None,
        "lastSyncDate": None,
    }
    body = {"externalId": "top", "name": "Top 50", "description": "Best"}
    assert spotler.call("PUT", "/audience/top", json=body).json()["description"] == "Best"
    assert spotler.call("DELETE", "/audience/top").status_code == 204
    assert spotler.call("GET", "/audience/top").status_code == 404


def test_an_audience_keeps_its_id(spotler: Spotler) -> None:
    audience(spotler)
    body = {"externalId": "other", "name": "Top 50"}
    assert refused(spotler.call("PUT", "/audience/top", json=body), 400, "INVALID_PARAMS")


@pytest.mark.parametrize(
    ("external_id", "name"),
    [("", "New"), ("new", ""), ("x" * 256, "New"), ("new", "x" * 256), ("top", "New"), ("new", "Top 100")],
)
def test_a_bad_or_taken_name_or_id_of_an_audience_is_417_without_a_body(
    spotler: Spotler, external_id: str, name: str
) -> None:
    audience(spotler)
    answer = audience(spotler, external_id, name)
    assert (answer.status_code, answer.content) == (417, b"")


def test_renaming_an_audience_to_a_taken_name_and_too_many_audiences_are_417(spotler: Spotler) -> None:
    for number in range(3):
        assert audience(spotler, f"a{number}", f"Audience {number}").status_code == 200
    assert audience(spotler, "a3", "Audience 3").status_code == 417
    taken = {"externalId": "a0", "name": "Audience 1"}
    assert spotler.call("PUT", "/audience/a0", json=taken).status_code == 417


def test_an_audience_in_use_cannot_be_deleted(spotler: Spotler) -> None:
    audience(spotler)
    spotler.people("PUT", "/in-use", params={"audience": "top"}, json={"inUse": True})
    assert spotler.call("DELETE", "/audience/top").status_code == 417
    spotler.people("PUT", "/in-use", params={"audience": "top"}, json={"inUse": False})
    assert spotler.call("DELETE", "/audience/top").status_code == 204


def test_contacts_are_added_all_or_none(spotler: Spotler) -> None:
    audience(spotler)
    assert spotler.call("POST", "/audience/top/contact", json={"contacts": ["c1", "c1"]}).status_code == 204
    answer = spotler.call("POST", "/audience/top/contact", json={"contacts": ["c2", "c8", "c9"]})
    assert refused(answer, 404, "CONTACT_NOT_FOUND")
    assert answer.json()["externalContactIds"] == ["c8", "c9"]
    assert members(spotler) == ["c1"]
    assert spotler.get("/audience/top")["lastContactAddedAt"] == 1709283600000


def test_removing_ignores_the_unknown_and_an_empty_list_but_no_body_empties_the_audience(spotler: Spotler) -> None:
    audience(spotler)
    spotler.call("POST", "/audience/top/contact", json={"contacts": ["c1", "c2"]})
    assert spotler.call("DELETE", "/audience/top/contact", json={"contacts": ["c1", "c9"]}).status_code == 204
    assert spotler.call("DELETE", "/audience/top/contact", json={"contacts": []}).status_code == 204
    assert members(spotler) == ["c2"]
    assert spotler.call("DELETE", "/audience/top/contact").status_code == 204
    assert members(spotler) == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_2500_ids_are_taken_at_once_and_2501_are_413(spotler: Spotler, method: str) -> None:
    audience(spotler)
    assert spotler.call(method, "/audience/top/contact", json={"contacts": ["c1"] * 2500}).status_code == 204
    assert spotler.call(method, "/audience/top/contact", json={"contacts": ["c1"] * 2501}).status_code == 413


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_members_of_an_unknown_audience_are_404_without_a_body(spotler: Spotler, method: str) -> None:
    answer = spotler.call(method, "/audience/none/contact", json={"contacts": ["c1"]})
    assert (answer.status_code, answer.content) == (404, b"")


def test_without_the_licence_every_audience_call_is_403(sandbox: Sandbox) -> None:
    spotler = sandbox.open(audience_licence=False)
    assert audience(spotler).status_code == 403
    assert spotler.call("GET", "/audience/top").status_code == 403
    assert spotler.call("DELETE", "/audience/top/contact").status_code == 403
    assert spotler.call("GET", "/templist").status_code == 200


def test_a_temporary_list_is_created_filled_listed_and_deleted(spotler: Spotler) -> None:
    body = {"externalTemporaryListId": "spring", "name": "Spring", "contacts": ["c1"]}
    assert spotler.call("POST", "/templist", json=body).status_code == 204
    assert spotler.call("POST", "/templist/spring", json={"contacts": ["c2"]}).status_code == 204
    assert spotler.get("/templist") == [
        {"externalTemporaryListId": "spring", "name": "Spring", "createdAt": 1709283600000, "type": "API"}
    ]
    spotler.people("PUT", "/in-use", params={"temporaryList": "spring"}, json={"inUse": True})
    assert refused(spotler.call("DELETE", "/templist/spring"), 400, "INVALID_STATE")
    spotler.people("PUT", "/in-use", params={"temporaryList": "spring"}, json={"inUse": False})
    assert spotler.call("DELETE", "/templist/spring").status_code == 204
    assert refused(spotler.call("DELETE", "/templist/spring"), 404, "RESOURCE_NOT_FOUND")


def test_a_temporary_list_with_a_taken_id_or_name_or_an_unknown_contact_or_one_too_many_is_refused(
    spotler: Spotler,
) -> None:
    def create(external_id: str, name: str, *contacts: str) -> Response:
        body = {"externalTemporaryListId": external_id, "name": name, "contacts": contacts}
        return spotler.call("POST", "/templist", json=body)

    assert create("a", "A").status_code == 204
    assert refused(create("a", "B"), 400, "ID_NOTUNIQUE")
    assert refused(create("b", "A"), 400, "NAME_ALREADY_IN_USE")
    assert refused(create("b", "B", "c1", "c9"), 400, "CONTACT_NOT_FOUND")
    assert refused(spotler.call("POST", "/templist/a", json={"contacts": ["c9"]}), 400, "CONTACT_NOT_FOUND")
    assert refused(spotler.call("POST", "/templist/b", json={"contacts": []}), 404, "RESOURCE_NOT_FOUND")
    assert create("b", "B").status_code == 204
    assert refused(create("c", "C"), 400, "INVALID_STATE")


def test_a_trigger_starts_an_automation_with_its_fields(spotler: Spotler) -> None:
    fields = [
        {"name": "voucher", "type": "STRING", "value": "X1"},
        {"name": "cart", "type": "PRODUCTLIST", "values": []},
    ]
    answer = start(spotler, WELCOME, automationFields=fields)
    assert (answer.status_code, answer.json()["result"]) == (200, "OK")
    run = answer.json()["automationResults"][0]
    assert run["result"] == "OK"
    assert spotler.people("GET", "/automation-runs") == [
        {
            "automationContactId": run["automationContactId"],
            "automationId": run["automationId"],
            "externalContactId": "c1",
            "fields": fields,
            "stopped": False,
        }
    ]


@pytest.mark.parametrize(
    ("code", "contact", "result"),
    [
        ("00000000-0000-0000-0000-000000000000", "c1", "TRIGGER_NOTFOUND"),
        ("no-uuid", "c1", "TRIGGER_NOTFOUND"),
        (WELCOME, "c9", "CONTACT_NOTFOUND"),
    ],
)
def test_an_unknown_trigger_or_contact_is_404_with_a_result(
    spotler: Spotler, code: str, contact: str, result: str
) -> None:
    answer = start(spotler, code, contact)
    assert (answer.status_code, answer.json()) == (404, {"result": result, "automationResults": []})


def test_an_automation_that_is_off_or_has_had_the_contact_often_enough_is_417(spotler: Spotler) -> None:
    assert start(spotler, BIRTHDAY).status_code == 200
    for code, reason in ((BIRTHDAY, "PARTICIPATION_LIMIT_REACHED"), (WINBACK, "AUTOMATION_INACTIVE")):
        answer = start(spotler, code)
        assert (answer.status_code, answer.json()["result"]) == (417, "NOT_TRIGGERED")
        assert [entry["result"] for entry in answer.json()["automationResults"]] == [reason]
    assert start(spotler, BIRTHDAY, "c2").status_code == 200


def test_automations_are_listed_and_stopped_by_run_or_for_a_contact(spotler: Spotler) -> None:
    listed = {entry["name"]: entry for entry in spotler.get("/automation/list")}
    assert listed["Welcome"]["triggers"][0]["triggerCode"] == WELCOME
    assert not listed["Old winback"]["active"]
    run = start(spotler, WELCOME).json()["automationResults"][0]
    assert spotler.call("POST", f"/automation/stop/{run['automationContactId']}").status_code == 204
    assert refused(spotler.call("POST", f"/automation/stop/{WELCOME}"), 404, "RESOURCE_NOT_FOUND")
    stop = f"/automation/{run['automationId']}/stop"
    assert refused(spotler.call("POST", stop, json={"externalContactId": "c1"}), 400, "INVALID_STATE")
    start(spotler, WELCOME)
    assert spotler.call("POST", stop, json={"externalContactId": "c1"}).status_code == 204
    assert all(entry["stopped"] for entry in spotler.people("GET", "/automation-runs"))
    assert refused(spotler.call("POST", stop, json={"externalContactId": "c9"}), 400, "CONTACT_NOT_FOUND")


def test_a_campaign_takes_a_contact_once_at_a_time(spotler: Spotler) -> None:
    def trigger(code: str, contact: str = "c1") -> Response:
        return spotler.call("POST", f"/campaign/trigger/{code}", json={"externalContactId": contact})

    def stop(contact: str = "c1") -> Response:
        return spotler.call("POST", "/campaign/CmpAbandonCart/stop", json={"externalContactId": contact})

    assert refused(stop(), 400, "INVALID_STATE")
    assert trigger("TrgCartLeft").status_code == 204
    assert refused(trigger("TrgCartLeft"), 400, "INVALID_STATE")
    assert stop().status_code == 204
    assert refused(stop(), 400, "INVALID_STATE")
    assert trigger("TrgCartLeft").status_code == 204
    assert refused(trigger("TrgOldWelcome"), 400, "INVALID_STATE")
    assert refused(trigger("TrgCartLeft", "c9"), 400, "CONTACT_NOT_FOUND")
    assert refused(trigger("none"), 404, "TRIGGER_NOTFOUND")
    histories = spotler.get("/contact/c1/campaign-mailings")["campaignMailingHistories"]
    assert [entry["campaignMailing"]["encryptedId"] for entry in histories] == ["CmlCartFirst"] * 2


def test_campaigns_are_listed_with_their_external_triggers_only(spotler: Spotler) -> None:
    listed = {entry["encryptedId"]: entry for entry in spotler.get("/campaign/list")}
    assert listed["CmpAbandonCart"]["triggers"] == [{"encryptedId": "TrgCartLeft", "name": "Cart left"}]
    assert "triggers" not in listed["CmpBirthday"]
    mailings = spotler.get("/campaign/CmpAbandonCart/mailing")
    assert mailings == [{"encryptedId": "CmlCartFirst", "name": "You left something", "type": "EMAIL"}]
    assert refused(spotler.call("GET", "/campaign/none/mailing"), 404, "CAMPAIGN_NOTFOUND")


def test_tags_are_trimmed_compared_without_case_and_created_on_the_way(spotler: Spotler) -> None:
    assert spotler.call("POST", "/contact/c1/tag", json={"tags": [" Lead ", "LEAD", "Spain"]}).status_code == 204
    assert tags(spotler) == {"Lead": 0, "Spain": 0}
    assert spotler.call("POST", "/tag", json={"name": "Lonely"}).status_code == 204
    assert spotler.get("/tag/list") == [{"name": "Lead"}, {"name": "Spain"}, {"name": "Lonely"}]
    for name in ("lead", "absent"):
        assert spotler.call("DELETE", f"/contact/c1/tag/{name}").status_code == 204
    assert tags(spotler) == {"Spain": 0}
    assert refused(spotler.call("POST", "/contact/c1/tag", json={"tags": [" "]}), 400, "INVALID_PARAMS")
    assert refused(spotler.call("POST", "/contact/c9/tag", json={"tags": ["Lead"]}), 404, "CONTACT_NOT_FOUND")


def test_scores_are_set_increased_and_decreased_and_go_with_their_tag(spotler: Spotler) -> None:
    def score(tag: str, operation: str, value: object) -> Response:
        body = {"tag": tag, "operation": operation, "value": value}
        return spotler.call("PUT", "/contact/c1/score", json=body)

    for tag, operation, value in (("Lead", "SET", 10), ("lead", "INCREASE", 5), ("LEAD", "DECREASE", 20)):
        assert score(tag, operation, value).status_code == 204
    assert score("New", "INCREASE", 3).status_code == 204
    assert tags(spotler) == {"Lead": -5, "New": 3}
    spotler.call("DELETE", "/contact/c1/tag/Lead")
    score("Lead", "DECREASE", 1)
    assert tags(spotler) == {"New": 3, "Lead": -1}
    assert refused(score("Lead", "DOUBLE", 1), 400, "INVALID_PARAMS")
    assert refused(score("Lead", "SET", "many"), 400, "INVALID_PARAMS")


def test_a_mailing_reaches_active_contacts_and_shows_what_they_did(spotler: Spotler) -> None:
    spotler.people("POST", "/contact/opt-out", params={"externalId": "c2"})
    sent = spotler.people("POST", "/mailing", json={"name": "March news", "subject": "Hello"})
    path = f"/mailing/{sent['encryptedId']}"
    for act in ("open", "click", "hard-bounce"):
        spotler.people("POST", f"/contact/{act}", params={"externalId": "c1"})
    assert [entry["name"] for entry in spotler.get("/mailing", fromDate="2024-03-01", toDate="2024-03-02")] == [
        "March news"
    ]
    assert spotler.get(path)["message"]["subject"] == "Hello"
    statistics = spotler.get(f"{path}/statistics")
    assert [statistics[name] for name in ("sentCount", "openCount", "clickCount", "hardbounceCount")] == [1, 1, 1, 1]
    assert [entry["contactIdentifier"]["externalId"] for entry in spotler.get(f"{path}/recipients")["recipients"]] == [
        "c1"
    ]
    assert spotler.get(f"{path}/clicks")["clicks"][0]["linkId"] == 1
    assert spotler.get(f"{path}/opens/c1")["opens"] == [{"openDate": "2024-03-01T10:00:00+01:00"}]
    assert refused(spotler.call("GET", f"{path}/opens/c9"), 400, "INVALID_PARAMS")
    assert refused(spotler.call("GET", "/mailing/none/opens"), 404, "MAILING_NOTFOUND")
    history = spotler.get("/contact/c1/mailings")["mailingHistories"]
    assert [(entry["opened"], entry["clicked"], entry["bounce"]) for entry in history] == [(True, True, "HARDBOUNCE")]
    assert spotler.get("/contact/c2/mailings")["mailingHistories"] == []


def test_interactions_are_a_feed_per_event_within_a_period(spotler: Spotler) -> None:
    spotler.people("POST", "/mailing", json={"name": "March news"})
    spotler.clock.forward(hours=1)
    spotler.people("POST", "/contact/soft-bounce", params={"externalId": "c2"})
    bounced = spotler.get("/mailing-interaction/bounced")["interactions"]
    assert [(entry["externalContactId"], entry["bounceType"]) for entry in bounced] == [("c2", "SOFT")]
    sent = spotler.get("/mailing-interaction/sent", pageSize=1)
    assert sent["paging"]["after"] == 1
    assert "next" in sent["paging"]
    late = {"fromChangeDate": "2024-03-01T09:30:00Z"}
    assert spotler.get("/mailing-interaction/sent", **late)["interactions"] == []
    assert len(spotler.get("/mailing-interaction/bounced", **late)["interactions"]) == 1
    assert spotler.get("/mailing-interaction/bounced", trendReportIds="7,8")["interactions"] == []


def test_histories_have_pages_of_50(spotler: Spotler) -> None:
    for number in range(51):
        spotler.people("POST", "/mailing", json={"name": f"News {number}"})
    first = spotler.get("/contact/c1/mailings", pageSize=5)
    assert (len(first["mailingHistories"]), first["paging"]["after"]) == (50, 50)
    assert len(spotler.get("/contact/c1/mailings", after=50)["mailingHistories"]) == 1


@pytest.mark.parametrize("history", ["mailings", "campaign-mailings", "forms"])
def test_the_history_of_nobody_is_404(spotler: Spotler, history: str) -> None:
    assert refused(spotler.call("GET", f"/contact/c9/{history}"), 404, "CONTACT_NOT_FOUND")
