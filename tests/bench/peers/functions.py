"""A function for each message, as a team would write it first; and the same with `$batch`.

Both do less than the connector: they keep no state, so they know neither what was agreed on nor who refused what. They
are given the ids of the contacts, and everything that can be known beforehand: connections and a token.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx

from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.composition.connections import SystemClock
from shared.local.sandbox.addresses import PEOPLE_CLIENT, PEOPLE_SECRET, TENANT, Addresses

AT_ONCE = 16
"""Calls of a function at once: the default of the Service Bus trigger of Azure Functions."""

_AT_A_TIME = 100
_COLUMNS = {
    "email": "emailaddress1",
    "firstName": "firstname",
    "infix": "middlename",
    "lastName": "lastname",
    "jobTitle": "jobtitle",
    "street": "address1_line1",
    "postalCode": "address1_postalcode",
    "city": "address1_city",
    "country": "address1_country",
    "mobileNumber": "mobilephone",
    "phoneNumber": "telephone1",
}
_SELECT = f"$select={','.join(('contactid', *_COLUMNS.values()))}"


@dataclass(frozen=True)
class Connections:
    """Both services, with credentials."""

    dataverse: httpx.AsyncClient
    spotler: httpx.AsyncClient


@asynccontextmanager
async def connected(addresses: Addresses) -> AsyncIterator[Connections]:
    """Connect as another client than the connector."""
    auth = OneLeggedOAuth1(addresses.spotler_key, addresses.spotler_secret, clock=SystemClock())
    async with (
        httpx.AsyncClient(base_url=f"{addresses.dataverse_url}/api/data/v9.2/", timeout=60) as dataverse,
        httpx.AsyncClient(base_url=addresses.spotler_url, auth=auth, timeout=60) as spotler,
    ):
        dataverse.headers["Authorization"] = f"Bearer {await token(addresses)}"
        yield Connections(dataverse, spotler)


async def token(addresses: Addresses) -> str:
    """Get an access token to Dataverse."""
    form = {
        "grant_type": "client_credentials",
        "client_id": PEOPLE_CLIENT,
        "client_secret": PEOPLE_SECRET,
        "scope": f"{addresses.dataverse_url}/.default",
    }
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{addresses.dataverse_url}/{TENANT}/oauth2/v2.0/token", data=form)
    return str(answer.raise_for_status().json()["access_token"])


async def message_by_message(ids: Sequence[str], to: Connections) -> None:
    """Read the contact, look it up in Spotler, write it, report; sixteen messages at once."""

    async def one(identifier: str) -> None:
        row = (await to.dataverse.get(f"contacts({identifier})?{_SELECT}")).raise_for_status().json()
        known = await to.spotler.get(f"/contact/{identifier}")
        if _differs(row, known):
            await _write([row], to)
        method, path, body = _report(row)
        (await to.dataverse.request(method, path, json=body)).raise_for_status()

    await _some_at_once(one, ids)


async def batch_by_batch(ids: Sequence[str], to: Connections) -> None:
    """Do the same for a hundred messages in one call; Spotler has no call that looks up many."""
    for start in range(0, len(ids), _AT_A_TIME):
        rows = await _batch(
            [("GET", f"contacts({one})?{_SELECT}", None) for one in ids[start : start + _AT_A_TIME]], to
        )
        changed: list[dict[str, Any]] = []

        async def look_up(row: dict[str, Any], changed: list[dict[str, Any]] = changed) -> None:
            if _differs(row, await to.spotler.get(f"/contact/{row['contactid']}")):
                changed.append(row)

        await _some_at_once(look_up, rows)
        await _write(changed, to)
        await _batch([_report(row) for row in rows], to)


async def _some_at_once(act: Any, things: Iterable[Any]) -> None:
    waiting = iter(things)

    async def worker() -> None:
        for one in waiting:
            await act(one)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def _properties(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[column] for name, column in _COLUMNS.items() if row.get(column)}


def _differs(row: dict[str, Any], known: httpx.Response) -> bool:
    if known.status_code == httpx.codes.NOT_FOUND:
        return True
    there = {one["name"]: one.get("value") for one in known.raise_for_status().json().get("properties", [])}
    return any(there.get(name) != value for name, value in _properties(row).items())


async def _write(rows: Sequence[dict[str, Any]], to: Connections) -> None:
    contacts = [{"externalId": row["contactid"], "properties": _properties(row)} for row in rows]
    body = {"update": True, "purge": False, "contacts": contacts}
    answer = (await to.spotler.post("/contact/list", json=body)).raise_for_status()
    assert all(one["code"] == "OK" for one in answer.json()), answer.text


def _report(row: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Write a row of Spotler Info that hangs below the contact: one request, where the connector's lookup needs two."""
    info = uuid5(NAMESPACE_URL, row["contactid"])
    return "PATCH", f"dh_spotlerinfos({info})", {"dh_name": row["contactid"], "dh_reasoncode": "created"}


async def _batch(requests: Sequence[tuple[str, str, Any]], to: Connections) -> list[dict[str, Any]]:
    """Send requests in one `$batch`, and read its answer with the parser of the standard library."""
    boundary = f"batch_{uuid4()}"
    base = to.dataverse.base_url.raw_path.decode()
    lines = "".join(f"--{boundary}\r\n{_part(method, base + path, body)}\r\n" for method, path, body in requests)
    answer = await to.dataverse.post(
        "$batch",
        content=f"{lines}--{boundary}--\r\n".encode(),
        headers={"Content-Type": f'multipart/mixed; boundary="{boundary}"'},
    )
    return list(_answers(answer.raise_for_status()))


def _part(method: str, path: str, body: Any) -> str:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    kind = "Content-Type: application/json\r\n" if body is not None else ""
    return f"{head}{method} {path} HTTP/1.1\r\nAccept: application/json\r\n{kind}\r\n" + (
        json.dumps(body) if body else ""
    )


def _answers(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    message = message_from_bytes(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + answer.content)
    for part in message.get_payload():
        text = part.get_payload()  # type: ignore[union-attr]  # the parts are messages
        assert " 20" in text.partition("\n")[0], text
        _, _, body = text.replace("\r\n", "\n").partition("\n\n")
        yield json.loads(body) if body.strip() else {}
