"""One operation of the API: its name, its path, and the call that its handler receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from starlette.datastructures import URL

from shared.local.spotler_sandbox.account.account import Account
from shared.local.spotler_sandbox.account.contacts import Contact
from shared.local.spotler_sandbox.http.parts import Query, not_modelled
from shared.local.spotler_sandbox.http.settings import SpotlerSandboxSettings
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Format, Reply, invalid
from shared.local.spotler_sandbox.http.xml_bodies import read_parameters

DEFAULT_PAGE_SIZE = 10
MAXIMUM_PAGE_SIZE = 1000
UNKNOWN_KEYS = {"extra_forbidden", "none_required"}

Item = TypeVar("Item")
BodyT = TypeVar("BodyT", bound=BaseModel)


class Body(BaseModel):
    """A request body: camelCase on the wire, `"true"` read as true, null counts as left out.

    Every key must be a field: other keys are not modelled, nor are values of a field of type `None`. The service
    ignores a field of type `Ignored`.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {field.alias for field in cls.model_fields.values()}
        return {name: item for name, item in value.items() if item is not None or name not in known}


Ignored = Any
"""The type of a key that clients send back as they read it, and that the service does not write."""


@dataclass(frozen=True, slots=True)
class Call:
    """An accepted request. `path` is decoded; `versioned`: sent to the versioned prefix."""

    account: Account
    settings: SpotlerSandboxSettings
    path: Mapping[str, str]
    query: Query
    payload: bytes
    payload_format: Format
    url: URL
    versioned: bool

    def body(self, kind: type[BodyT]) -> BodyT:
        """Read the body. ApiError 501 names keys that are not modelled, 400 the faulty fields, never values."""
        try:
            match self.payload_format:
                case Format.JSON:
                    return kind.model_validate_json(self.payload)
                case Format.XML:
                    return kind.model_validate(read_parameters(self.payload))
        except ValidationError as error:
            faults = [(".".join(map(str, fault["loc"])), fault["type"]) for fault in error.errors()]
            if unknown := [place for place, fault in faults if fault in UNKNOWN_KEYS]:
                raise not_modelled(f"the key '{unknown[0]}' of the body") from error
            raise invalid("; ".join(f"{place or 'body'}: {fault}" for place, fault in faults)) from error

    def contact(self) -> Contact:
        """Find the contact that the path names. ApiError with the status chosen in the settings."""
        contact = self.account.contacts.find(self.path["externalId"])
        if contact is None:
            raise self.contact_missing()
        return contact

    def contact_missing(self) -> ApiError:
        """Build the refusal of an unknown contact in the path."""
        return ApiError(self.settings.missing_contact_status, ErrorType.CONTACT_NOT_FOUND, "contact not found")

    def contact_in_body(self, external_id: str) -> Contact:
        """Find a contact that the body names. ApiError 400."""
        contact = self.account.contacts.find(external_id)
        if contact is None:
            raise ApiError(400, ErrorType.CONTACT_NOT_FOUND, "contact not found")
        return contact

    def page(
        self, name: str, items: Sequence[Item], document: Callable[[Item], Any], *, size: int | None = None
    ) -> Reply:
        """Answer one page.

        `size` None: from the query. `after` is an offset; `next` is present only if a page follows.
        """
        length = size or self.query.integer("pageSize", default=DEFAULT_PAGE_SIZE, minimum=1)
        if length > MAXIMUM_PAGE_SIZE:
            raise invalid(f"pageSize must be at most {MAXIMUM_PAGE_SIZE}")
        start = self.query.integer("after", default=0)
        documents = [document(item) for item in items[start : start + length]]
        paging: dict[str, Any] = {"after": start + len(documents)}
        if start + length < len(items):
            paging["next"] = str(self.url.include_query_params(after=start + length))
        return Reply(200, {"paging": paging, name: documents}, root=name)


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` is the key of counters and faults; `path` is below the prefix, in Starlette's notation.

    `body` None: the call takes no body; `formats` are the formats of the body. Writes take no query.
    """

    name: str
    method: str
    path: str
    handle: Callable[[Call], Reply]
    body: type[BaseModel] | None = None
    formats: frozenset[Format] = frozenset({Format.JSON})
    licensed: bool = False
    json_only: bool = False

    def answer(self, call: Call) -> Reply:
        """Handle a call if every part is modelled. ApiError 501 names the first part that is not modelled.

        A write is checked before its effect. A read has no effect and is checked after it, by the unread parameters.
        """
        if call.payload and self.body is None:
            raise not_modelled(f"a body of {self}")
        if self.method != "GET":
            self._check(call.query)
        reply = self.handle(call)
        self._check(call.query)
        return reply

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def _check(self, query: Query) -> None:
        for name in query.unread:
            raise not_modelled(f"the query parameter '{name}' of {self}")
