"""Loads the certificates of the authorities once for a process: each client of httpx takes 13 ms for that otherwise.

The tests open thousands of clients, and most of them talk to this machine without TLS.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
from httpx._transports import default


@cache
def usual() -> ssl.SSLContext:
    """The context of a client to which nothing is said of certificates."""
    return httpx.create_ssl_context()


def load_once() -> None:
    """Give every client that checks certificates as usual the same context. AttributeError if httpx works otherwise."""
    create = default.create_ssl_context

    def create_or_take(verify: Any, cert: Any, trust_env: Any) -> ssl.SSLContext:
        return usual() if (verify, cert, trust_env) == (True, None, True) else create(verify, cert, trust_env)

    default.create_ssl_context = create_or_take


@cache
def load_once_for_amqp() -> None:
    """Give AMQP connections with the same options the same context. AttributeError if the client has changed."""
    from azure.servicebus._pyamqp.aio._transport_async import AsyncTransportMixin  # noqa: PLC0415  # half a second

    AsyncTransportMixin._build_ssl_opts = _take_or_build(AsyncTransportMixin._build_ssl_opts)


def _take_or_build(build: Callable[..., Any]) -> Callable[..., Any]:
    contexts: dict[str, Any] = {}

    def take_or_build(transport: Any, options: Any) -> Any:
        key = repr(options)
        if key not in contexts:
            contexts[key] = build(transport, options)
        return contexts[key]

    return take_or_build
