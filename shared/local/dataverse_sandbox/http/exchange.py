"""A request to the Web API and its answer as plain values: single, or as a part of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request, not_implemented
from shared.local.dataverse_sandbox.requests.consumption import Parts

JSON = "application/json; odata.metadata=minimal"


@dataclass(frozen=True)
class ApiRequest:
    """A request. `path` is relative to the Web API's root, `headers` have lower-case names."""

    method: str
    path: str
    query: Parts
    headers: Parts
    body: bytes = b""

    @classmethod
    def of(
        cls, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> ApiRequest:
        """Build a request from plain values."""
        return cls(method, path, Parts(query, "query option"), Parts(headers, "header"), body)

    @cached_property
    def json(self) -> Parts:
        """The body; WebApiError 400 if it is no JSON object, 501 if it is a file."""
        if not self.body.strip():
            return Parts({}, "property")
        kind = self.headers.get("content-type", "")
        if kind and "json" not in kind.lower():
            raise not_implemented(f"A body of the type '{kind}' (files and images)")
        try:
            document = json.loads(self.body)
        except ValueError:
            raise bad_request("Invalid JSON. An unexpected token was encountered.", "0x80048d19") from None
        if not isinstance(document, dict):
            raise bad_request("The request content is not a JSON object.", "0x80048d19")
        return Parts(document, "property")

    def refuse_unread(self) -> None:
        """Refuse the query options and the properties of the body that no code has read (WebApiError 501)."""
        self.query.refuse_unread()
        if self.body.strip() not in {b"", b"{}", b"null"}:
            self.json.refuse_unread()


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def query_string(text: str) -> dict[str, str]:
    """Decode a query string; WebApiError 400 for a repeated parameter."""
    pairs = parse_qsl(text, keep_blank_values=True)
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
    return dict(pairs)


def answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> ApiResponse:
    """An answer with a JSON document."""
    # Half of a surrogate pair becomes its JSON escape, which equals Python's escape.
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
    return ApiResponse(status, {"Content-Type": JSON, "OData-Version": "4.0", **(headers or {})}, body)


def empty(headers: Mapping[str, str] | None = None) -> ApiResponse:
    """204 No Content."""
    return ApiResponse(204, {"OData-Version": "4.0", **(headers or {})})


def refusal(error: WebApiError, headers: Mapping[str, str] | None = None) -> ApiResponse:
    """Return the answer for an error."""
    return answer(error.body, error.status, headers)
