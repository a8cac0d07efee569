"""The circuits of all lanes: a small document for each open one, which every worker obeys (`domain.recovery`)."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.recovery.circuit import (
    SERVICES,
    Cause,
    Circuit,
    Trouble,
    failing,
    opened,
    opens,
    probing,
    reopened,
    trouble_of,
)
from shared.domain.wording.errors import ErrorText, cause_of
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.stored import from_data, template_data
from shared.errors import ConnectorError, Service
from shared.messages.tally import Tally
from shared.ports.clock import Clock
from shared.ports.documents import Body, Codec
from shared.ports.queue import QueueName
from shared.ports.state import Delete, Document, DocumentKey, Insert, Replace, StateStore
from shared.telemetry.signals import CIRCUIT, record

log = logging.getLogger(__name__)

LANES = (QueueName.LIVE, QueueName.BULK)

_FRESH = timedelta(seconds=5)
"""How long this process assumes that no circuit is open; those that it opens itself count at once."""

_WHILE_PROBING = timedelta(seconds=2)
_TIMEOUT = 10.0
"""Seconds after which a service counts as down, whatever it might answer later."""

_TROUBLES = Codec(Trouble)
_CIRCUITS = Codec(Circuit, outside=("trouble",), names={"probing_until": "probingUntil"})

Ping = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flow:
    """The lane may go on."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may be processed until then; `length` is the whole length of the pause."""

    until: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Probe:
    """Process one message, and no more, to find out whether these services work again."""

    services: tuple[Service, ...]
    others: Pause
    """Until when everything else waits."""


Turn = Flow | Pause | Probe


@dataclass(frozen=True, slots=True)
class _Open:
    service: Service
    circuit: Circuit
    document: Document


class Circuits:
    """Decides whether a lane may go on, and learns from the results."""

    def __init__(self, store: StateStore, clock: Clock, environment: str, *, pings: Mapping[Service, Ping]) -> None:
        """`pings` check whether the services with circuits answer."""
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-circuit"
        self._pings = pings
        self._troubled: defaultdict[tuple[QueueName, Service], set[str]] = defaultdict(set)
        self._seen_closed: dict[QueueName, datetime] = {}

    async def turn(self, lane: QueueName) -> Turn:
        """Decide whether messages of a lane may be processed now; without a state store they are tried and put off."""
        now = self._clock.now()
        if (seen := self._seen_closed.get(lane)) is not None and now - seen < _FRESH:
            return Flow()
        try:
            return await self._turn(lane, now)
        except ConnectorError as error:
            log.warning("the circuits of %s cannot be read: %s", lane, error)
            return Flow()

    async def _turn(self, lane: QueueName, now: datetime) -> Turn:
        circuits = await self._open(lane)
        if not circuits:
            self._seen_closed[lane] = now
            return Flow()
        waits = [(until, one) for one in circuits if (until := one.circuit.waits_until(now)) is not None]
        if waits:
            pauses = [
                Pause(until, one.circuit.pause) if now < one.circuit.until else _while_probing(now)
                for until, one in waits
            ]
            return max(pauses, key=lambda pause: pause.until)
        return await self._probe(circuits, now)

    async def learn(self, lane: QueueName, tally: Tally, turn: Flow | Probe) -> None:
        """Open, reopen or close circuits after a call in which a lane had its turn.

        A service that answers a ping is not down, whatever it answers for these records: they have their own retries.
        """
        probed = turn.services if isinstance(turn, Probe) else ()
        known = {one.service: one for one in await self._open(lane)} if probed else {}
        for service in SERVICES:
            found = failing(tally.errors, service)
            troubled = self._troubled[lane, service]
            if tally.successes or not found:
                troubled.clear()
            else:
                troubled.update(found)
            if service not in probed:
                trouble = opens(tally.errors, troubled, service)
                if trouble is not None and (trouble.cause is not Cause.DOWN or await self._ping(service) is not None):
                    await self._begin(lane, service, trouble)
            elif service in known:
                await self._conclude(lane, known[service], next(iter(found.values()), None))

    async def state(self) -> list[dict[str, Any]]:
        """Return the open circuits as JSON."""
        return [
            {
                "service": str(one.service),
                "lane": str(lane),
                "cause": str(one.circuit.trouble.cause),
                "text": one.circuit.trouble.text,
                "since": one.circuit.opened.isoformat(timespec="seconds"),
                "nextProbe": one.circuit.until.isoformat(timespec="seconds"),
            }
            for lane in LANES
            for one in await self._open(lane)
        ]

    async def measure(self) -> None:
        """Record for every service and lane whether its circuit is open."""
        for lane in LANES:
            found = {one.service for one in await self._open(lane)}
            for service in SERVICES:
                record(CIRCUIT, 1 if service in found else 0, service=service, lane=lane)

    # ------------------------------------------------------------------------------------------------------ transitions

    async def _begin(self, lane: QueueName, service: Service, trouble: Trouble) -> None:
        circuit = opened(trouble, self._clock.now())
        (etag,) = await self._store.write([Insert(self._key(lane, service), _body(circuit))])
        self._seen_closed.pop(lane, None)
        if etag is not None:  # otherwise another worker was first, and has logged it
            log.error("%s pauses: %s is %s (%s)", lane, service, trouble.cause, trouble.text)

    async def _probe(self, circuits: list[_Open], now: datetime) -> Turn:
        """Take the probe, unless another worker has it. A service that does not even answer a ping gets no message."""
        claims = [Replace(one.document.key, _body(probing(one.circuit, now)), one.document.etag) for one in circuits]
        etags = await self._store.write(claims)
        if None in etags:
            return _while_probing(now)
        answers = await asyncio.gather(*(self._ping(one.service) for one in circuits))
        pauses: list[Pause] = []
        for one, trouble, etag in zip(circuits, answers, etags, strict=True):
            if trouble is not None:
                again = reopened(one.circuit, trouble, self._clock.now())
                await self._store.write([Replace(one.document.key, _body(again), str(etag))])
                pauses.append(Pause(again.until, again.pause))
        if pauses:
            return max(pauses, key=lambda pause: pause.until)
        return Probe(tuple(one.service for one in circuits), _while_probing(self._clock.now()))

    async def _ping(self, service: Service) -> Trouble | None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await self._pings[service]()
        except ConnectorError as error:
            return trouble_of(error) or Trouble(Cause.DOWN, cause_of(error))
        except TimeoutError:
            return Trouble(Cause.DOWN, ErrorText.NOT_WITHIN(seconds=round(_TIMEOUT)))
        return None

    async def _conclude(self, lane: QueueName, one: _Open, trouble: Trouble | None) -> None:
        now, place, etag = self._clock.now(), one.document.key, one.document.etag
        if trouble is not None:
            await self._store.write([Replace(place, _body(reopened(one.circuit, trouble, now)), etag)])
            return
        (closed,) = await self._store.write([Delete(place, etag)])
        if closed is not None:
            seconds = (now - one.circuit.opened).total_seconds()
            log.warning("%s goes on: %s answers again after %.0f s", lane, one.service, seconds)

    # -------------------------------------------------------------------------------------------------------- documents

    async def _open(self, lane: QueueName) -> list[_Open]:
        keys = {self._key(lane, service): service for service in SERVICES}
        found = await self._store.read(list(keys))
        return [_Open(keys[key], _circuit(document.body), document) for key, document in found.items()]

    def _key(self, lane: QueueName, service: Service) -> DocumentKey:
        return DocumentKey(self._partition, f"{service}:{lane}")


def _while_probing(now: datetime) -> Pause:
    return Pause(now + _WHILE_PROBING, _WHILE_PROBING)


def _body(circuit: Circuit) -> Body:
    text = circuit.trouble.text
    template = template_data(text) if isinstance(text, Phrase) else {}
    return _TROUBLES.body(circuit.trouble) | _CIRCUITS.body(circuit) | template


def _circuit(body: Body) -> Circuit:
    trouble = _TROUBLES.read(body)
    return _CIRCUITS.read(body, trouble=replace(trouble, text=from_data(trouble.text, body)))
