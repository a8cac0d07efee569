"""The client of the REST API of Spotler Mail+, for contacts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx
from pydantic import TypeAdapter

from shared.adapters.http.exchange import Observe, unobserved
from shared.adapters.spotler.contacts.bulk import write_all
from shared.adapters.spotler.rest.external_ids import path_segment
from shared.adapters.spotler.rest.models import (
    BounceAnswer,
    BulkResult,
    ContactAnswer,
    ListAnswer,
    ListedContact,
    PropertyAnswer,
)
from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.adapters.spotler.rest.paging import PAGE_SIZE, Fetch, Item, feed
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.adapters.spotler.rest.transport import SpotlerCall, SpotlerTransport
from shared.domain.records.marketing_contact import (
    Bounce,
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    PropertyValue,
    Purge,
    WriteResult,
)
from shared.domain.values.addresses import address_key
from shared.errors import NotFoundError
from shared.ports.clock import Clock

EMAIL = "email"
"""The one property name that every account has."""

_PROPERTIES = TypeAdapter(list[PropertyAnswer])
_CONTACT = TypeAdapter(ContactAnswer)
_CONTACTS = TypeAdapter(ListAnswer[ContactAnswer])
_UPDATES = TypeAdapter(ListAnswer[ListedContact])
_BOUNCES = TypeAdapter(ListAnswer[BounceAnswer])
_BULK_RESULTS = TypeAdapter(list[BulkResult])


class AnonymizeResult(NamedTuple):
    """How an anonymisation ended. GONE (410) and ABSENT (404) are successes, too: the contact does not exist."""

    ending: Ending
    status: int


class SpotlerClient:
    """One Mail+ account, accessed with one key pair: `externalId` is the field that was chosen for the pair.

    Every method raises ConnectorErrors: ConfigurationError (401, 403, wrong base URL), ThrottledError, TransientError
    after the retries, NotFoundError, DataError. `base_url` includes the prefix. The client takes over `http` and closes
    it.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        *,
        http: httpx.AsyncClient,
        clock: Clock,
        concurrency: int = 4,
        observe: Observe = unobserved,
        retries: RetrySettings = RetrySettings(),  # noqa: B008  # frozen: nobody can change the shared default
    ) -> None:
        self._transport = SpotlerTransport(
            base_url,
            OneLeggedOAuth1(key, secret, clock=clock),
            http=http,
            clock=clock,
            concurrency=concurrency,
            observe=observe,
            retries=retries,
        )

    @property
    def transport(self) -> SpotlerTransport:
        """The transport. The adapters of other parts of the API share it, because an account has one limit."""
        return self._transport

    async def properties(self) -> PropertyCatalogue:
        """Read the properties that are visible in the account, without a cache (`catalogue` has one)."""
        call = SpotlerCall("properties.list", "GET", "/contact/properties/list", fixed_path=True)
        answers = await self._transport.fetch(call, _PROPERTIES)
        return PropertyCatalogue(tuple(answer.definition() for answer in answers))

    async def contact(self, external_id: str) -> MarketingContact | None:
        """Read a contact; None if the account does not have it."""
        call = SpotlerCall("contact.read", "GET", f"/contact/{path_segment(external_id)}")
        try:
            return (await self._transport.fetch(call, _CONTACT)).contact()
        except NotFoundError:
            return None

    async def upsert_many(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        """Insert or update any number of contacts, 100 a call. Returns a result for every external id.

        ValueError if an external id occurs twice.
        """
        return await self._write_many("contact.upsert", contacts, update=True, purge=purge)

    async def insert_many(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """Insert any number of contacts, 100 a call. Returns a result for every external id.

        `update: false` does not change a contact that has the external id or the e-mail address already; its result is
        CONTACT_ALREADY_EXISTS. ValueError if an external id occurs twice.
        """
        return await self._write_many("contact.insert", contacts, update=False, purge=Purge.KEEP)

    async def put_contact(self, contact: ContactWrite, *, purge: Purge) -> None:
        """Update one existing contact; NotFoundError if the account does not have it, DataError if it is refused."""
        path = f"/contact/{path_segment(contact.external_id)}"
        body = {"update": True, "purge": _flag(purge), "contact": _contact_body(contact)}
        await self._transport.send(SpotlerCall("contact.update", "PUT", path, body=body))

    async def search_by_email(self, email: str) -> tuple[MarketingContact, ...]:
        """Find contacts by their e-mail address, without regard to case, among at most the first 100 hits.

        The search language is documented by one example only, so each hit is checked: a hit with another address must
        not be merged.
        """
        params = {"MPSearchQuery": f"{EMAIL}={email}", "pageSize": str(PAGE_SIZE)}
        call = SpotlerCall("contact.search", "GET", "/contact/search", params=params, fixed_path=True)
        answer = await self._transport.fetch(call, _CONTACTS)
        wanted = address_key(email)
        hits = (item.contact() for item in answer.items)
        return tuple(hit for hit in hits if address_key(str(hit.properties.get(EMAIL, ""))) == wanted)

    async def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[tuple[MarketingContact, ...]]:
        """Yield pages of the contacts that changed between two aware times, each state of a contact once."""
        fetch = self._page_of("updates.list", "/contact/updates/list", _UPDATES)
        async for page in feed(fetch, start, end, identity=ListedContact.identity):
            yield tuple(item.contact() for item in page)

    async def bounces(self, start: datetime, end: datetime) -> AsyncIterator[tuple[Bounce, ...]]:
        """Yield pages of the bounces between two aware times, each once."""
        fetch = self._page_of("bounces.list", "/contact/bounces/list", _BOUNCES)
        async for page in feed(fetch, start, end, identity=BounceAnswer.identity):
            yield tuple(item.bounce() for item in page)

    async def anonymize(self, external_id: str) -> AnonymizeResult:
        """Anonymise a contact for good: Mail+ has no deletion."""
        return await self._end("contact.anonymize", f"/contact/anonymize/{path_segment(external_id)}")

    async def inactivate(self, external_id: str) -> Ending:
        """Make a contact inactive: it is kept, and cannot be mailed any more."""
        return (await self._end("contact.inactivate", f"/contact/inactivate/{path_segment(external_id)}")).ending

    async def ping(self) -> timedelta:
        """Check key, secret and clock with the cheapest signed call. Returns its latency."""
        started = time.perf_counter()
        await self._transport.send(SpotlerCall("ping", "GET", "/contact/properties/list", fixed_path=True))
        return timedelta(seconds=time.perf_counter() - started)

    async def close(self) -> None:
        """Release the connections."""
        await self._transport.close()

    async def _write_many(
        self, operation: str, contacts: Sequence[ContactWrite], *, update: bool, purge: Purge
    ) -> dict[str, WriteResult]:
        async def send(chunk: Sequence[ContactWrite]) -> list[BulkResult]:
            body = {"update": update, "purge": _flag(purge), "contacts": [_contact_body(contact) for contact in chunk]}
            call = SpotlerCall(operation, "POST", "/contact/list", body=body, fixed_path=True)
            return await self._transport.fetch(call, _BULK_RESULTS)

        return await write_all(send, contacts)

    def _page_of(self, operation: str, path: str, answer: TypeAdapter[ListAnswer[Item]]) -> Fetch[Item]:
        def fetch(params: Mapping[str, str]) -> Awaitable[ListAnswer[Item]]:
            return self._transport.fetch(SpotlerCall(operation, "GET", path, params=params, fixed_path=True), answer)

        return fetch

    async def _end(self, operation: str, path: str) -> AnonymizeResult:
        try:
            response = await self._transport.send(SpotlerCall(operation, "PUT", path))
        except NotFoundError as error:
            status = error.status or HTTPStatus.NOT_FOUND
            return AnonymizeResult(Ending.GONE if status == HTTPStatus.GONE else Ending.ABSENT, status)
        return AnonymizeResult(Ending.DONE, response.status_code)


def _flag(purge: Purge) -> bool:
    return purge is Purge.PURGE


def _contact_body(contact: ContactWrite) -> dict[str, Any]:
    return {
        "externalId": contact.external_id,
        "properties": {name: _property_body(value) for name, value in contact.properties.items()},
    }


def _property_body(value: PropertyValue) -> Any:
    match value:
        case None:
            # Both an empty string and null are documented to empty a property; the string is safer.
            return ""
        case tuple():
            return [{"bit": option.bit, "enabled": option.enabled} for option in value]
        case _:
            return value
