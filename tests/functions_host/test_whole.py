"""A host that runs a whole app: queue, timer and HTTP side by side, on one event loop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import List  # noqa: UP035  # the worker refuses list[...] as a type of messages

import azure.functions as func
import httpx
import pytest

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.local.functions_host.host import FunctionsHost
from shared.local.functions_host.host_json import HostJson
from shared.ports.queue import OutgoingMessage, QueueName
from tests.programs.times import LONGEST_WAIT

SETTINGS = HostJson.model_validate({"version": "2.0", "extensions": {"http": {"routePrefix": ""}}})


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Journal:
    """What ran, and on which loop."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self.message_done = asyncio.Event()

    def note(self, entry: str) -> None:
        self.entries.append(entry)
        self.loops.add(asyncio.get_running_loop())


def app_with_every_trigger(journal: Journal) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    async def yearly(timer: func.TimerRequest) -> None:
        journal.note("timer")

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        await asyncio.sleep(0.05)
        journal.note(" ".join(message.get_body().decode() for message in messages))
        journal.message_done.set()

    @app.route(route="health")
    async def health(req: func.HttpRequest) -> str:
        journal.note("request")
        return "ok"

    return app


async def test_all_triggers_of_an_app_run_on_the_loop_of_the_host(tmp_path: Path) -> None:
    journal = Journal()
    queue = SqliteQueue(tmp_path / "queue.db", clock=SystemClock(), redact=lambda _, body: body)
    await queue.send(QueueName.LIVE, [OutgoingMessage(b"one"), OutgoingMessage(b"two")])

    async with (
        FunctionsHost(
            app_with_every_trigger(journal), SETTINGS, queue, clock=SystemClock(), folder=tmp_path, port=0
        ) as host,
        httpx.AsyncClient(base_url=host.url) as caller,
        asyncio.timeout(LONGEST_WAIT),
    ):
        assert (await caller.get("/health")).text == "ok"
        await journal.message_done.wait()

    assert sorted(journal.entries) == ["one two", "request", "timer"]
    assert journal.loops == {asyncio.get_running_loop()}
    assert (await queue.depth(QueueName.LIVE)).active == 0
    await queue.close()


async def test_after_the_host_nobody_answers(tmp_path: Path) -> None:
    queue = SqliteQueue(tmp_path / "queue.db", clock=SystemClock(), redact=lambda _, body: body)
    async with FunctionsHost(
        app_with_every_trigger(Journal()), SETTINGS, queue, clock=SystemClock(), folder=tmp_path, port=0
    ) as host:
        url = host.url
    await queue.close()

    async with httpx.AsyncClient() as caller:
        with pytest.raises(httpx.ConnectError):
            await caller.get(f"{url}/health")


async def test_a_port_that_is_taken_is_an_error_at_start(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    queue = SqliteQueue(tmp_path / "queue.db", clock=SystemClock(), redact=lambda _, body: body)

    with pytest.raises(OSError, match="in use"):
        async with FunctionsHost(
            app_with_every_trigger(Journal()), SETTINGS, queue, clock=SystemClock(), folder=tmp_path, port=port
        ):
            pass

    taken.close()
    await queue.close()
