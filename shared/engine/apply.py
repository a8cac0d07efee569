"""Carries plans out: writes in bulk; updates, anonymisations and calls that only send refusals go one by one.

A contact that was not just read may not exist. So all fields are first sent as an insertion, which does not change an
existing contact; only then the changed fields are sent (DEL-08, ANON-11). A property that Spotler refuses is
left out, and the rest is sent once more; refusals of mail are sent in any case.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.decisions import Anonymize, Decision, Rest, Write, WriteMode
from shared.domain.records.marketing_contact import ContactWrite, PropertyValue, Purge, WriteCode, WriteResult
from shared.domain.records.outcomes import FieldProblem, Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.domain.values.fields import option_name
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.expectations import Expectation
from shared.engine.bindings.claim_deadline import ClaimDeadline
from shared.errors import ConnectorError, DataError, NotFoundError, TransientError
from shared.ports.marketing_platform import MarketingPlatform

_BULK = 100
"""Contacts in one bulk call (Spotler's limit)."""

MOST_FIRST_COMPARISONS = 20
"""First comparisons in one pass that are done at once, a call each, for records that no user has just saved; if there
are more, these wait for the poll. Records that a user has saved are compared at once, however many (PERM-11).
"""

Applied = Outcome | ConnectorError

_Send = Callable[[Sequence[ContactWrite], Purge], Awaitable[dict[str, WriteResult]]]
_Answer = tuple[Write, WriteResult]
"""What was sent last, and the answer of Spotler."""


class AlreadyThereError(TransientError):
    """Spotler has a contact with the address of a new record: nothing was written; both sides are to be compared."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was carried out of a plan, which may be its `if_absent`, and how it ended."""

    planned: Decision
    ended: Applied


async def apply(
    plans: Mapping[RecordKey, Decision],
    platform: MarketingPlatform,
    deadline: ClaimDeadline,
    *,
    may_wait: AbstractSet[RecordKey],
) -> dict[RecordKey, Attempt]:
    """Carry out plans of different Spotler contacts before the deadline. A poll may compare those in `may_wait`."""
    application = _Application(platform, deadline, may_wait)
    await application.run(plans)
    return application.attempts


def rising_permissions(planned: Write | Rest) -> frozenset[str]:
    """Name the options that a plan may switch on, as in `permissions:4`."""
    sent = planned.properties if isinstance(planned, Write) else {}
    insertion = rising_permissions(planned.if_absent) if planned.if_absent is not None else frozenset[str]()
    return insertion | frozenset(name for name, enabled in _options(sent) if enabled)


@dataclass(slots=True)
class _Application:
    """One run over the plans of a pass."""

    platform: MarketingPlatform
    deadline: ClaimDeadline
    may_wait: AbstractSet[RecordKey]
    attempts: dict[RecordKey, Attempt] = field(default_factory=dict)

    async def run(self, plans: Mapping[RecordKey, Decision]) -> None:
        offered = {
            key: planned.if_absent
            for key, planned in plans.items()
            if isinstance(planned, Write | Rest) and planned.if_absent is not None
        }
        await self._insert(offered)
        there = {key: planned for key, planned in plans.items() if key not in self.attempts}
        met = [key for key, one in there.items() if isinstance(one, Write) and one.meets and one.if_absent is not None]
        deferrable = {key for key in met if key in self.may_wait}
        now = [key for key in met if key not in deferrable or len(deferrable) <= MOST_FIRST_COMPARISONS]
        met_plans = {key: there.pop(key) for key in now}
        self.attempts |= {key: Attempt(one, AlreadyThereError("found")) for key, one in met_plans.items()}
        writes = {key: planned for key, planned in there.items() if isinstance(planned, Write)}
        await asyncio.gather(
            self._upsert({key: one for key, one in writes.items() if one.delivery is WriteMode.UPSERT}),
            *(self._update(key, one) for key, one in writes.items() if one.delivery is WriteMode.UPDATE),
            *(self._rest(key, one) for key, one in there.items() if isinstance(one, Rest)),
            *(self._end(key, one) for key, one in there.items() if isinstance(one, Anonymize)),
        )

    # ------------------------------------------------------------------------------------------------------------ bulk

    async def _insert(self, writes: Mapping[RecordKey, Write]) -> None:
        """Create contacts that do not exist; those that exist get no attempt yet."""
        answers = await self._in_bulk(writes, lambda contacts, _purge: self.platform.insert(contacts))
        for key, (write, result) in answers.items():
            if result.code not in _THERE:
                self.attempts[key] = Attempt(write, _written(key, write, result))

    async def _upsert(self, writes: Mapping[RecordKey, Write]) -> None:
        answers = await self._in_bulk(writes, lambda contacts, purge: self.platform.upsert(contacts, purge=purge))
        for key, (write, result) in answers.items():
            self.attempts[key] = Attempt(write, _written(key, write, result))
        invalid = [key for key, (_, result) in answers.items() if result.code is WriteCode.PROPERTY_INVALID]
        await asyncio.gather(*(self._refuse(key, writes[key]) for key in invalid))

    async def _in_bulk(self, writes: Mapping[RecordKey, Write], send: _Send) -> dict[RecordKey, _Answer]:
        """Send writes, once more without the properties that Spotler refused; a chunk that fails has no answers."""
        results = await self._in_chunks(writes, send)
        refused = {key: result for key, result in results.items() if result.code is WriteCode.PROPERTY_INVALID}
        shorter = {key: one for key, result in refused.items() if (one := _without_refused(writes[key], result))}
        final = {key: result for key, result in results.items() if key not in shorter}
        final |= await self._in_chunks(shorter, send)
        return {key: (shorter.get(key, writes[key]), result) for key, result in final.items()}

    async def _in_chunks(self, writes: Mapping[RecordKey, Write], send: _Send) -> dict[RecordKey, WriteResult]:
        """Send writes in chunks; a chunk that fails as a whole ends here, with its error."""
        results: dict[RecordKey, WriteResult] = {}

        async def chunk(keys: Sequence[RecordKey], purge: Purge) -> None:
            contacts = [ContactWrite(writes[key].binding.external_id, writes[key].properties) for key in keys]
            try:
                answers = await self.deadline.carry(lambda: send(contacts, purge))
            except ConnectorError as error:
                self.attempts |= {key: Attempt(writes[key], error) for key in keys}
                return
            missing = WriteResult(WriteCode.MISSING)
            results.update({key: answers.get(writes[key].binding.external_id, missing) for key in keys})

        await asyncio.gather(*(chunk(keys, purge) for keys, purge in _chunks(writes)))
        return results

    # ---------------------------------------------------------------------------------------------------------- singly

    async def _update(self, key: RecordKey, write: Write) -> None:
        """Write to a contact if it exists; if it does not, nothing is left to be done."""
        contact = ContactWrite(write.binding.external_id, write.properties)
        error = await self._call(lambda: self.platform.update(contact, purge=write.purge))
        match error:
            case None | NotFoundError():
                ended: Applied = _success(key, write)
            case DataError():
                ended = Outcome(key, Result.FAILED, Reason.REFUSED, http_status=error.status, detail=error.detail)
            case _:
                ended = error
        self.attempts[key] = Attempt(write, ended)

    async def _rest(self, key: RecordKey, rest: Rest) -> None:
        """Send what is refused in a call of its own; a contact that is gone or closed gets no mail."""
        error = await self._switch_off(rest.binding.external_id, rest.refused)
        ended: Applied = _rested(key, rest) if error is None or isinstance(error, DataError) else error
        self.attempts[key] = Attempt(rest, ended)

    async def _refuse(self, key: RecordKey, write: Write) -> None:
        """Send what a write refuses although Spotler did not take the rest of it."""
        refused = _refusals(write.properties)
        error = await self._switch_off(write.binding.external_id, refused)
        if error is not None and not isinstance(error, DataError):
            self.attempts[key] = Attempt(write, error)

    async def _switch_off(self, external_id: str, refused: Mapping[str, PropertyValue]) -> ConnectorError | None:
        if not refused:
            return None
        return await self._call(lambda: self.platform.update(ContactWrite(external_id, refused)))

    async def _call(self, call: Callable[[], Awaitable[None]]) -> ConnectorError | None:
        try:
            await self.deadline.carry(call)
        except ConnectorError as error:
            return error
        return None

    async def _end(self, key: RecordKey, planned: Anonymize) -> None:
        try:
            _, http_status = await self.deadline.carry(lambda: self.platform.anonymize(planned.binding.external_id))
        except DataError as error:
            ended: Applied = Outcome(key, Result.FAILED, Reason.REFUSED, http_status=error.status, detail=error.detail)
        except ConnectorError as error:
            ended = error
        else:
            ended = Outcome(key, Result.ANONYMISED, planned.reason, http_status=http_status)
        self.attempts[key] = Attempt(planned, ended)


# ------------------------------------------------------------------------------------------------------------- answers


_THERE = frozenset({WriteCode.CONTACT_ALREADY_EXISTS, WriteCode.CONTACT_OPTOUT, WriteCode.NO_ACTIVE_CHANNEL})
"""Answers to an insertion whose contact exists."""


def _chunks(writes: Mapping[RecordKey, Write]) -> Iterator[tuple[Sequence[RecordKey], Purge]]:
    for purge in Purge:
        keys = [key for key, write in writes.items() if write.purge is purge]
        for start in range(0, len(keys), _BULK):
            yield keys[start : start + _BULK], purge


def _without_refused(write: Write, result: WriteResult) -> Write | None:
    """Leave out the properties that Spotler's answer names; None if it names none, or the address itself.

    The binding does not hold them either: the next change of the record sends them again.
    """
    words = set(re.findall(r"\w+", result.detail))
    named = {name for name in write.properties if name in words}
    if not named or EMAIL in named:
        return None
    problems = tuple(FieldProblem(name, name, Expectation.TAKEN_BY_SPOTLER()) for name in sorted(named))
    base = {name: text for name, text in write.binding.base.items() if name.partition(":")[0] not in named}
    return replace(
        write,
        properties={name: value for name, value in write.properties.items() if name not in named},
        fields=tuple(name for name in write.fields if name.partition(":")[0] not in named),
        binding=replace(write.binding, base=base),
        problems=(*write.problems, *problems),
    )


def _options(properties: Mapping[str, PropertyValue]) -> Iterator[tuple[str, bool]]:
    for name, value in properties.items():
        if isinstance(value, tuple):
            for option in value:
                yield option_name(name, option.bit), option.enabled


def _refusals(properties: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    """Return the options that a write switches off."""
    return {
        name: off
        for name, value in properties.items()
        if isinstance(value, tuple) and (off := tuple(option for option in value if not option.enabled))
    }


def _rested(key: RecordKey, rest: Rest) -> Outcome:
    return Outcome(key, rest.result, rest.reason, rest.problems, permissions_off=rest.permissions_off)


def _success(key: RecordKey, write: Write) -> Outcome:
    return Outcome(
        key, Result.WRITTEN, write.reason, write.problems, write.fields, permissions_off=write.permissions_off
    )


def _written(key: RecordKey, write: Write, result: WriteResult) -> Applied:
    match result.code:
        case WriteCode.OK:
            return _success(key, write)
        case WriteCode.CONTACT_OPTOUT:  # OPT-07, OPT-08: from now on nothing of this person is sent
            return Outcome(key, Result.FAILED, Reason.OPTED_OUT)
        case WriteCode.NO_ACTIVE_CHANNEL:
            return Outcome(key, Result.FAILED, Reason.NO_ACTIVE_CHANNEL)
        case WriteCode.PROPERTY_INVALID:
            return Outcome(key, Result.FAILED, Reason.REFUSED, write.problems, detail=result.detail)
        case (
            WriteCode.ERROR | WriteCode.MISSING | WriteCode.CONTACT_UNKNOWN | WriteCode.CONTACT_ALREADY_EXISTS
        ):  # a fault of Spotler, or another writer was faster: the next attempt shows which
            return TransientError(SpotlerCause.NOT_TAKEN(), code=result.code)
