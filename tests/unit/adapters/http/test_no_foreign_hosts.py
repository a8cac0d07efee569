"""Credentials travel to the configured addresses and nowhere else (SSRF): whatever an answer or a message says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import stamina
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.composition.settings import load_settings
from shared.errors import ConfigurationError, ConnectorError

ORGANISATION = "https://org.crm4.dynamics.com"
SPOTLER = "https://restapi.mailplus.nl/integrationservice"
EVIL = "https://evil.example.org"


class Tokens:
    """Hands out the token that must not travel."""

    async def token(self) -> str:
        return "precious"

    def reject(self, token: str) -> None: ...


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Wire:
    """Answers every request alike and remembers where requests went."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.hosts: list[str] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        return self._answer(request)

    def dataverse(self) -> DataverseClient:
        return DataverseClient(ORGANISATION, Tokens(), http_transport=httpx.MockTransport(self))

    def spotler(self) -> SpotlerClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return SpotlerClient(SPOTLER, "key", "secret", http=http, clock=Clock())


def page(link: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, json={"value": [{"contactid": str(UUID(int=1))}], "@odata.nextLink": link})


@pytest.fixture(autouse=True)
def hasty() -> Any:
    with stamina.set_testing(True, attempts=1):
        yield


links = st.one_of(
    st.text(max_size=30),
    st.builds(
        "{}{}".format,
        st.sampled_from(["", ORGANISATION, EVIL, "//evil.example.org", f"{ORGANISATION}@evil.org"]),
        st.text(max_size=30),
    ),
    st.builds(
        "{}{}@{}/api/data/v9.2/{}".format,
        st.sampled_from(["https://", "http://"]),
        st.text(max_size=8),
        st.text(max_size=8),
        st.text(max_size=8),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links)
@example(f"{EVIL}/api/data/v9.2/contacts?$skiptoken=1")
@example(f"{ORGANISATION}\\@evil.example.org/api/data/v9.2/contacts")
@example(f"{ORGANISATION}:443@evil.example.org/api/data/v9.2/contacts")
@example("//evil.example.org/api/data/v9.2/contacts")
async def test_a_next_link_leads_to_the_organisation_or_nowhere(link: str) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return page(link)(request) if asked == 1 else httpx.Response(200, json={"value": []})

    wire = Wire(answer)
    async with wire.dataverse() as client:
        try:
            async for _ in client.query("contacts", select=["contactid"]):
                pass
        except (ConfigurationError, httpx.InvalidURL):
            pass
    assert set(wire.hosts) == {"org.crm4.dynamics.com"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links)
@example("@evil.example.org/contacts?")
@example("../../../../contacts?")
@example("systemusers?$select=fullname")
async def test_a_continuation_from_a_message_goes_on_with_its_own_table_only(after: str) -> None:
    """`after` of a walk travels through a queue."""
    wire = Wire(page(""))
    async with wire.dataverse() as client:
        with pytest.raises(ConfigurationError):
            await client.page("contacts", select=["contactid"], orderby="contactid", page_size=1, after=after or "?")
    assert wire.hosts == []


async def test_a_redirect_of_dataverse_is_not_followed() -> None:
    wire = Wire(lambda _: httpx.Response(302, headers={"Location": f"{EVIL}/api/data/v9.2/WhoAmI"}))
    async with wire.dataverse() as client:
        with pytest.raises(ConfigurationError, match="elsewhere"):
            await client.who_am_i()
    assert set(wire.hosts) == {"org.crm4.dynamics.com"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_spotler_is_not_followed(status: int) -> None:
    wire = Wire(lambda _: httpx.Response(status, headers={"Location": f"{EVIL}/contact/1"}))
    client = wire.spotler()
    with pytest.raises(ConnectorError):
        await client.contact("1")
    await client.transport.close()
    assert set(wire.hosts) == {"restapi.mailplus.nl"}


async def test_a_link_in_a_list_of_spotler_is_not_followed() -> None:
    answer = {"items": [], "paging": {"next": f"{EVIL}/contact/updates/list?after=9", "after": 9}}
    wire = Wire(lambda _: httpx.Response(200, json=answer))
    client = wire.spotler()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(StopAsyncIteration):
        await anext(aiter(client.updated_contacts(moment, moment)))
    await client.transport.close()
    assert set(wire.hosts) == {"restapi.mailplus.nl"}


async def test_the_place_of_a_new_row_elsewhere_is_not_visited() -> None:
    row = f"{EVIL}/api/data/v9.2/contacts({UUID(int=7)})"
    single = httpx.Response(204, headers={"OData-EntityId": row, "Location": row})
    part = f"HTTP/1.1 204 No Content\r\nOData-EntityId: {row}\r\nLocation: {row}\r\n\r\n"
    batch = f"--b\r\nContent-Type: application/http\r\n\r\n{part}\r\n--b--\r\n"
    many = httpx.Response(200, content=batch, headers={"Content-Type": "multipart/mixed; boundary=b"})
    wire = Wire(lambda request: many if request.url.path.endswith("$batch") else single)
    async with wire.dataverse() as client:
        await client.create("contacts", {})
        (result,) = await client.batch([WebApiOperation(Method.POST, "contacts", body={})])
    assert result.status == 204
    assert set(wire.hosts) == {"org.crm4.dynamics.com"}


FINE: Mapping[str, str] = {"SPOTLER_KEY": "key", "SPOTLER_SECRET": "secret"}


@pytest.mark.parametrize("name", ["DATAVERSE_URL", "DATAVERSE_AUTHORITY", "SPOTLER_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://org.crm4.dynamics.com",
        "http://localhost.evil.example.org",
        "http://127.0.0.1.evil.example.org",
        "http://127.0.0.1@evil.example.org",
        "https://user:password@org.crm4.dynamics.com",
        "https://org.crm4.dynamics.com?x=1",
        "https://org.crm4.dynamics.com#x",
        "https://",
        "https://org\\@evil.example.org",
        "https://[::1",
        "https://org:port",
        "http://128.1",
        "http://127.1 .evil.example.org",
        "ftp://org.crm4.dynamics.com",
        "file:///etc/passwd",
        "org.crm4.dynamics.com",
    ],
)
def test_an_address_that_credentials_must_not_go_to_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    for setting, value in {**FINE, name: url}.items():
        monkeypatch.setenv(setting, value)
    with pytest.raises(ConfigurationError, match=name) as refused:
        load_settings()
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://org.crm4.dynamics.com/",
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://127.1:1",
        "http://[::1]:1",
    ],
)
def test_other_addresses_are_fine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("DATAVERSE_URL", "DATAVERSE_AUTHORITY", "SPOTLER_URL"):
        monkeypatch.setenv(name, url)
    assert load_settings().dataverse_url == url


@pytest.mark.parametrize("name", ["SERVICE_BUS__fullyQualifiedNamespace", "STATE_STORAGE__tableServiceUri"])
def test_so_are_the_addresses_of_queue_and_state(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", "sixteen or more characters")
    monkeypatch.setenv(name, "http://evil.example.org")
    with pytest.raises(ConfigurationError, match=name):
        load_settings()
