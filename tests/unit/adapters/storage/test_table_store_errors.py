"""What the store in Azure Tables makes of answers that Azurite never gives."""

from __future__ import annotations

import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient

from shared.adapters.storage.tables import TableStateStore
from shared.errors import ConfigurationError, ConnectorError, DataError, Service, ThrottledError, TransientError
from shared.ports.state import DocumentKey, Put

KEY = DocumentKey("bindings", "contact:1")
CREDENTIAL = AzureNamedKeyCredential("account", base64.b64encode(b"key").decode())

Answer = Callable[[web.Request], web.Response]

CALLS: dict[str, Callable[[TableStateStore], Awaitable[object]]] = {
    "read": lambda store: store.read([KEY, DocumentKey("bindings", "contact:2")]),
    "write": lambda store: store.write([Put(KEY, {})]),
    "scan": lambda store: store.scan("bindings"),
}


def failing(status: int, code: str, *, retry_after: str = "") -> Answer:
    headers = {"Retry-After": retry_after} if retry_after else {}
    body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": "about contact:1"}}}
    return lambda _: web.json_response(body, status=status, headers=headers)


def empty_table(request: web.Request) -> web.Response:
    if "RowKey=" in request.path:  # the layout of the table
        entity = {"PartitionKey": "state-layout", "RowKey": "parts", "body0": '{"parts":4}'}
        return web.json_response(entity, headers={"etag": "W/1"})
    return web.Response(status=204) if request.method == "POST" else web.json_response({"value": []})


class Tables:
    """A table service that answers as it is told."""

    def __init__(self) -> None:
        self.answer: Answer = empty_table

    async def handle(self, request: web.Request) -> web.Response:
        return self.answer(request)


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest_asyncio.fixture
async def store(tables: Tables) -> AsyncIterator[TableStateStore]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", tables.handle)
    async with TestServer(app) as server:
        store = TableStateStore(
            TableClient(str(server.make_url("/account")), "state", credential=CREDENTIAL, retry_total=0)
        )
        yield store
        await store.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failing(503, "ServerBusy"), ThrottledError),
        (failing(429, "TooManyRequests"), ThrottledError),
        (failing(500, "InternalError"), TransientError),
        (failing(500, "OperationTimedOut"), TransientError),
        (failing(403, "AuthorizationPermissionMismatch"), ConfigurationError),
        (failing(403, "AuthenticationFailed"), ConfigurationError),
        (failing(404, "TableNotFound"), ConfigurationError),
        (failing(400, "EntityTooLarge"), DataError),
        (failing(413, "RequestBodyTooLarge"), DataError),
    ],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_each_refusal_says_what_to_do_next(
    store: TableStateStore,
    tables: Tables,
    answer: Answer,
    kind: type[ConnectorError],
    call: Callable[[TableStateStore], Awaitable[object]],
) -> None:
    await store.ping()
    tables.answer = answer
    with pytest.raises(kind) as caught:
        await call(store)
    assert type(caught.value) is kind
    assert caught.value.service is Service.STATE
    assert "contact:1" not in str(caught.value)


async def test_the_wait_that_the_service_asks_for_is_passed_on(store: TableStateStore, tables: Tables) -> None:
    tables.answer = failing(503, "ServerBusy", retry_after="17")
    with pytest.raises(ThrottledError) as caught:
        await store.read([KEY])
    assert caught.value.retry_after == timedelta(seconds=17)
    assert caught.value.code == "ServerBusy"


async def test_without_a_wait_from_the_service_there_is_one_of_ours(store: TableStateStore, tables: Tables) -> None:
    tables.answer = failing(503, "ServerBusy")
    with pytest.raises(ThrottledError) as caught:
        await store.read([KEY])
    assert caught.value.retry_after > timedelta(0)


async def test_a_service_that_cannot_be_reached_may_come_back() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/account"
        store = TableStateStore(TableClient(url, "state", credential=CREDENTIAL, retry_total=0))
        with pytest.raises(TransientError):
            await store.ping()
        await store.close()
