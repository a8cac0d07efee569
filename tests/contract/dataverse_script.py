"""A Dataverse that gives prepared answers, for tests of its client."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.fetchxml import Cursor
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.errors import (
    Service,
)

ORGANISATION = "https://org.crm4.dynamics.com"
BASE = f"{ORGANISATION}/api/data/v9.2/"
ROW = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")
OTHER = UUID("6d81597f-0f9f-e711-8122-000d3aa2331d")

Answer = httpx.Response | Exception


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


class Tokens:
    """Numbered tokens."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self) -> str:
        return f"token-{self.number}"

    def reject(self, token: str) -> None:
        assert token == f"token-{self.number}"
        self.number += 1


class Script:
    """A Dataverse that gives prepared answers, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Answer, concurrency: int = 4, tag: str = "") -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.observed: list[tuple[Service, str, int]] = []
        self.clock = Clock()
        self.times: list[float] = []
        self.protection = ServiceProtection(concurrency=concurrency, now=self.clock.now, sleep=self.clock.sleep)
        self.client = DataverseClient(
            ORGANISATION,
            Tokens(),
            tag=tag,
            protection=self.protection,
            observe=self.observe,
            http_transport=httpx.MockTransport(self.answer),
        )

    def observe(self, service: Service, operation: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.observed.append((service, operation, status))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(self.clock.now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def delete(
    entity_set: str, identifier: UUID, *, if_match: str | None = None, group: str | None = None
) -> WebApiOperation:
    headers = {"If-Match": if_match} if if_match else {}
    return WebApiOperation(Method.DELETE, odata.row(entity_set, identifier), headers=headers, group=group)


def create_only(entity_set: str, identifier: UUID, row: dict[str, Any]) -> WebApiOperation:
    return WebApiOperation(Method.PATCH, odata.row(entity_set, identifier), row, {"If-None-Match": "*"})


async def read_fetch_xml(client: DataverseClient, entity_set: str, query: str, page_size: int) -> list[list[Any]]:
    pages = []
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        page, cursor = await client.fetch_xml_page(entity_set, query, cursor, page_size=page_size)
        pages.append(page)
    return pages


def rows(*found: dict[str, Any], next_link: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"value": list(found)}
    if next_link:
        body["@odata.nextLink"] = next_link
    return httpx.Response(200, json=body)


def error(status: int, code: str = "0x80040216", message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={"error": {"code": code, "message": message}},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def multipart(*parts: str) -> httpx.Response:
    text = "".join(
        f"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{part}\r\n"
        for part in parts
    )
    return httpx.Response(
        200,
        headers={"Content-Type": "multipart/mixed; boundary=batchresponse_1"},
        content=f"{text}--batchresponse_1--\r\n".encode(),
    )


def part(status: int, body: Any = None, **headers: str) -> str:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{key.replace('_', '-')}: {value}" for key, value in headers.items())]
    return "\r\n".join([*lines, "", "" if body is None else json.dumps(body, ensure_ascii=False)])


async def read_all(script: Script, **options: Any) -> list[dict[str, Any]]:
    pages = script.client.query("contacts", select=("fullname",), **options)
    return [row async for page in pages for row in page]
