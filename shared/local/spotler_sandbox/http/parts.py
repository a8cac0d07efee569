"""The parts of one request: an unread part is refused as not modelled.

The real service would act on a parameter that the sandbox does not know. An answer that ignores it would be wrong
without notice: hence 501 with the name of the part.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from starlette.datastructures import Headers

from shared.local.spotler_sandbox.http.oauth import PREFIX
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Format, Period, invalid, read_moment

# Headers that change no answer of the service: transport, negotiation that other code handles, and tracing.
_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "baggage",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "pragma",
        "priority",
        "referer",
        "request-id",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "user-agent",
        "via",
    }
)
_HEADER_FAMILIES = ("sec-", "x-forwarded-", "x-request-", "x-correlation-")


# Wildcards, quotes and connectives: their meaning in a search is not published. Inside a word they are text.
_COMPARISON = re.compile(r"""^[*%"]|[*%"]$|\s(and|or|[&|]+)\s""", re.IGNORECASE)


def not_modelled(what: str) -> ApiError:
    """Build the refusal of a part that the real service would act on and the sandbox cannot."""
    return ApiError(501, ErrorType.NOT_MODELLED, f"{what[0].upper()}{what[1:]} is not part of this simulation.")


def check_headers(headers: Headers) -> None:
    """Refuse a header that may change the answer. ApiError 501."""
    for name in headers:
        if name not in _HEADERS and not name.startswith(_HEADER_FAMILIES):
            raise not_modelled(f"the header '{name}'")


def format_of_body(content_type: str, formats: Collection[Format]) -> Format:
    """Return the format of a body; without `Content-Type`, JSON. ApiError 501 for a format outside of `formats`."""
    said = content_type.lower().replace(" ", "").replace('"', "").removesuffix(";charset=utf-8")
    for offer in formats:
        if said == offer:
            return offer
    if said:
        raise not_modelled(f"a body with the content type '{said}'")
    return Format.JSON


class Query:
    """Decoded query parameters, with the service's error texts; records which were read.

    An empty parameter counts as left out: clients send options without value in this form, and the service answers.
    """

    def __init__(self, parameters: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        self._read: set[str] = set()
        for name, value in parameters:
            if name in self._values:
                raise not_modelled(f"the query parameter '{name}' given twice")
            self._values[name] = value

    @property
    def unread(self) -> list[str]:
        """The names of unread parameters, empty ones left out."""
        return [name for name, value in self._values.items() if value and name not in self._read]

    def optional(self, name: str) -> str | None:
        """Return a parameter; None if it is left out."""
        self._read.add(name)
        return self._values.get(name) or None

    def without_effect(self, name: str) -> None:
        """Accept a parameter that the real service is known to ignore here."""
        self._read.add(name)

    def text(self, name: str) -> str:
        """Return a required parameter."""
        value = self.optional(name)
        if value is None:
            raise invalid(f"{name} is required")
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        """Return an optional parameter with a closed set of values."""
        value = self.optional(name)
        if value is not None and value not in choices:
            raise invalid(f"{name} must be one of {', '.join(choices)}")
        return value

    def equality(self, name: str) -> tuple[str, str]:
        """Return the two sides of a required `property=value`.

        ApiError 501 for a text that may be another comparison.
        """
        left, separator, right = self.text(name).partition("=")
        if not separator:
            raise invalid(f"{name} must be property=value")
        if not left.isidentifier() or _COMPARISON.search(right):
            raise not_modelled(f"the query parameter '{name}' with more than one equality")
        return left, right

    def integer(self, name: str, *, default: int | None = None, minimum: int = 0) -> int:
        """Return a whole number; required if there is no default."""
        text = self.optional(name)
        if text is None and default is not None:
            return default
        if text is None or not text.isascii() or not text.isdigit() or int(text) < minimum:
            raise invalid(f"{name} must be a whole number of at least {minimum}")
        return int(text)

    def period(self, start: str = "fromDate", end: str = "toDate", *, required: bool = True) -> Period:
        """Return the span between two date parameters."""
        return Period(self._moment(start, required=required), self._moment(end, required=required))

    def _moment(self, name: str, *, required: bool) -> datetime | None:
        text = self.text(name) if required else self.optional(name)
        if text is None:
            return None
        try:
            return read_moment(text)
        except ValueError as error:
            raise invalid(f"{name} is no ISO 8601 date") from error


def without_signature(parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the OAuth fields, which the verifier of signatures reads."""
    return [(name, value) for name, value in parameters if not name.startswith(PREFIX)]
