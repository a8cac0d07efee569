"""Carries plans out: bulk writes for many, one call for each end. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from shared.core.fields import option_name
from shared.core.marketing import ContactWrite, Purge, WriteCode, WriteVerdict
from shared.core.outcomes import Outcome, Reason, Result
from shared.core.plan import Anonymize, Decision, Rest, Write
from shared.core.records import RecordKey
from shared.errors import ConnectorError, DataError, TransientError
from shared.ports import MarketingPlatform
from shared.sync.fence import Fence

_BULK = 100
"""Contacts in one bulk call (Spotler's limit)."""

Applied = Outcome | ConnectorError


async def apply(
    plans: Mapping[RecordKey, Decision], platform: MarketingPlatform, fence: Fence
) -> dict[RecordKey, Applied]:
    """Carry out plans of different Spotler contacts, within the fence."""
    applied: dict[RecordKey, Applied] = {
        key: _rested(key, planned) for key, planned in plans.items() if isinstance(planned, Rest)
    }
    writes = {key: planned for key, planned in plans.items() if isinstance(planned, Write)}
    ends = {key: planned for key, planned in plans.items() if isinstance(planned, Anonymize)}

    async def fenced_bulk(chunk: Sequence[RecordKey], purge: Purge) -> None:
        contacts = [ContactWrite(writes[key].binding.external_id, writes[key].properties) for key in chunk]
        try:
            verdicts = await fence.carry(lambda: platform.upsert(contacts, purge=purge))
        except ConnectorError as error:
            applied.update(dict.fromkeys(chunk, error))
            return
        for key in chunk:
            verdict = verdicts.get(writes[key].binding.external_id, WriteVerdict(WriteCode.MISSING))
            applied[key] = _written(key, writes[key], verdict)

    async def fenced_end(key: RecordKey, planned: Anonymize) -> None:
        try:
            _, http_status = await fence.carry(lambda: platform.anonymize(planned.binding.external_id))
        except DataError as error:
            applied[key] = Outcome(key, Result.FAILED, Reason.REFUSED, http_status=error.status, detail=error.detail)
        except ConnectorError as error:
            applied[key] = error
        else:
            applied[key] = Outcome(key, Result.ANONYMISED, planned.reason, http_status=http_status)

    await asyncio.gather(
        *(fenced_bulk(chunk, purge) for chunk, purge in _chunks(writes)),
        *(fenced_end(key, planned) for key, planned in ends.items()),
    )
    return applied


def rising_permissions(write: Write) -> frozenset[str]:
    """Name the options that a write switches on, as in `permissions:4`."""
    return frozenset(
        option_name(name, option.bit)
        for name, value in write.properties.items()
        if isinstance(value, tuple)
        for option in value
        if option.enabled
    )


def _chunks(writes: Mapping[RecordKey, Write]) -> Iterator[tuple[Sequence[RecordKey], Purge]]:
    for purge in Purge:
        keys = [key for key, write in writes.items() if write.purge is purge]
        for start in range(0, len(keys), _BULK):
            yield keys[start : start + _BULK], purge


def _rested(key: RecordKey, rest: Rest) -> Outcome:
    return Outcome(key, rest.result, rest.reason, rest.problems, permissions_off=rest.permissions_off)


def _written(key: RecordKey, write: Write, verdict: WriteVerdict) -> Applied:
    match verdict.code:
        case WriteCode.OK:
            return Outcome(
                key, Result.WRITTEN, write.reason, write.problems, write.fields, permissions_off=write.permissions_off
            )
        case WriteCode.CONTACT_OPTOUT:  # OPT-07, OPT-08: from now on nothing of this person is sent
            return Outcome(key, Result.FAILED, Reason.OPTED_OUT)
        case WriteCode.NO_ACTIVE_CHANNEL:
            return Outcome(key, Result.FAILED, Reason.NO_ACTIVE_CHANNEL)
        case WriteCode.PROPERTY_INVALID:
            return Outcome(key, Result.FAILED, Reason.REFUSED, write.problems, detail=verdict.detail)
        case (
            WriteCode.ERROR | WriteCode.MISSING | WriteCode.CONTACT_UNKNOWN | WriteCode.CONTACT_ALREADY_EXISTS
        ):  # Spotler's own trouble, or somebody was faster: the next look tells
            return TransientError("Spotler did not take a contact", code=verdict.code)
