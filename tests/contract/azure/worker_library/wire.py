"""Stands in for the protobuf messages between the Azure Functions host and its Python worker.

The worker library takes the generated module as a parameter and uses it as below. The content of the messages
follows `GrpcMessageConversionExtensions` (Azure/azure-functions-host) and `ServiceBusTriggerBindingStrategy`
(Azure/azure-sdk-for-net). Nothing here is taken from the code under test.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

ONE_OF = {
    "data": {"string", "bytes", "json", "http", "collection_string", "collection_bytes", "collection_sint64"},
    "rpc_data": {"data"},
}


class Message:
    """Fields by keyword, and the question which one of a group is set."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802  # protobuf's name
        return next((field for field in self.__dict__ if field in ONE_OF[group]), None)


class StatusResult(Message):
    Failure = 0
    Success = 1


class BindingInfo(Message):
    undefined = 0
    out = 1
    inout = 2


class RpcHttpCookie(Message):
    SameSite = Enum("SameSite", ["None", "Lax", "Strict", "ExplicitNone"])


class Protos:
    """The generated module: messages without constants of their own are all alike."""

    StatusResult = StatusResult
    BindingInfo = BindingInfo
    RpcHttpCookie = RpcHttpCookie

    def __getattr__(self, name: str) -> type[Message]:
        return Message


class Longs(list[int]):
    """A .NET `long[]`; other numbers travel as JSON."""


class Json(str):
    """Text that is JSON already; .NET's dates become it, alone or in arrays."""

    __slots__ = ()


def to_rpc(value: object) -> Message:
    """`ToRpc` of the host, for the capabilities of the Python worker."""
    return Message(**_typed(value))


def _typed(value: object) -> dict[str, Any]:
    fields: dict[str, Any]
    match value:
        case None:
            fields = {}
        case bytes():
            fields = {"bytes": value}
        case Json():
            fields = {"json": str(value)}
        case str():
            fields = {"string": value}
        case Longs():
            fields = {"collection_sint64": Message(sint64=list(value))}
        case [*items] if all(isinstance(item, bytes) for item in items):
            fields = {"collection_bytes": Message(bytes=items)}
        case [*items] if all(item is None or isinstance(item, str) for item in items):
            fields = {"collection_string": Message(string=[item for item in items if item])}
        case _:
            fields = {"json": json.dumps(value)}
    return fields
