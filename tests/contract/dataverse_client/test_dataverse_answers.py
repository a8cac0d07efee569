"""What an answer of Dataverse means to its client, what is logged of it, and what is repeated."""

from __future__ import annotations

import logging

import httpx
import pytest

from shared.adapters.dataverse.web_api.odata import ODataComparison, compare
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from tests.contract.dataverse_script import (
    BASE,
    ROW,
    Answer,
    Script,
    delete,
    error,
    read_all,
    rows,
)

pytestmark = pytest.mark.usefixtures("repetitions_do_not_wait")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, "0x80044331"), DataError),
        (error(400, "0x80060888"), ConfigurationError),
        (error(401), ConfigurationError),
        (error(403, "0x80040220"), ConfigurationError),
        (error(404, "0x80040217"), NotFoundError),
        (httpx.Response(404, text="<html>"), ConfigurationError),
        (httpx.Response(302, headers={"Location": "https://login.example.org"}), ConfigurationError),
        (error(412, "0x80060882"), ConflictError),
        (error(400, "0x80040237"), ConflictError),
        (error(429, "0x80072322", Retry_After="300"), ThrottledError),
        (error(500), TransientError),
        (httpx.Response(503, text="<html>"), TransientError),
        (httpx.Response(200, text="<html>"), TransientError),
        (httpx.ConnectError("refused"), TransientError),
        (httpx.ReadTimeout("silence"), TransientError),
    ],
)
async def test_an_answer_becomes_the_error_that_says_what_to_do(answer: Answer, kind: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as raised:
        await Script(answer).client.update("contacts", ROW, {})
    assert isinstance(raised.value, kind)
    assert raised.value.service is Service.DATAVERSE


async def test_the_message_of_the_other_side_is_kept_apart_from_what_is_logged() -> None:
    script = Script(error(400, "0x80044331", "ann@example.org is too long"))
    with pytest.raises(DataError) as raised:
        await script.client.update("contacts", ROW, {})
    assert raised.value.detail == "ann@example.org is too long"
    assert "ann" not in str(raised.value)
    assert raised.value.code == "0x80044331"


async def test_an_error_code_that_is_none_is_not_logged_either() -> None:
    with pytest.raises(DataError) as raised:
        await Script(error(400, "ann@example.org is wrong")).client.update("contacts", ROW, {})
    assert "ann" not in str(raised.value)


async def test_every_request_is_observed_without_ids_or_values() -> None:
    script = Script(httpx.ReadError("broken"), httpx.Response(204))
    await script.client.update("contacts", ROW, {"lastname": "x"})
    assert script.observed == [
        (Service.DATAVERSE, "PATCH contacts", 0),
        (Service.DATAVERSE, "PATCH contacts", 204),
    ]


async def test_no_log_shows_a_filter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await read_all(
        Script(httpx.ReadError("x"), rows()), filter=compare("emailaddress1", ODataComparison.EQUAL, "ann@x.org")
    )
    assert "ann" not in caplog.text


# --------------------------------------------------------------------------------------------------- what is repeated

BROKEN = httpx.ReadError("broken")
UNREACHABLE = httpx.ConnectError("refused")


@pytest.mark.parametrize("failure", [BROKEN, UNREACHABLE, error(503), error(500), httpx.Response(502)])
async def test_a_repeatable_request_is_repeated(failure: Answer) -> None:
    script = Script(failure, failure, httpx.Response(204))
    await script.client.update("contacts", ROW, {})
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (BROKEN, UnknownOutcomeError),
        (httpx.ReadTimeout("silence"), UnknownOutcomeError),
        (httpx.Response(504), UnknownOutcomeError),
        (error(500), TransientError),
    ],
)
async def test_a_create_without_own_id_is_sent_once(failure: Answer, kind: type[ConnectorError]) -> None:
    script = Script(failure)
    with pytest.raises(kind):
        await script.client.create("contacts", {"lastname": "x"})
    assert len(script.requests) == 1


async def test_a_create_is_repeated_if_it_never_left() -> None:
    script = Script(UNREACHABLE, httpx.Response(204, headers={"OData-EntityId": f"{BASE}contacts({ROW})"}))
    assert await script.client.create("contacts", {"lastname": "x"}) == ROW


async def test_a_create_with_own_id_survives_a_lost_answer() -> None:
    script = Script(BROKEN, error(412, "0x80040237"), httpx.Response(200, json={"contactid": str(ROW)}))
    assert await script.client.create("contacts", {"contactid": str(ROW)}, key="contactid") == ROW


async def test_a_clash_of_another_key_is_still_a_conflict() -> None:
    script = Script(error(412, "0x80040237"), error(404, "0x80040217"))
    with pytest.raises(ConflictError):
        await script.client.create("contacts", {"contactid": str(ROW)}, key="contactid")


@pytest.mark.parametrize("refusal", [error(400, "0x1"), error(403, "0x1"), error(404, "0x1"), error(412, "0x1")])
async def test_a_request_that_dataverse_refuses_is_sent_once(refusal: httpx.Response) -> None:
    script = Script(refusal)
    with pytest.raises(ConnectorError):
        await script.client.execute(delete("contacts", ROW))
    assert len(script.requests) == 1


async def test_a_rejected_token_is_renewed_three_times_at_most() -> None:
    script = Script(error(401), error(401), httpx.Response(204))
    await script.client.execute(delete("contacts", ROW))
    tokens = [request.headers["Authorization"] for request in script.requests]
    assert tokens == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]
    script = Script(error(401))
    with pytest.raises(ConfigurationError):
        await script.client.execute(delete("contacts", ROW))
    assert len(script.requests) == 4
