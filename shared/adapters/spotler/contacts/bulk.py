"""Bulk writes: at most 100 contacts a call, and a result for every contact; a refused one does not affect others."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus

from shared.adapters.spotler.rest.external_ids import complaint
from shared.adapters.spotler.rest.models import BulkResult
from shared.domain.records.marketing_contact import ContactWrite, WriteCode, WriteResult
from shared.errors import DataError

CONTACTS_PER_CALL = 100

Send = Callable[[Sequence[ContactWrite]], Awaitable[Sequence[BulkResult]]]
"""Sends one call of at most `CONTACTS_PER_CALL` contacts."""

_REFUSED_AS_A_WHOLE = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})

_CODES_OF_ERROR_TYPES = {
    "INVALID_PROPERTY": WriteCode.PROPERTY_INVALID,
    "CONTACT_ALREADY_EXISTS": WriteCode.CONTACT_ALREADY_EXISTS,
    "CONTACT_NOT_FOUND": WriteCode.CONTACT_UNKNOWN,
    "CONTACT_OPTOUT": WriteCode.CONTACT_OPTOUT,
}


async def write_all(send: Send, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
    """Write contacts in chunks, concurrently; `send` limits the concurrency. Returns a result for every external id.

    ValueError if an external id occurs twice. Errors that do not concern one contact are raised after all chunks have
    ended, so that no chunk is interrupted.
    """
    if len({contact.external_id for contact in contacts}) < len(contacts):
        raise ValueError("A contact may occur once in a bulk write")
    results = {
        contact.external_id: WriteResult(WriteCode.ERROR, wrong)
        for contact in contacts
        if (wrong := complaint(contact.external_id))
    }
    writable = [contact for contact in contacts if contact.external_id not in results]
    for written in await _all(send, list(_chunks(writable))):
        results |= written
    return results


def _chunks(contacts: Sequence[ContactWrite]) -> Iterator[Sequence[ContactWrite]]:
    for start in range(0, len(contacts), CONTACTS_PER_CALL):
        yield contacts[start : start + CONTACTS_PER_CALL]


async def _all(send: Send, chunks: Sequence[Sequence[ContactWrite]]) -> list[dict[str, WriteResult]]:
    ended = await asyncio.gather(*(_isolating(send, chunk) for chunk in chunks), return_exceptions=True)
    results: list[dict[str, WriteResult]] = []
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


async def _isolating(send: Send, chunk: Sequence[ContactWrite]) -> dict[str, WriteResult]:
    """Send a chunk; halve it while it is refused as a whole, so that only the contact with the defect fails."""
    try:
        results = await send(chunk)
    except DataError as refused:
        if refused.status not in _REFUSED_AS_A_WHOLE:
            raise
        if len(chunk) == 1:
            code = _CODES_OF_ERROR_TYPES.get(refused.code, WriteCode.ERROR)
            return {chunk[0].external_id: WriteResult(code, refused.detail)}
        middle = len(chunk) // 2
        first, second = await _all(send, [chunk[:middle], chunk[middle:]])
        return first | second
    return _matched(chunk, results)


def _matched(chunk: Sequence[ContactWrite], results: Sequence[BulkResult]) -> dict[str, WriteResult]:
    """Match results with contacts by external id: their order is not documented."""
    given: dict[str, list[WriteResult]] = defaultdict(list)
    for result in results:
        given[result.external_id].append(_result(result))
    return {contact.external_id: _only(given[contact.external_id]) for contact in chunk}


def _result(result: BulkResult) -> WriteResult:
    if result.code in WriteCode.__members__:
        return WriteResult(WriteCode[result.code], result.message)
    return WriteResult(WriteCode.ERROR, f"{result.code}: {result.message}")


def _only(results: Sequence[WriteResult]) -> WriteResult:
    match results:
        case []:
            return WriteResult(WriteCode.MISSING, "Spotler gave no result for this contact")
        case [result]:
            return result
        case _:
            codes = ", ".join(result.code for result in results)
            return WriteResult(WriteCode.ERROR, f"Spotler gave several results for this contact: {codes}")
