"""Requests whose answers are read up to a limit: a larger one is refused before it fills the memory."""

from typing import Any

import httpx

LARGEST_ANSWER = 32_000_000
"""Bytes, unpacked. The largest answer that the connector asks for, 5,000 rows of Dataverse, has some 10,000,000."""

_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class AnswerTooLargeError(httpx.RequestError):
    """The answer has more than `LARGEST_ANSWER` bytes; the request may have been carried out."""


async def bounded_request(http: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
    """Send as `http.request` does, and return the answer, read to its end. Raises AnswerTooLargeError as well."""
    async with http.stream(method, url, **options) as response:
        content = bytearray()
        # Unpacked bytes are counted: 64 KB of a packed answer may hold 64 MB.
        async for part in response.aiter_bytes():
            content += part
            if len(content) > LARGEST_ANSWER:
                raise AnswerTooLargeError("The answer is too large", request=response.request)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_TRANSFER]
    return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=response.request)
