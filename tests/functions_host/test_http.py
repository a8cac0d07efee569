"""What callers of the HTTP functions see, over real HTTP."""
# ruff: noqa: ARG002  # a fake receiver takes what the real one needs

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.functions as func
import httpx
import pytest
import pytest_asyncio

from shared.local.functions_host.errors import HostError
from shared.local.functions_host.host import FunctionsHost
from shared.local.functions_host.host_json import HostJson
from shared.local.functions_host.keys import HostKeys
from shared.ports.queue import QueueName, ReceivedMessage
from tests.programs.times import LONGEST_WAIT

SECRET = "anna@example.org"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class EmptyReceiver:
    """No queue has anything."""

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        await asyncio.sleep(0.01)
        return []

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None: ...

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None: ...

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None: ...


def sample_app(timer_runs: asyncio.Queue[bool]) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route(route="echo/{name}", methods=["GET"])
    async def greet(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(f"{req.method} {dict(req.route_params)}")

    @app.route(route="echo/{name}/{extra}/values", methods=["GET", "POST"])
    async def echo(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(
            f"{req.method} {req.route_params['name']} {req.route_params['extra']} {req.params.get('q', '-')} "
            f"{req.get_body().decode()}"
        )

    @app.route(route="echo/fixed", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def fixed(req: func.HttpRequest) -> str:
        return f"fixed, in the main thread: {threading.current_thread() is threading.main_thread()}"

    @app.route(route="admin", auth_level=func.AuthLevel.ADMIN)
    async def administer(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=204)

    @app.route(route="cookies", auth_level=func.AuthLevel.ANONYMOUS)
    async def cookies(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse("", status_code=303, headers={"Location": "/there"})
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    @app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
    async def broken(req: func.HttpRequest) -> func.HttpResponse:
        raise ValueError(SECRET)

    @app.route(route="late", auth_level=func.AuthLevel.ANONYMOUS)
    async def late(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        await asyncio.sleep(60)
        return func.HttpResponse(context.invocation_id)

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    async def yearly(timer: func.TimerRequest) -> None:
        timer_runs.put_nowait(timer.past_due)

    return app


@pytest.fixture
def timer_runs() -> asyncio.Queue[bool]:
    return asyncio.Queue()


@pytest_asyncio.fixture
async def host(tmp_path: Path, timer_runs: asyncio.Queue[bool]) -> AsyncIterator[FunctionsHost]:
    settings = HostJson.model_validate({"version": "2.0", "functionTimeout": "00:00:00.5"})
    async with FunctionsHost(
        sample_app(timer_runs), settings, EmptyReceiver(), clock=SystemClock(), folder=tmp_path, port=0
    ) as host:
        yield host


@pytest_asyncio.fixture
async def caller(host: FunctionsHost) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=host.url) as client:
        yield client


def with_key(key: str) -> dict[str, str]:
    return {"x-functions-key": key}


async def test_a_function_receives_method_route_query_and_body(caller: httpx.AsyncClient, host: FunctionsHost) -> None:
    answer = await caller.post("/api/echo/anna/more/values?q=1", content=b"body", headers=with_key(host.keys.default))

    assert (answer.status_code, answer.text) == (200, "POST anna more 1 body")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/echo/anna", {"name": "anna"}),
        ("/API/Echo/Anna/", {"name": "Anna"}),
        ("/api/echo/6d81597f-0a43-4a4b-9e86-3b8f5f0f4c11", {"name": "6d81597f-0a43-4a4b-9e86-3b8f5f0f4c11"}),
        ("/api/echo/an%20na.json", {"name": "an na.json"}),
    ],
)
async def test_a_path_matches_as_in_azure(
    path: str, parameters: dict[str, str], caller: httpx.AsyncClient, host: FunctionsHost
) -> None:
    answer = await caller.get(path, headers=with_key(host.keys.default))

    assert answer.text == f"GET {parameters}"


@pytest.mark.parametrize("path", ["/api/echo", "/api/echo/", "/api/echo/anna/more", "/api/echo/anna/more/other"])
async def test_a_path_with_other_segments_is_not_found(
    path: str, caller: httpx.AsyncClient, host: FunctionsHost
) -> None:
    assert (await caller.get(path, headers=with_key(host.keys.default))).status_code == 404


async def test_a_literal_route_wins_and_its_sync_function_blocks_nobody(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/api/echo/fixed")

    assert answer.text == "fixed, in the main thread: False"


async def test_a_function_key_opens_functions_but_not_admin_ones(
    caller: httpx.AsyncClient, host: FunctionsHost
) -> None:
    async def status(path: str, key: str) -> int:
        return (await caller.get(path, headers=with_key(key))).status_code

    assert await status("/api/echo/anna", "") == 401
    assert await status("/api/echo/anna", "wrong") == 401
    assert await status("/api/echo/anna", host.keys.default) == 200
    assert await status("/api/echo/anna", host.keys.master) == 200
    assert await status("/api/admin", host.keys.default) == 401
    assert await status("/api/admin", host.keys.master) == 204


async def test_the_key_may_stand_in_the_query(caller: httpx.AsyncClient, host: FunctionsHost) -> None:
    assert (await caller.get("/api/echo/anna", params={"code": host.keys.default})).status_code == 200
    assert (await caller.get("/api/echo/anna", params={"code": "no"})).status_code == 401


async def test_unknown_paths_and_methods_are_not_found(caller: httpx.AsyncClient, host: FunctionsHost) -> None:
    headers = with_key(host.keys.master)

    assert (await caller.get("/api/nothing", headers=headers)).status_code == 404
    assert (await caller.get("/echo/anna", headers=headers)).status_code == 404
    assert (await caller.delete("/api/echo/anna", headers=headers)).status_code == 404
    assert (await caller.head("/api/echo/anna", headers=headers)).status_code == 404
    assert (await caller.get("/admin/functions/yearly", headers=headers)).status_code == 404
    assert (await caller.request("TRACE", "/api/echo/anna", headers=headers)).status_code == 405


@pytest.mark.parametrize("route", ["{id:guid}", "{id:int}", "{id?}", "{*rest}", "{id=7}", "{id"])
def test_a_route_beyond_the_served_grammar_is_refused(route: str, tmp_path: Path) -> None:
    app = func.FunctionApp()

    @app.route(route=route)
    async def answer(req: func.HttpRequest) -> str:
        return ""

    with pytest.raises(HostError, match="route"):
        FunctionsHost(
            app, HostJson(version="2.0"), EmptyReceiver(), clock=SystemClock(), folder=tmp_path, environment={}
        )


async def test_every_cookie_reaches_the_caller(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/api/cookies")

    assert (answer.status_code, answer.headers["location"]) == (303, "/there")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_an_exception_is_a_bare_500_and_its_text_is_not_logged(
    caller: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await caller.get("/api/broken")

    assert (answer.status_code, answer.text) == (500, "")
    assert "broken failed" in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


async def test_a_function_past_its_time_limit_is_given_up(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/api/late")).status_code == 500


async def test_a_timer_is_started_by_hand_with_the_master_key_only(
    caller: httpx.AsyncClient, host: FunctionsHost, timer_runs: asyncio.Queue[bool]
) -> None:
    async def start(name: str, key: str) -> int:
        return (await caller.post(f"/admin/functions/{name}", headers=with_key(key), json={"input": ""})).status_code

    assert await start("yearly", host.keys.default) == 401
    assert await start("echo", host.keys.master) == 404
    assert timer_runs.empty()
    assert await start("yearly", host.keys.master) == 202
    async with asyncio.timeout(LONGEST_WAIT):
        assert await timer_runs.get() is False


async def test_requests_are_answered_at_the_same_time(caller: httpx.AsyncClient) -> None:
    late = asyncio.create_task(caller.get("/api/late"))

    assert (await caller.get("/api/echo/fixed")).status_code == 200
    assert not late.done()
    assert (await late).status_code == 500


def test_keys_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"

    keys = HostKeys.open(path)

    assert HostKeys.open(path) == keys
    assert HostKeys.open(tmp_path / "other.json") != keys
    assert len({keys.master, keys.default}) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.master not in repr(keys)


def test_a_damaged_key_file_is_reported_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"master": "precious"}')

    with pytest.raises(HostError, match=r"keys\.json") as raised:
        HostKeys.open(tmp_path / "keys.json")
    assert "precious" not in str(raised.value)
