"""The sandbox's `$batch` and its change sets keep the rules of Dataverse."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.dataverse_sandbox.session import (
    Dataverse,
    batch,
    change_set,
    part,
    summary,
)


def send(dataverse: Dataverse, body: bytes, prefer: str = "", boundary: str = "boundary=b") -> httpx.Response:
    headers = {"Content-Type": f"multipart/mixed; {boundary}"}
    return dataverse.http.post("$batch", content=body, headers=headers | ({"Prefer": prefer} if prefer else {}))


def statuses(answer: httpx.Response) -> list[int]:
    return [int(status) for status in re.findall(r"HTTP/1\.1 (\d+)", answer.text)]


def contacts(dataverse: Dataverse) -> list[str]:
    return [row["lastname"] for row in dataverse.values("contacts", **{"$orderby": "lastname"})]


def person(name: str) -> dict[str, Any]:
    return {"lastname": name}


def test_a_batch_answers_every_request_in_order(dataverse: Dataverse) -> None:
    body = batch(part("POST contacts", person("A")), part("GET contacts?$select=lastname"), part("GET WhoAmI"))
    answer = send(dataverse, body)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(answer) == [204, 200, 200]
    location = re.search(r"Location: (\S+)", answer.text)
    entity = re.search(r"OData-EntityId: (\S+)", answer.text)
    assert location is not None
    assert entity is not None
    assert location[1] == entity[1]
    assert '"lastname":"A"' in answer.text


def test_quoted_boundaries_absolute_addresses_and_bare_line_ends_are_understood(dataverse: Dataverse) -> None:
    absolute = part("POST contacts", person("A")).replace("/api/data", f"{dataverse.origin}/api/data")
    assert statuses(send(dataverse, batch(absolute), boundary='boundary="b"')) == [204]
    bare = batch(part("POST contacts", person("B"))).replace(b"\r\n", b"\n")
    assert statuses(send(dataverse, bare)) == [204]
    assert contacts(dataverse) == ["A", "B"]


def test_the_first_error_ends_a_batch(dataverse: Dataverse) -> None:
    body = batch(
        part("POST contacts", person("A")), part("POST contacts", {"dog": 1}), part("POST contacts", person("C"))
    )
    answer = send(dataverse, body)
    assert (answer.status_code, statuses(answer)) == (400, [204, 400])
    assert contacts(dataverse) == ["A"]


def test_a_batch_goes_on_after_errors_on_demand(dataverse: Dataverse) -> None:
    body = batch(
        part("POST contacts", person("A")), part("POST contacts", {"dog": 1}), part("POST contacts", person("C"))
    )
    answer = send(dataverse, body, "odata.continue-on-error")
    assert (answer.status_code, statuses(answer)) == (200, [204, 400, 204])
    assert contacts(dataverse) == ["A", "C"]


def test_a_change_set_refers_to_its_earlier_rows_in_bodies_and_addresses(dataverse: Dataverse) -> None:
    customer = {"dh_name": "News", "dh_CustomerId_contact@odata.bind": "$1"}
    body = batch(
        change_set(
            part("POST contacts", person("A"), 1),
            part("POST dh_spotlerpermissions", customer, 2),
            part("PATCH $1", {"jobtitle": "Poet"}, 3).replace("/api/data/v9.2/", ""),
        )
    )
    answer = send(dataverse, body)
    assert (answer.status_code, statuses(answer)) == (200, [204, 204, 204])
    assert re.findall(r"Content-ID: (\d)", answer.text) == ["1", "2", "3"]
    assert "boundary=changesetresponse_" in answer.text
    (row,) = dataverse.values("contacts")
    assert row["jobtitle"] == "Poet"
    assert dataverse.values("dh_spotlerpermissions")[0]["_dh_customerid_value"] == row["contactid"]


def test_a_change_set_is_undone_as_a_whole_and_says_nothing_to_the_endpoint(dataverse: Dataverse) -> None:
    kept = dataverse.create("contacts", lastname="Kept")
    dataverse.contexts(1)
    body = batch(
        change_set(
            part("POST contacts", person("A"), 1),
            part(f"PATCH contacts({kept})", person("Changed"), 2),
            part(f"DELETE contacts({kept})", None, 3),
            part("POST contacts", {"lastname": "x" * 51}, 4),
        ),
        part("POST contacts", person("B")),
    )
    answer = send(dataverse, body, "odata.continue-on-error")
    assert (answer.status_code, statuses(answer)) == (200, [400, 204])
    assert contacts(dataverse) == ["B", "Kept"]
    dataverse.contexts(2)
    assert [summary(message) for message in dataverse.messages] == ["Create contact", "Create contact"]
    assert dataverse.get(f"contacts({kept})")["@odata.etag"]


@pytest.mark.parametrize(
    "broken",
    [
        change_set(part("POST dh_spotlerpermissions", {"dh_CustomerId_contact@odata.bind": "$2"}, 1)),
        change_set(part("GET contacts", None, 1)),
        change_set(part("POST contacts", {"lastname": "A"})),
        part("POST $batch"),
    ],
    ids=["forward reference", "read", "no content id", "batch in a batch"],
)
def test_a_request_that_may_not_be_in_a_batch_fails(dataverse: Dataverse, broken: str) -> None:
    answer = send(dataverse, batch(broken))
    assert (answer.status_code, statuses(answer)) == (400, [400])


def test_a_forward_reference_is_named(dataverse: Dataverse) -> None:
    body = batch(change_set(part("POST dh_spotlerpermissions", {"dh_CustomerId_contact@odata.bind": "$1"}, 1)))
    assert "Content-ID Reference: '$1' does not exist in the batch context." in send(dataverse, body).text


def test_a_batch_holds_a_thousand_requests_and_no_more(dataverse: Dataverse) -> None:
    parts = [part(f"PATCH contacts({uuid4()})", person("A")) for _ in range(1001)]
    answer = send(dataverse, batch(*parts))
    assert answer.status_code == 400
    assert "1000" in json.loads(answer.text)["error"]["message"]
    assert contacts(dataverse) == []
    assert statuses(send(dataverse, batch(*parts[:1000]))) == [204] * 1000


def test_a_body_without_its_boundary_is_refused(dataverse: Dataverse) -> None:
    assert send(dataverse, b"--other\r\n").status_code == 400
    assert dataverse.http.post("$batch", json={}).status_code == 400


def test_conditions_hold_inside_a_batch_too(dataverse: Dataverse) -> None:
    contact = dataverse.create("contacts", lastname="A")
    body = batch(part(f"PATCH contacts({contact})", person("B"), headers='If-Match: W/"1"\r\n'))
    assert statuses(send(dataverse, body)) == [412]
    assert contacts(dataverse) == ["A"]
