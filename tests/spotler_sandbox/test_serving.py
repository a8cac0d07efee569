"""The Spotler sandbox as a server: prefixes, formats, refusals, faults, its control API and its certificate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
import requests
from requests_oauthlib import OAuth1Session

from shared.local.sandbox.certificate import self_signed_certificate
from shared.local.sandbox.serving import serve, serve_in_thread
from shared.local.spotler_sandbox import SpotlerSandboxSettings, create_app
from shared.local.spotler_sandbox.http.settings import PrefixMode
from shared.local.spotler_sandbox.http.wire import Format
from tests.programs.times import LONGEST_WAIT
from tests.spotler_sandbox.session import KEY, SECRET, Sandbox, Spotler, refused


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    spotler = sandbox.open()
    spotler.write("c1", email="c1@example.com")
    spotler.people("DELETE", "/requests")
    return spotler


def fail(spotler: Spotler, kind: str, **more: object) -> None:
    spotler.people("POST", "/faults", json={"kind": kind, **more})


def exists(spotler: Spotler, external_id: str) -> bool:
    return bool(spotler.people("GET", "/contacts", params={"externalId": external_id}))


@pytest.mark.parametrize("mode", PrefixMode)
def test_each_prefix_answers_where_it_is_switched_on(sandbox: Sandbox, mode: PrefixMode) -> None:
    spotler = sandbox.open(prefix_mode=mode)
    for prefix in ("/integrationservice", "/integrationservice-1.1.0"):
        spotler.prefix = prefix
        assert (spotler.call("GET", "/tag/list").status_code == 200) == (prefix in mode.prefixes)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("application/xml", "application/xml"),
        ("*/*", "application/xml"),
        (None, "application/xml"),
        ("application/json, */*;q=0.5", "application/json"),
        ("application/xml;q=0.2, application/*;q=0.9", "application/json"),
    ],
)
def test_xml_is_the_first_choice_unless_accept_says_json(spotler: Spotler, accept: str | None, expected: str) -> None:
    answer = spotler.call("GET", "/contact/c1", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)


def test_a_media_type_that_is_neither_json_nor_xml_is_not_acceptable_and_has_no_effect(spotler: Spotler) -> None:
    body = {"contact": {"externalId": "c2", "properties": {}}}
    assert spotler.call("POST", "/contact", json=body, headers={"Accept": "text/html"}).status_code == 406
    assert not exists(spotler, "c2")


def test_json_can_be_made_the_first_choice_and_some_lists_know_nothing_else(sandbox: Sandbox) -> None:
    spotler = sandbox.open(default_format=Format.JSON)
    assert spotler.call("GET", "/tag/list", headers={"Accept": "*/*"}).headers["Content-Type"] == "application/json"
    search = {"MPSearchQuery": "email=a@example.com", "pageSize": "1"}
    answer = spotler.call("GET", "/contact/search", params=search, headers={"Accept": "application/xml"})
    assert answer.headers["Content-Type"] == "application/json"


def test_a_contact_and_an_error_have_an_xml_twin(spotler: Spotler) -> None:
    contact = ET.fromstring(spotler.call("GET", "/contact/c1", headers={"Accept": "application/xml"}).content)
    entries = {entry.findtext("key"): entry for entry in contact.iter("entry")}
    assert (contact.findtext("externalId"), entries["email"].findtext("value")) == ("c1", "c1@example.com")
    assert [value.findtext("enabled") for value in entries["permissions"].findall("value")] == ["false"] * 4
    error = ET.fromstring(spotler.call("GET", "/contact/c9", headers={"Accept": "application/xml"}).content)
    assert error.findtext("errorType") == "CONTACT_NOT_FOUND"


@pytest.mark.parametrize("status", [401, 403])
def test_unsigned_and_wrongly_signed_requests_are_refused_with_the_status_of_the_account(
    sandbox: Sandbox, status: int
) -> None:
    spotler = sandbox.open(auth_failure_status=status)
    url, headers = f"{spotler.origin}/integrationservice/tag/list", {"Accept": "application/json"}
    assert refused(requests.get(url, headers=headers, timeout=LONGEST_WAIT), status, "AUTH_NOT_FOUND")
    stranger = OAuth1Session("stranger", client_secret=SECRET)
    assert refused(stranger.get(url, headers=headers, timeout=LONGEST_WAIT), status, "AUTH_NOT_FOUND")
    forger = OAuth1Session(KEY, client_secret="wrong")
    assert refused(forger.get(url, headers=headers, timeout=LONGEST_WAIT), status, "NOT_AUTHORIZED")


def test_a_replayed_and_an_old_request_are_refused(sandbox: Sandbox) -> None:
    spotler = sandbox.open()
    sent = spotler.call("GET", "/tag/list").request
    with requests.Session() as plain:
        assert refused(plain.send(sent, timeout=LONGEST_WAIT), 401, "NOT_AUTHORIZED")
    # The account's clock stands in March 2024, the signature is of today.
    assert refused(
        sandbox.open(timestamp_tolerance=timedelta(minutes=5)).call("GET", "/tag/list"), 401, "NOT_AUTHORIZED"
    )


@pytest.mark.parametrize("value", ["a b", "a+b", "a%b", "a&b=c", "é ł ş И", "~-._*'()!", "https://example.com/?x=1#y"])
def test_odd_characters_in_a_query_are_signed_and_read_alike(spotler: Spotler, value: str) -> None:
    spotler.write("odd", city=value)
    found = spotler.get("/contact/search", MPSearchQuery=f"city={value}", pageSize=5)["contacts"]
    assert [contact["externalId"] for contact in found] == ["odd"]


def test_an_unknown_path_is_404_and_a_wrong_method_is_405_before_anybody_asks_for_a_signature(spotler: Spotler) -> None:
    headers = {"Accept": "application/json"}
    for method, path, status in (("GET", "/nope", 404), ("DELETE", "/contact/c1", 405)):
        answer = requests.request(
            method, f"{spotler.origin}/integrationservice{path}", headers=headers, timeout=LONGEST_WAIT
        )
        assert refused(answer, status, "RESOURCE_NOT_FOUND")


def test_throttling_says_how_long_to_wait_and_ends_after_the_planned_times(spotler: Spotler) -> None:
    fail(spotler, "throttled", operation="contact.get", times=2, retryAfter=7)
    assert spotler.call("GET", "/tag/list").status_code == 200
    answers = [spotler.call("GET", "/contact/c1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


@pytest.mark.parametrize(("moment", "effect"), [("before", False), ("after", True)])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttled", (429, None)),
        ("server-error", (500, "application/json")),
        ("unavailable", (503, "text/html; charset=utf-8")),
    ],
)
def test_a_fault_hides_the_answer_and_before_the_effect_there_is_none(
    spotler: Spotler,
    kind: str,
    expected: tuple[int, str | None],
    moment: str,
    effect: bool,  # noqa: FBT001  # a row of the table
) -> None:
    fail(spotler, kind, moment=moment)
    answer = spotler.write("c2", city="Gouda")
    assert (answer.status_code, answer.headers.get("Content-Type")) == expected
    assert exists(spotler, "c2") == effect


@pytest.mark.parametrize(("moment", "effect"), [("before", False), ("after", True)])
def test_a_connection_is_reset(spotler: Spotler, moment: str, effect: bool) -> None:  # noqa: FBT001  # a row of the table
    fail(spotler, "reset", moment=moment)
    with pytest.raises(requests.exceptions.ConnectionError):
        spotler.write("c2", city="Gouda")
    assert exists(spotler, "c2") == effect


def test_an_answer_does_not_come_in_time(spotler: Spotler) -> None:
    fail(spotler, "time-out", hold=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        spotler.session.get(f"{spotler.origin}/integrationservice/tag/list", timeout=0.2)
    fail(spotler, "time-out", hold=0.05)
    assert spotler.call("GET", "/tag/list").status_code == 504


@pytest.mark.parametrize("moment", ["before", "after"])
def test_json_is_cut_off(spotler: Spotler, moment: str) -> None:
    fail(spotler, "truncated", moment=moment)
    answer = spotler.call("GET", "/contact/c1")
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_pending_faults_are_shown_and_can_be_called_off(spotler: Spotler) -> None:
    fail(spotler, "reset", operation="contact.get", times=3)
    assert spotler.people("GET", "/faults") == [
        {"kind": "reset", "operation": "contact.get", "moment": "before", "left": 3}
    ]
    spotler.people("DELETE", "/faults")
    assert spotler.call("GET", "/contact/c1").status_code == 200


def test_requests_are_counted_by_operation(spotler: Spotler) -> None:
    spotler.call("GET", "/contact/c1")
    spotler.call("GET", "/contact/c9")
    spotler.write("c2", city="Gouda")
    assert spotler.people("GET", "/requests") == {"contact.get": 2, "contact.insert": 1}


def test_the_people_of_the_account_act_on_their_own(spotler: Spotler) -> None:
    by_email = {"email": "C1@example.com"}
    edit = {"properties": {"city": "Delft", "permissions": [{"bit": 1, "enabled": True}]}}
    view = spotler.people("POST", "/contact/edit", params=by_email, json=edit)
    assert (view["properties"]["city"], view["inactivity"]) == ("Delft", None)
    assert spotler.properties("c1")["permissions"][0]["enabled"]
    assert spotler.people("POST", "/contact/opt-out", params=by_email)["inactivity"] == "OPT_OUT"
    signed_up = spotler.people("POST", "/form", json={"properties": {"email": "new@example.com"}})
    assert "externalId" not in signed_up
    by_id = {"encryptedId": signed_up["encryptedId"]}
    assert spotler.people("GET", "/contacts", params=by_id) == [signed_up]
    assert len(spotler.people("GET", "/contacts")) == 2
    spotler.people("POST", "/form", json={"properties": {"email": "c1@example.com"}})
    assert spotler.email_channel("c1")
    assert len(spotler.get("/contact/c1/forms")["formHistories"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/contact/dance?externalId=c1", 400),
        ("POST", "/contact/opt-out?externalId=c9", 404),
        ("POST", "/contact/opt-out", 400),
        ("POST", "/faults", 400),
        ("PUT", "/in-use?audience=none", 400),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_a_reason(
    spotler: Spotler, method: str, path: str, status: int
) -> None:
    answer = requests.request(method, f"{spotler.origin}/sandbox{path}", timeout=LONGEST_WAIT)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_latency_delays_every_answer(sandbox: Sandbox) -> None:
    spotler = sandbox.open(latency=timedelta(milliseconds=80))
    assert spotler.call("GET", "/tag/list").elapsed >= timedelta(milliseconds=80)


def test_a_client_that_trusts_the_certificate_speaks_https(tmp_path: Path) -> None:
    certificate = self_signed_certificate(tmp_path)
    app = create_app(SpotlerSandboxSettings(consumer_key=KEY, consumer_secret=SECRET))
    with serve_in_thread(app, tls=certificate) as address, OAuth1Session(KEY, client_secret=SECRET) as session:
        assert address.url.startswith("https://127.0.0.1:")
        for url in (address.url, f"https://localhost:{address.port}"):
            answer = session.get(
                f"{url}/integrationservice/tag/list", verify=str(certificate.chain), timeout=LONGEST_WAIT
            )
            assert answer.status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(address.url, timeout=LONGEST_WAIT)
    assert certificate.key.stat().st_mode & 0o077 == 0


async def test_an_app_is_served_in_the_running_loop_and_its_port_is_free_afterwards() -> None:
    app = create_app(SpotlerSandboxSettings(consumer_key=KEY, consumer_secret=SECRET))
    async with serve(app) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"{address.url}/sandbox/requests")).json() == {}
        with pytest.raises(OSError, match="in use"):
            async with serve(app, port=address.port):
                pass
    async with serve(app, port=address.port) as again:
        assert again == address
