"""The client of the Dataverse Web API.

Source: Microsoft's pages "Use the Microsoft Dataverse Web API". All methods raise the errors of `shared/errors.py`.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

import httpx

from shared.adapters.dataverse.web_api import fetchxml, odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult, interpret, unanswered
from shared.adapters.dataverse.web_api.batch import Batch, batches, results
from shared.adapters.dataverse.web_api.credentials import CachedTokens
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY
from shared.adapters.dataverse.web_api.odata import Expand
from shared.adapters.dataverse.web_api.operations import Annotation, Method, Retrieve, Row, WebApiOperation
from shared.adapters.dataverse.web_api.throttling import Budget, ServiceProtection
from shared.adapters.dataverse.web_api.transport import Transport, WebApiCall
from shared.adapters.http.exchange import Observe, unobserved
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    NotFoundError,
    Service,
    ThrottledError,
    UnknownOutcomeError,
)
from shared.ports.background import take_turns

MAX_PAGE = 5_000
_IDS_PER_GET = 100  # with their quotes some 4 KB of URL
_IDS_PER_PART = 200  # of a batch
_MAX_URL = 16_000  # a longer GET travels in a batch; servers in between may refuse it
_TIME_PER_PART = timedelta(seconds=0.25)  # a batch is executed part by part before it is answered


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """The connector's own user, and the organisation that it reached."""

    user_id: UUID
    organisation_id: UUID


class DataverseClient:
    """One organisation, one application user. Close it, or use it as a context manager."""

    def __init__(
        self,
        organisation_url: str,
        tokens: CachedTokens,
        *,
        tag: str = "",
        protection: ServiceProtection | None = None,
        observe: Observe = unobserved,
        read_timeout: timedelta = timedelta(seconds=60),
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`tag` marks every write, so that the connector recognises its events (`DataverseEvent.tags`)."""
        self._tag = tag
        self._identity: WhoAmI | None = None
        self._protection = protection or ServiceProtection()
        self._transport = Transport(
            organisation_url,
            tokens,
            self._protection,
            observe=observe,
            read_timeout=read_timeout,
            http_transport=http_transport,
        )
        self._base = httpx.URL(self._transport.base)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Release connections."""
        await self._transport.close()

    @property
    def budget(self) -> Budget:
        """The budget that service protection leaves to the connector's user, as of the last answer."""
        return self._protection.budget

    def address(self, path: str) -> str:
        """Return the whole address of a path of the Web API, for references (`@odata.id`)."""
        return self._transport.base + path

    # --------------------------------------------------------------------------------------------------------- reads

    @property
    def identity(self) -> WhoAmI | None:
        """The last answer to `who_am_i`; None before the first one."""
        return self._identity

    async def who_am_i(self) -> WhoAmI:
        """Read the connector's user and organisation: the cheapest call that needs a valid token."""
        body = (await self.execute(WebApiOperation(Method.GET, "WhoAmI"))).body
        self._identity = WhoAmI(UUID(body["UserId"]), UUID(body["OrganizationId"]))
        return self._identity

    async def retrieve(
        self,
        entity_set: str,
        identifier: UUID,
        *,
        select: Sequence[str],
        expand: Sequence[Expand] = (),
        annotations: Sequence[Annotation] = (),
    ) -> Row:
        """Read one row; NotFoundError if there is none."""
        operation = operations.retrieve(entity_set, identifier, select=select, expand=expand, annotations=annotations)
        row: Row = (await self.execute(operation)).body
        return row

    async def query(
        self,
        entity_set: str,
        *,
        select: Sequence[str],
        filter: str = "",  # noqa: A002  # the name that OData gives it
        expand: Sequence[Expand] = (),
        orderby: str = "",
        top: int | None = None,
        page_size: int = MAX_PAGE,
        annotations: Sequence[Annotation] = (),
    ) -> AsyncIterator[list[Row]]:
        """Yield pages of rows; with `top` there is only one.

        `filter` is built by `odata`; `orderby` has the form `modifiedon desc`.
        """
        options = operations.shape(select, expand) | {
            "$filter": filter,
            "$orderby": orderby,
            "$top": "" if top is None else str(top),
        }
        headers = operations.preferences(annotations, page_size=None if top is not None else page_size)
        path = odata.reads(odata.name(entity_set), options)
        async for page in self._pages(WebApiOperation(Method.GET, path, headers=headers)):
            yield page

    async def page(
        self,
        entity_set: str,
        *,
        select: Sequence[str],
        orderby: str,
        page_size: int,
        filter: str = "",  # noqa: A002  # the name that OData gives it
        after: str | None = None,
    ) -> tuple[list[Row], str | None]:
        """Read one page of a table and the path of the next one, which is a later call's `after`."""
        options = operations.shape(select, ()) | {"$filter": filter, "$orderby": orderby}
        path = after or odata.reads(odata.name(entity_set), options)
        if not path.startswith(f"{entity_set}?"):  # a path from a message must not receive the token elsewhere
            raise ConfigurationError(DataverseCause.OTHER_TABLE(), service=Service.DATAVERSE)
        headers = operations.preferences((), page_size=page_size)
        body = (await self.execute(WebApiOperation(Method.GET, path, headers=headers))).body
        link = body.get("@odata.nextLink")
        return body["value"], None if link is None else self.relative(link)

    async def fetch_xml_page(
        self,
        entity_set: str,
        query: str,
        cursor: fetchxml.Cursor,
        *,
        page_size: int,
        annotations: Sequence[Annotation] = (),
    ) -> tuple[list[Row], fetchxml.Cursor | None]:
        """Read one page of a FetchXML query and the cursor of the next one."""
        headers = operations.preferences([Annotation.PAGING_COOKIE, Annotation.MORE_RECORDS, *annotations])
        text = fetchxml.page_of(query, cursor, size=page_size)
        path = f"{odata.name(entity_set)}?fetchXml={quote(text, safe='')}"
        body = (await self.execute(WebApiOperation(Method.GET, path, headers=headers))).body
        return body["value"], fetchxml.following(body, cursor)

    async def retrieve_many(
        self, requests: Sequence[Retrieve], *, annotations: Sequence[Annotation] = ()
    ) -> list[list[Row]]:
        """Read rows of several tables by their ids, with as few HTTP requests as possible: usually one.

        Returns the rows of each request, in the order of the requests; ids without a row are absent.
        """
        alone = len(requests) == 1 and len(requests[0].ids) <= _IDS_PER_GET
        size = _IDS_PER_GET if alone else _IDS_PER_PART
        reads = [
            (index, operations.by_ids(request, request.ids[start : start + size], annotations=annotations))
            for index, request in enumerate(requests)
            for start in range(0, len(request.ids), size)
        ]
        if len(reads) == 1:
            answers = [await self.execute(reads[0][1])]
        else:
            answers = await self.batch([operation for _, operation in reads])
        rows: list[list[Row]] = [[] for _ in requests]
        for (index, operation), answer in zip(reads, answers, strict=True):
            if answer.error is not None:
                raise answer.error
            async for page in self._pages(operation, first=answer):
                rows[index] += page
        return rows

    # -------------------------------------------------------------------------------------------------------- writes

    async def create(self, entity_set: str, row: Mapping[str, Any], *, key: str | None = None) -> UUID:
        """Insert a row and return its id.

        With `key`, the primary key column, the row has an id, and creating is idempotent: an existing row counts as
        created by an earlier attempt whose answer was lost.
        """
        try:
            result = await self.execute(operations.create(entity_set, row, key=key))
        except ConflictError as error:
            if key is None or key not in row or error.code != DUPLICATE_KEY:
                raise
            identifier = UUID(str(row[key]))
            # The same code reports a clash of an alternate key.
            try:
                await self.retrieve(entity_set, identifier, select=[key])
            except NotFoundError:
                raise error from None
            return identifier
        if result.id is None:
            raise UnknownOutcomeError(DataverseCause.NO_ID(), service=Service.DATAVERSE)
        return result.id

    async def update(self, entity_set: str, identifier: UUID, row: Mapping[str, Any], *, if_match: str = "*") -> None:
        """Change columns of an existing row; NotFoundError if there is none, ConflictError if `if_match` is old."""
        await self.execute(operations.update(entity_set, identifier, row, if_match=if_match))

    # --------------------------------------------------------------------------------------------------- any request

    async def execute(self, operation: WebApiOperation) -> OperationResult:
        """Send one operation of any kind; its errors are raised."""
        return await self.execute_as_user(self._tagged(operation))

    async def execute_as_user(self, operation: WebApiOperation) -> OperationResult:
        """Send one operation that the connector notices as that of a user: without the tag. Its errors are raised."""
        if operation.method is Method.GET and len(self._transport.base + operation.path) > _MAX_URL:
            (result,) = await self.batch([operation])
        else:
            result = await self._execute_alone(operation)
        if result.error is not None:
            raise result.error
        return result

    async def batch(self, requests: Sequence[WebApiOperation]) -> list[OperationResult]:
        """Send operations in as few requests as possible; return one result each, in order.

        Errors of parts and of whole requests are in the results, so that the results before a failure are kept. Only
        a ValueError for a change set that is too large is raised.
        """
        tagged = [self._tagged(operation) for operation in requests]
        return [
            result for batch in list(batches(tagged, self._base.path)) for result in await self._execute_batch(batch)
        ]

    async def _execute_alone(self, operation: WebApiOperation) -> OperationResult:
        headers = dict(operation.headers)
        content = None
        if operation.body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            content = json.dumps(operation.body).encode()
        elif operation.method is Method.GET:
            headers["If-None-Match"] = "null"  # Microsoft's advice against caches in between
        call = WebApiCall(operation.method, operation.path, operation.name, operation.repeatable, content, headers)
        response = await self._transport.send(call)
        return interpret(operation, response.status_code, response.headers, response.content)

    async def _execute_batch(self, batch: Batch) -> list[OperationResult]:
        headers = {"Content-Type": batch.content_type, "Prefer": "odata.continue-on-error"}
        count = len(batch.operations)
        call = WebApiCall(
            "POST", "$batch", "POST $batch", batch.repeatable, batch.content, headers, count * _TIME_PER_PART
        )
        try:
            response = await self._transport.send(call)
        except ConnectorError as error:
            return [unanswered(operation, error) for operation in batch.operations]
        answers: list[OperationResult] = []
        for answer in results(batch, response.headers.get("Content-Type", ""), response.content):
            answers.append(answer)
            if isinstance(answer.error, ThrottledError):
                self._protection.pause(answer.error.retry_after)
            await take_turns()
        return answers

    async def _pages(
        self, operation: WebApiOperation, first: OperationResult | None = None
    ) -> AsyncIterator[list[Row]]:
        answer = first or await self.execute(operation)
        while True:
            yield answer.body["value"]
            link = answer.body.get("@odata.nextLink")
            if link is None:
                return
            answer = await self.execute(replace(operation, path=self.relative(link)))

    def relative(self, link: str) -> str:
        """Return a nextLink relative to the Web API. ConfigurationError for another address: it would get the token."""
        url, base = httpx.URL(link), self._base  # httpx leaves out a default port
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            raise ConfigurationError(DataverseCause.OTHER_HOST(), service=Service.DATAVERSE)
        if not url.path.startswith(base.path):
            raise ConfigurationError(DataverseCause.OTHER_PATH(), service=Service.DATAVERSE)
        return link.split(base.path, 1)[1]

    def _tagged(self, operation: WebApiOperation) -> WebApiOperation:
        if not self._tag or operation.method is Method.GET:
            return operation
        separator = "&" if "?" in operation.path else "?"
        return replace(operation, path=f"{operation.path}{separator}tag={quote(self._tag, safe='')}")
