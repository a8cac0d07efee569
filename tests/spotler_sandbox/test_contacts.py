"""Contacts of the Spotler sandbox, seen by a third party's client over HTTP."""

from __future__ import annotations

import pytest

from shared.local.spotler_sandbox.account.contacts import AnonymizedGet, Deduplication, OptOutUpsert
from shared.local.spotler_sandbox.http.wire import DateStyle
from tests.programs.times import LONGEST_WAIT
from tests.spotler_sandbox.session import Sandbox, Spotler, refused


def test_a_written_contact_is_read_back_with_every_option_of_its_sets(spotler: Spotler) -> None:
    assert (
        spotler.write("c1", email="j.devries@example.com", permissions=[{"bit": 2, "enabled": True}]).status_code == 204
    )
    contact = spotler.get("/contact/c1")
    assert set(contact) == {
        "externalId",
        "created",
        "encryptedId",
        "testGroup",
        "lastChanged",
        "temporary",
        "properties",
        "channels",
    }
    assert contact["created"] == 1709283600000
    assert contact["properties"]["email"] == "j.devries@example.com"
    assert contact["properties"]["permissions"] == [
        {"bit": 1, "description": "Newsletter", "enabled": False},
        {"bit": 2, "description": "Productinfo", "enabled": True},
        {"bit": 4, "description": "Servicenotifications", "enabled": False},
        {"bit": 8, "description": "Offers", "enabled": False},
    ]
    assert set(contact["properties"]) == {"email", "permissions", "interests"}
    assert contact["channels"] == [{"name": "EMAIL", "value": True}, {"name": "SMS", "value": False}]


def test_a_write_answers_without_a_body_and_a_trailing_slash_is_accepted(spotler: Spotler) -> None:
    body = {"contact": {"externalId": "c1", "properties": {}, "created": None, "channels": []}}
    answer = spotler.call("POST", "/contact/", json=body)
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_external_id_may_hold_a_slash_a_space_and_letters_of_any_script(spotler: Spotler) -> None:
    assert spotler.write("a/b c+d é", city="Gouda").status_code == 204
    assert spotler.get("/contact/a%2Fb%20c%2Bd%20%C3%A9")["externalId"] == "a/b c+d é"
    assert refused(spotler.call("GET", "/contact/a"), 404, "CONTACT_NOT_FOUND")


def test_an_unknown_contact_is_not_found_with_the_status_of_the_account(sandbox: Sandbox) -> None:
    assert refused(sandbox.open().call("GET", "/contact/nobody"), 404, "CONTACT_NOT_FOUND")
    assert refused(sandbox.open(missing_contact_status=400).call("GET", "/contact/nobody"), 400, "CONTACT_NOT_FOUND")


def test_without_update_an_existing_contact_is_an_error(spotler: Spotler) -> None:
    spotler.write("c1", update=False, email="a@example.com", city="Gouda")
    assert refused(spotler.write("c1", update=False, city="Delft"), 400, "CONTACT_ALREADY_EXISTS")
    assert refused(spotler.write("c2", update=False, email="A@example.com"), 400, "CONTACT_ALREADY_EXISTS")
    assert spotler.properties("c1")["city"] == "Gouda"


def test_a_write_merges_and_with_purge_replaces(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com", city="Gouda", permissions=[{"bit": 1, "enabled": True}])
    spotler.write("c1", firstName="Jan", permissions=[{"bit": 2, "enabled": True}])
    merged = spotler.properties("c1")
    assert (merged["city"], merged["firstName"]) == ("Gouda", "Jan")
    assert [option["bit"] for option in merged["permissions"] if option["enabled"]] == [1, 2]
    spotler.write("c1", purge=True, firstName="Jan", permissions=[{"bit": 4, "enabled": True}])
    purged = spotler.properties("c1")
    assert set(purged) == {"firstName", "permissions", "interests"}
    assert [option["bit"] for option in purged["permissions"] if option["enabled"]] == [4]


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_the_empty_string_clear_a_property(spotler: Spotler, nothing: str | None) -> None:
    spotler.write("c1", city="Gouda", firstName="Jan")
    spotler.write("c1", city=nothing)
    assert set(spotler.properties("c1")) == {"firstName", "permissions", "interests"}


def test_put_changes_a_contact_but_neither_creates_one_nor_changes_its_id(spotler: Spotler) -> None:
    spotler.write("c1", city="Gouda")
    body = {"contact": {"externalId": "c1", "properties": {"city": "Delft"}}}
    assert spotler.call("PUT", "/contact/c1", json=body).status_code == 204
    assert spotler.properties("c1")["city"] == "Delft"
    assert refused(spotler.call("PUT", "/contact/c2", json=body), 404, "CONTACT_NOT_FOUND")
    moved = {"contact": {"externalId": "c2", "properties": {}}}
    assert refused(spotler.call("PUT", "/contact/c1", json=moved), 400, "INVALID_PARAMS")


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("email", "a@example.com", "a@example.com"),
        ("postalCode", "1234ab", "1234AB"),
        ("postalCode", "1234 AB", "1234 AB"),
        ("mobileNumber", "06-18596225", "06-18596225"),
        ("mobileNumber", "079-3632921", "079-3632921"),
        ("mobileNumber", "+31618596225", "+31618596225"),
        ("gender", "FEMALE", "F"),
        ("freeField1", "42", 42),
        ("birthday", "1980-05-17T00:00:00", "1980-05-17"),
        ("firstPurchaseDate", "2023-11-02T13:30:00Z", "2023-11-02T14:30:00+01:00"),
        ("lastName", "Ünal-Łódź Иванов", "Ünal-Łódź Иванов"),
    ],
)
def test_values_that_fit_their_type_are_stored(spotler: Spotler, name: str, value: object, stored: object) -> None:
    assert spotler.write("c1", **{name: value}).status_code == 204
    assert spotler.properties("c1")[name] == stored


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("noSuchProperty", "x"),
        ("email", "not-an-address"),
        ("email", "a@nodot"),
        ("email", "a b@example.com"),
        ("email", f"{'a' * 250}@example.com"),
        ("postalCode", "0123 AB"),
        ("postalCode", "50667"),
        ("mobileNumber", "06 18596225"),
        ("mobileNumber", "+49 221 1234567"),
        ("gender", "X"),
        ("freeField1", "4.2"),
        ("freeField1", True),
        ("birthday", "17-05-1980"),
        ("firstPurchaseDate", "yesterday"),
        ("permissions", [{"bit": 3, "enabled": True}]),
        ("permissions", [{"bit": 1, "enabled": "yes"}]),
        ("permissions", [1]),
        ("permissions", "Newsletter"),
        ("lastName", {"nested": True}),
    ],
)
def test_values_that_do_not_fit_are_refused_and_nothing_is_written(spotler: Spotler, name: str, value: object) -> None:
    answer = spotler.write("c1", city="Gouda", **{name: value})
    assert refused(answer, 400, "INVALID_PROPERTY")
    assert spotler.call("GET", "/contact/c1").status_code == 404
    if isinstance(value, str):
        assert value not in answer.json()["message"].replace(name, "")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"contact": {}}', b'{"contact": {"externalId": ""}}', b'{"contact": {"externalId": 1}}'],
)
def test_a_body_that_cannot_be_read_or_has_no_external_id_is_refused(spotler: Spotler, body: bytes) -> None:
    assert refused(spotler.call("POST", "/contact", data=body), 400, "INVALID_PARAMS")


def test_the_catalogue_describes_every_property_and_the_options_of_sets(spotler: Spotler) -> None:
    catalogue = {entry["name"]: entry for entry in spotler.get("/contact/properties/list")}
    assert catalogue["email"]["type"] == "email"
    assert "entries" not in catalogue["email"]
    assert catalogue["permissions"]["entries"][3] == {"bit": 8, "description": "Offers", "rank": 4}


def test_a_bulk_call_gives_each_contact_its_own_outcome_in_order(spotler: Spotler) -> None:
    spotler.write("c0", email="known@example.com")
    contacts = [
        {"externalId": "c1", "properties": {"email": "a@example.com"}},
        {"externalId": "c2", "properties": {"email": "not-an-address"}},
        {"externalId": "c0", "properties": {"city": "Gouda"}},
    ]
    answer = spotler.call("POST", "/contact/list", json={"contacts": contacts})
    outcomes = [(result["externalId"], result["code"]) for result in answer.json()]
    assert outcomes == [("c1", "OK"), ("c2", "PROPERTY_INVALID"), ("c0", "CONTACT_ALREADY_EXISTS")]
    assert spotler.call("GET", "/contact/c1").status_code == 200
    assert spotler.call("GET", "/contact/c2").status_code == 404


def test_a_bulk_call_takes_100_contacts_and_refuses_101_or_one_without_external_id_as_a_whole(spotler: Spotler) -> None:
    contacts = [{"externalId": f"c{number}", "properties": {}} for number in range(101)]
    assert refused(spotler.call("POST", "/contact/list", json={"contacts": contacts}), 400, "INVALID_PARAMS")
    nameless = {"contacts": [*contacts[:3], {"properties": {}}]}
    assert refused(spotler.call("POST", "/contact/list", json=nameless), 400, "INVALID_PARAMS")
    assert spotler.people("GET", "/contacts") == []
    answer = spotler.call("POST", "/contact/list", json={"contacts": contacts[:100]})
    assert {result["code"] for result in answer.json()} == {"OK"}


def test_a_new_external_id_with_a_known_address_takes_the_contact_over(spotler: Spotler) -> None:
    spotler.write("lead-1", email="j@example.com", city="Gouda")
    first = spotler.get("/contact/lead-1")["encryptedId"]
    spotler.write("contact-1", email="J@Example.com", firstName="Jan")
    taken = spotler.get("/contact/contact-1")
    assert (taken["encryptedId"], taken["properties"]["city"]) == (first, "Gouda")
    assert spotler.call("GET", "/contact/lead-1").status_code == 404


def test_an_address_of_another_contact_is_refused(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com")
    spotler.write("c2", email="b@example.com")
    assert refused(spotler.write("c2", email="a@example.com"), 400, "CONTACT_ALREADY_EXISTS")
    body = {"contact": {"properties": {"email": "a@example.com"}}}
    assert refused(spotler.call("PUT", "/contact/c2", json=body), 400, "CONTACT_ALREADY_EXISTS")
    assert spotler.properties("c2")["email"] == "b@example.com"


def test_with_the_rule_on_the_external_id_alone_contacts_share_an_address(sandbox: Sandbox) -> None:
    spotler = sandbox.open(deduplication=Deduplication.EXTERNAL_ID)
    for external_id in ("c1", "c2"):
        assert spotler.write(external_id, email="a@example.com").status_code == 204
    found = spotler.get("/contact/search", MPSearchQuery="email=a@example.com", pageSize=10)["contacts"]
    assert [contact["externalId"] for contact in found] == ["c1", "c2"]


def test_search_finds_by_one_equality_and_no_hit_is_an_empty_list(spotler: Spotler) -> None:
    spotler.write("c1", email="j.doe+test@example.com", city="Den Haag")
    for query in ("email=J.Doe+test@example.com", "city=Den Haag"):
        found = spotler.get("/contact/search", MPSearchQuery=query, pageSize=1)["contacts"]
        assert [contact["externalId"] for contact in found] == ["c1"]
    assert spotler.get("/contact/search", MPSearchQuery="email=x@example.com", pageSize=1)["contacts"] == []


@pytest.mark.parametrize(
    "query",
    [{"MPSearchQuery": "email=a@example.com"}, {"pageSize": "1"}, {"MPSearchQuery": "email", "pageSize": "1"}],
)
def test_search_needs_a_query_and_a_page_size(spotler: Spotler, query: dict[str, str]) -> None:
    assert refused(spotler.call("GET", "/contact/search", params=query), 400, "INVALID_PARAMS")


def test_updates_are_paged_by_last_change_within_the_period(spotler: Spotler) -> None:
    for number in range(5):
        spotler.write(f"c{number}", city="Gouda")
        spotler.clock.forward(minutes=1)
    spotler.write("c1", city="Delft")
    period = {"fromDate": "2024-03-01T10:01:00+01:00", "toDate": "2024-03-01T12:00:00+01:00", "pageSize": 3}
    first = spotler.get("/contact/updates/list", **period)
    assert [contact["externalId"] for contact in first["contacts"]] == ["c2", "c3", "c4"]
    assert first["paging"]["after"] == 3
    following = spotler.session.get(first["paging"]["next"], timeout=LONGEST_WAIT).json()
    assert [contact["externalId"] for contact in following["contacts"]] == ["c1"]
    assert "next" not in following["paging"]


def test_a_period_includes_its_start_and_excludes_its_end_and_is_dutch_time_without_a_zone(spotler: Spotler) -> None:
    spotler.write("c1", city="Gouda")
    for start, end, hits in (("10:00", "10:01", 1), ("09:59", "10:00", 0), ("09:00", "09:30", 0)):
        period = {"fromDate": f"2024-03-01T{start}", "toDate": f"2024-03-01T{end}", "pageSize": 10}
        assert len(spotler.get("/contact/updates/list", **period)["contacts"]) == hits


@pytest.mark.parametrize("missing", ["fromDate", "toDate", "pageSize"])
@pytest.mark.parametrize("feed", ["updates", "bounces"])
def test_feeds_need_both_dates_and_a_page_size(spotler: Spotler, feed: str, missing: str) -> None:
    query = {"fromDate": "2024-01-01", "toDate": "2024-12-31", "pageSize": "10"}
    del query[missing]
    assert refused(spotler.call("GET", f"/contact/{feed}/list", params=query), 400, "INVALID_PARAMS")
    answer = spotler.call("GET", f"/contact/{feed}/list", params={**query, missing: "soon"})
    assert refused(answer, 400, "INVALID_PARAMS")


def test_on_the_versioned_prefix_feeds_are_bare_arrays_and_need_no_page_size(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com")
    spotler.people("POST", "/contact/soft-bounce", params={"externalId": "c1"})
    spotler.prefix = "/integrationservice-1.1.0"
    period = {"fromDate": "2024-01-01", "toDate": "2024-12-31"}
    assert [contact["externalId"] for contact in spotler.get("/contact/updates/list", **period)] == ["c1"]
    assert [bounce["type"] for bounce in spotler.get("/contact/bounces/list", **period)] == ["SOFTBOUNCE"]


def test_native_dates_may_be_iso_text(sandbox: Sandbox) -> None:
    spotler = sandbox.open(native_dates=DateStyle.ISO)
    spotler.write("c1", city="Gouda")
    assert spotler.get("/contact/c1")["lastChanged"] == "2024-03-01T10:00:00+01:00"


def test_an_anonymized_contact_is_gone_and_its_id_and_address_are_free(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com")
    before = spotler.get("/contact/c1")["encryptedId"]
    assert spotler.call("PUT", "/contact/anonymize/c1").status_code == 204
    assert refused(spotler.call("GET", "/contact/c1"), 404, "CONTACT_NOT_FOUND")
    assert refused(spotler.call("PUT", "/contact/anonymize/c1"), 404, "CONTACT_NOT_FOUND")
    assert spotler.get("/contact/search", MPSearchQuery="email=a@example.com", pageSize=1)["contacts"] == []
    spotler.write("c1", email="a@example.com")
    assert spotler.get("/contact/c1")["encryptedId"] != before


def test_an_account_may_keep_the_shell_of_an_anonymized_contact(sandbox: Sandbox) -> None:
    spotler = sandbox.open(anonymized_get=AnonymizedGet.SHELL)
    spotler.write("c1", email="a@example.com", permissions=[{"bit": 1, "enabled": True}])
    for _ in range(2):
        assert spotler.call("PUT", "/contact/anonymize/c1").status_code == 204
        assert set(spotler.properties("c1")) == {"permissions", "interests"}
        assert not any(option["enabled"] for option in spotler.properties("c1")["permissions"])
    spotler.write("c1", email="b@example.com")
    assert spotler.properties("c1")["email"] == "b@example.com"


def test_an_inactivated_contact_has_no_channel_until_it_subscribes_again(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com")
    assert spotler.call("PUT", "/contact/inactivate/c1").status_code == 204
    spotler.write("c1", city="Gouda")
    assert not spotler.email_channel("c1")
    body = {"properties": {"email": "a@example.com", "permissions": [{"bit": 1, "enabled": True}]}}
    assert spotler.call("POST", "/subscription/subscribe", json=body).status_code == 204
    assert spotler.email_channel("c1")
    assert refused(spotler.call("PUT", "/contact/inactivate/c2"), 404, "CONTACT_NOT_FOUND")


def test_a_subscription_without_external_id_makes_a_contact_without_one(spotler: Spotler) -> None:
    body = {"properties": {"email": "new@example.com"}}
    assert spotler.call("POST", "/subscription/subscribe", json=body).status_code == 204
    found = spotler.get("/contact/search", MPSearchQuery="email=new@example.com", pageSize=1)["contacts"]
    assert "externalId" not in found[0]
    bad = {"properties": {"email": "bad"}}
    assert refused(spotler.call("POST", "/subscription/subscribe", json=bad), 400, "INVALID_PROPERTY")


def test_an_opted_out_contact_is_written_without_becoming_active(spotler: Spotler) -> None:
    spotler.write("c1", email="a@example.com")
    spotler.people("POST", "/contact/opt-out", params={"externalId": "c1"})
    assert spotler.write("c1", email="b@example.com").status_code == 204
    assert spotler.properties("c1")["email"] == "b@example.com"
    assert not spotler.email_channel("c1")


def test_an_account_may_refuse_writes_to_inactive_contacts(sandbox: Sandbox) -> None:
    spotler = sandbox.open(optout_upsert=OptOutUpsert.REFUSE)
    for external_id, act in (("c1", "opt-out"), ("c2", "hard-bounce")):
        spotler.write(external_id, email=f"{external_id}@example.com")
        spotler.people("POST", f"/contact/{act}", params={"externalId": external_id})
    assert refused(spotler.write("c1", city="Gouda"), 400, "CONTACT_OPTOUT")
    contacts = [{"externalId": external_id, "properties": {"city": "Gouda"}} for external_id in ("c1", "c2", "c3")]
    answer = spotler.call("POST", "/contact/list", json={"update": True, "contacts": contacts})
    assert [result["code"] for result in answer.json()] == ["CONTACT_OPTOUT", "NO_ACTIVE_CHANNEL", "OK"]


def test_one_hard_or_four_soft_bounces_make_inactive_and_a_new_address_makes_active_again(spotler: Spotler) -> None:
    for external_id in ("hard", "soft"):
        spotler.write(external_id, email=f"{external_id}@example.com")
    spotler.people("POST", "/contact/hard-bounce", params={"externalId": "hard"})
    for times in range(1, 5):
        spotler.people("POST", "/contact/soft-bounce", params={"externalId": "soft"})
        assert spotler.email_channel("soft") == (times < 4)
    assert not spotler.email_channel("hard")
    bounces = spotler.get("/contact/bounces/list", fromDate="2024-01-01", toDate="2025-01-01", pageSize=10)["bounces"]
    assert [bounce["type"] for bounce in bounces] == ["HARDBOUNCE", *["SOFTBOUNCE"] * 4]
    assert bounces[0]["contact"]["externalId"] == "hard"
    spotler.write("hard", email="right@example.com")
    assert spotler.email_channel("hard")
