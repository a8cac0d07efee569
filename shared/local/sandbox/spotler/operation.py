"""One operation of the API: its name, its place, and the call its handler sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import URL

from shared.local.sandbox.spotler.account import Account
from shared.local.sandbox.spotler.contacts import Contact
from shared.local.sandbox.spotler.settings import SpotlerSandboxSettings
from shared.local.sandbox.spotler.wire import ApiError, ErrorType, Query, Reply, invalid

DEFAULT_PAGE_SIZE = 10
MAXIMUM_PAGE_SIZE = 1000

Item = TypeVar("Item")
BodyT = TypeVar("BodyT", bound="Body")


class Body(BaseModel):
    """A request body: camelCase on the wire, unknown keys ignored, `"true"` read as true."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may pass. `path` is decoded; `versioned`: came in under the versioned prefix."""

    account: Account
    settings: SpotlerSandboxSettings
    path: Mapping[str, str]
    query: Query
    payload: bytes
    url: URL
    versioned: bool

    def body(self, kind: type[BodyT]) -> BodyT:
        """Read the JSON body. ApiError 400 names the fields, never their values."""
        try:
            return kind.model_validate_json(self.payload)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors())
            raise invalid("; ".join(faults)) from error

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
        """Answer one page. `size` None: as the query says. `after` is an offset; only another page has a `next`."""
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
    """`name` is what counters and faults go by; `path` is below the prefix, in Starlette's notation."""

    name: str
    method: str
    path: str
    handle: Callable[[Call], Reply]
    licensed: bool = False
    json_only: bool = False
