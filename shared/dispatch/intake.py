"""Takes in what a trigger brings, so that no batch fails, as a whole and at once, for what can be done later.

A function that fails gets the same messages again immediately, and the queue buries them after ten times: within
seconds. So whatever cannot be had or checked now is sent to the lane with a delay, for which the queue is enough.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from shared.dispatch.dispatch import Dispatcher, Work, postpone_all
from shared.engine.guards.attempt import attempt
from shared.errors import ConnectorError
from shared.messages.lane_messages import Unchecked
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.organisations import Organisations, Origin, OriginRefused, OwnUser
from shared.ports.queue import Queue, QueueName

log = logging.getLogger(__name__)

_LONGEST_QUESTION = timedelta(seconds=5)
"""How long a batch waits to learn which user we are."""


@dataclass(slots=True)
class Arrival:
    """One call of a trigger: the queue it comes from, what its messages ask for, and those that are none."""

    queue: QueueName
    work: Work = field(default_factory=Work)
    refused: list[OriginRefused] = field(default_factory=list)


class Ready(Protocol):
    """What takes a state store and open services to have."""

    @property
    def organisations(self) -> Organisations:
        """Tells whose messages are ours."""
        ...

    @property
    def own_user(self) -> OwnUser:
        """Knows which user we are."""
        ...

    @property
    def dispatcher(self) -> Dispatcher:
        """Does the work."""
        ...


class Intake:
    """Needs the queue alone; everything else may be away."""

    def __init__(
        self,
        *,
        queue: Queue,
        redelivery: Redelivery,
        clock: Clock,
        connector: Callable[[], Awaitable[Ready]],
        wait: timedelta = timedelta(seconds=30),
    ) -> None:
        """`connector` raises ConnectorErrors while it cannot be built.

        `wait` is how long a service that hangs is waited for, be it for the connector or for an answer: a batch must
        end well within the locks of its messages.
        """
        self._queue = queue
        self._redelivery = redelivery
        self._clock = clock
        self._connector = connector
        self._wait = wait

    async def take(self, delivery: Arrival, *, lane: QueueName) -> None:
        """Do, put off or bury everything. Raises only where the queue cannot be reached.

        What is refused is buried last: whatever fails before it makes all messages come again, and would bury it twice.
        """
        began = self._clock.now()
        connector = await attempt(self._connector, "building the connector", within=self._wait)
        if isinstance(connector, ConnectorError):
            await postpone_all(delivery.work, self._redelivery, lane=lane, error=connector)
        else:
            # For the next batch: this one has been read, and what was written by us costs a look.
            await attempt(connector.own_user.learn, "asking who we are", within=min(self._wait, _LONGEST_QUESTION))
            unknown = await self._check(delivery, connector.organisations)
            await connector.dispatcher.dispatch(delivery.work, lane=lane, began=began)
            for message, reason in unknown:
                await self._redelivery.postpone(lane, message, reason)
        for one in delivery.refused:
            await self._queue.dead_letter(delivery.queue, b"", reason=one.reason, description=one.description)

    async def collect_dead_lettered(self) -> None:
        """Let what the queue itself has buried be seen and replayed, without what it said of people.

        A queue that cannot be reached is tried again at the next call.
        """
        try:
            moved = await self._queue.collect_dead_lettered()
        except ConnectorError as error:
            log.warning("what the queues have buried cannot be collected: %s", error)
            return
        for letter in moved:
            log.warning(
                "%s has buried a message itself: %s",
                letter.queue,
                letter.reason,
                extra={"correlation": letter.correlation_id},
            )

    async def _check(
        self, delivery: Arrival, organisations: Organisations
    ) -> Sequence[tuple[Unchecked, ConnectorError]]:
        """Accept or refuse what is unchecked; return what cannot be checked now, and why."""
        unknown: list[tuple[Unchecked, ConnectorError]] = []
        from_one: defaultdict[Origin, list[Unchecked]] = defaultdict(list)
        for message in delivery.work.unchecked:
            from_one[Origin(message.organisation, message.host)].append(message)
        delivery.work.unchecked.clear()
        for origin, messages in from_one.items():
            refused = await _refusal(organisations, origin, self._wait)
            match refused:
                case ConnectorError():
                    unknown += [(message, refused) for message in messages]
                case OriginRefused():
                    log.warning("messages of organisation %s refused", origin.organisation)
                    delivery.refused += [refused] * len(messages)
                case None:
                    for message in messages:
                        delivery.work.add(message.message)
        return unknown


async def _refusal(
    organisations: Organisations, origin: Origin, wait: timedelta
) -> OriginRefused | ConnectorError | None:
    what = f"asking for organisation {origin.organisation}"
    return await attempt(lambda: organisations.refusal(origin), what, within=wait)
