"""The sandbox behaves like a service in the cloud: tokens, limits, failures; and it is quick enough to test against."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.local.dataverse_sandbox.http.limits import Limits
from tests.dataverse_sandbox.session import Dataverse, batch, part
from tests.programs.times import effort


def ask_for_token(dataverse: Dataverse, **changes: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}
    scope = {"scope": f"{dataverse.origin}/.default"}
    return dataverse.http.post(f"{dataverse.origin}/tenant/oauth2/v2.0/token", data=form | scope | changes)


# -------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "stranger"}, 400, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "openid"}, 400, "invalid_scope"),
    ],
)
def test_tokens_are_given_to_known_clients_only(
    dataverse: Dataverse, changes: dict[str, str], status: int, error: str
) -> None:
    answer = ask_for_token(dataverse, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("authorization", ["", "Bearer made-up", "Basic c2FuZGJveA=="])
def test_without_a_token_there_is_no_answer(dataverse: Dataverse, authorization: str) -> None:
    answer = dataverse.http.get("contacts", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_for_another_audience_or_past_its_time_is_refused(dataverse: Dataverse) -> None:
    foreign = ask_for_token(dataverse, scope="https://other.crm4.dynamics.com/.default").json()["access_token"]
    assert dataverse.http.get("WhoAmI", headers={"Authorization": f"Bearer {foreign}"}).status_code == 401
    dataverse.restart(token_lifetime_seconds=0)
    assert dataverse.http.get("WhoAmI").status_code == 401


def test_revoked_tokens_must_be_asked_for_anew(dataverse: Dataverse) -> None:
    dataverse.control("tokens", method="DELETE")
    assert dataverse.http.get("WhoAmI").status_code == 401
    dataverse.http.headers["Authorization"] = f"Bearer {dataverse.token()}"
    assert dataverse.http.get("WhoAmI").status_code == 200


def test_every_client_acts_as_a_user_of_its_own(dataverse: Dataverse) -> None:
    dataverse.restart(clients={"sandbox": "sandbox", "people": "people"})
    other = ask_for_token(dataverse, client_id="people", client_secret="people").json()["access_token"]
    users = {
        dataverse.http.get("WhoAmI", headers={"Authorization": f"Bearer {token}"}).json()["UserId"]
        for token in (other, dataverse.token())
    }
    assert len(users) == 2


# -------------------------------------------------------------------------------------------------------------- limits


def test_the_headers_tell_what_is_left(dataverse: Dataverse) -> None:
    first, second = dataverse.http.get("WhoAmI"), dataverse.http.get("WhoAmI")
    name = "x-ms-ratelimit-burst-remaining-xrm-requests"
    assert (first.headers[name], second.headers[name]) == ("5999", "5998")
    assert float(second.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) <= 1200
    assert second.headers["x-ms-dop-hint"] == "10"


def test_too_many_requests_are_refused_until_the_window_has_moved_on(dataverse: Dataverse) -> None:
    dataverse.restart(limits=Limits(requests=2, window_seconds=1.5))
    assert [dataverse.http.get("WhoAmI").status_code for _ in range(3)] == [200, 200, 429]
    answer = dataverse.http.get("WhoAmI")
    assert answer.json()["error"] == {
        "code": "0x80072322",
        "message": "Number of requests exceeded the limit of 2 over time window of 2 seconds.",
    }
    assert int(answer.headers["Retry-After"]) == 3  # a refused request makes the next wait longer
    time.sleep(1.6)
    assert dataverse.http.get("WhoAmI").status_code == 200


def test_too_much_execution_time_is_refused(dataverse: Dataverse) -> None:
    dataverse.restart(limits=Limits(execution_seconds=0.05))
    dataverse.control("faults", {"min_latency": 0.06})
    assert dataverse.http.get("WhoAmI").status_code == 200
    assert dataverse.http.get("WhoAmI").json()["error"]["code"] == "0x80072321"


def test_one_client_may_have_limits_of_its_own(dataverse: Dataverse) -> None:
    dataverse.control("limits", {"requests": 0})
    assert dataverse.http.get("WhoAmI").status_code == 429
    client = next(iter(dataverse.control("privileges", method="GET")))
    dataverse.control("limits", {"requests": 1, "client": client})
    assert [dataverse.http.get("WhoAmI").status_code for _ in range(2)] == [200, 429]


async def test_too_many_at_once_are_refused(dataverse: Dataverse) -> None:
    dataverse.control("limits", {"concurrent": 1})
    dataverse.control("faults", {"min_latency": 0.3})
    headers = {"Authorization": dataverse.http.headers["Authorization"]}
    async with httpx.AsyncClient(base_url=dataverse.http.base_url, headers=headers) as http:
        answers = await asyncio.gather(*(http.get("WhoAmI") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["message"] == "Number of concurrent requests exceeded the limit of 1."


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle_requests", "0x80072322"),
        ("throttle_time", "0x80072321"),
        ("throttle_concurrency", "0x80072326"),
    ],
)
def test_throttling_can_be_asked_for(dataverse: Dataverse, kind: str, code: str) -> None:
    dataverse.control("faults", {"rules": [{"kind": kind, "times": 1, "retry_after": 7, "match": "^GET WhoAmI$"}]})
    assert dataverse.http.get("contacts").status_code == 200
    answer = dataverse.http.get("WhoAmI")
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["error"]["code"]) == (429, "7", code)
    assert dataverse.http.get("WhoAmI").status_code == 200


def test_an_outage_answers_with_a_page_for_people(dataverse: Dataverse) -> None:
    dataverse.control("faults", {"rules": [{"kind": "unavailable"}]})
    answer = dataverse.http.get("WhoAmI")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")
    assert dataverse.control("faults", method="DELETE")["rules"] == []
    assert dataverse.http.get("WhoAmI").status_code == 200


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("reset_after", 1), ("timeout", 0), ("timeout_after", 1)])
def test_an_answer_can_get_lost_before_or_after_the_effect(dataverse: Dataverse, kind: str, made: int) -> None:
    dataverse.control("faults", {"rules": [{"kind": kind, "times": 1, "match": "POST"}]})
    with pytest.raises(httpx.TransportError) as lost:
        dataverse.http.post("contacts", json={"lastname": "Lee"}, timeout=0.3)
    assert isinstance(lost.value, httpx.ReadTimeout) == kind.startswith("timeout")
    assert len(dataverse.values("contacts")) == made


def test_a_share_of_the_requests_can_be_struck(dataverse: Dataverse) -> None:
    dataverse.control("faults", {"rules": [{"kind": "unavailable", "rate": 0.5}]})
    struck = sum(dataverse.http.get("WhoAmI").status_code == 503 for _ in range(60))
    assert 15 < struck < 45


@pytest.mark.parametrize("body", [{"rules": [{"kind": "plague"}]}, {"latency": 1}])
def test_the_control_interface_refuses_what_it_does_not_know(dataverse: Dataverse, body: Any) -> None:
    assert dataverse.http.post(f"{dataverse.origin}/sandbox/faults", json=body).status_code == 400
    assert dataverse.http.post(f"{dataverse.origin}/sandbox/faults", content=b"{").status_code == 400


def test_requests_are_counted(dataverse: Dataverse) -> None:
    dataverse.create("contacts", lastname="Lee")
    dataverse.get("contacts")
    dataverse.contexts(1)
    counters = dataverse.control("counters", method="GET")
    assert counters["requests"]["POST contacts"] == 1
    assert counters["requests"]["requests"] == 2
    assert counters["messages"] == {"posted": 1, "failed": 0, "underway": 0}


# -------------------------------------------------------------------------------------------------------------- speed


def test_a_thousand_updates_in_a_batch_do_not_read_all_rows_a_thousand_times(dataverse: Dataverse) -> None:
    ids = [str(uuid4()) for _ in range(1000)]
    rows = [("contact", {"contactid": one, "lastname": "Lee"}) for one in ids]
    dataverse.restart([*rows, *(("contact", {"lastname": "Other"}) for _ in range(4000))])
    body = batch(*(part(f"PATCH contacts({one})", {"jobtitle": "Poet"}) for one in ids))

    def update() -> None:
        answer = dataverse.http.post("$batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=b"})
        assert answer.text.count("204 No Content") == 1000

    assert effort(update) < 50  # server and posting included: half a second on a quick machine
