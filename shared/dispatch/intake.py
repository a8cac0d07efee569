"""Takes messages from a trigger, so that a batch does not fail for work that can be done later.

A function that fails gets the same messages again at once, and the queue dead-letters them after its maximum of
deliveries, within seconds. Work that cannot be done or checked now is therefore sent to the lane with a delay. That
needs the queue alone.
"""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.dispatch.work import Work, postpone_all
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.guards.attempt import attempt
from shared.errors import ConnectorError
from shared.messages.lane_messages import Unchecked
from shared.messages.redelivery import Redelivery
from shared.ports.clock import Clock
from shared.ports.organisations import Organisations, Origin, OwnUser, RejectedMessage
from shared.ports.queue import Queue, QueueName

if TYPE_CHECKING:  # the intake works before the use cases can be built
    from shared.dispatch.dispatch import Dispatcher
    from shared.dispatch.shadow import Shadow

log = logging.getLogger(__name__)

_LONGEST_QUESTION = timedelta(seconds=5)
"""How long a batch waits for the id of our own user."""


@dataclass(slots=True)
class Arrival:
    """One call of a trigger: the queue, the work that its messages ask for, and the rejected messages."""

    queue: QueueName
    work: Work = field(default_factory=Work)
    rejected: list[RejectedMessage] = field(default_factory=list)


class Ready(Protocol):
    """The parts that need a state store and open services."""

    @property
    def organisations(self) -> Organisations:
        """Checks the origin of messages."""

    @property
    def own_user(self) -> OwnUser:
        """The connector's own user."""

    @property
    def dispatcher(self) -> "Dispatcher | Shadow":
        """Does the work; in shadow mode, plans it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes messages; needs the queue alone, while other services may be down.

    `connector` raises ConnectorErrors while it cannot be built.

    `wait` is the time-out for building the connector and for each check: a batch must end well within the locks of
    its messages.
    """

    queue: Queue
    redelivery: Redelivery
    clock: Clock
    connector: Callable[[], Awaitable[Ready]]
    wait: timedelta = timedelta(seconds=30)

    async def take(self, arrival: Arrival, *, lane: QueueName) -> None:
        """Do, postpone or dead-letter everything. Raises only if the queue cannot be reached.

        Rejected messages are dead-lettered last: a failure before that repeats all messages, and would dead-letter them
        twice.
        """
        began = self.clock.now()
        connector = await attempt(self.connector, WorkCause.BUILDING(), within=self.wait)
        if isinstance(connector, ConnectorError):
            await postpone_all(arrival.work, self.redelivery, lane=lane, error=connector)
        else:
            # For the next batch: this batch was read already. Without our user's id, our own changes cost a read.
            await attempt(connector.own_user.learn, WorkCause.OWN_USER_READ(), within=min(self.wait, _LONGEST_QUESTION))
            unknown = await self._check(arrival, connector.organisations)
            await connector.dispatcher.dispatch(arrival.work, lane=lane, began=began)
            for message, reason in unknown:
                await self.redelivery.postpone(lane, message, reason)
        for one in arrival.rejected:
            await self.queue.dead_letter(arrival.queue, b"", reason=one.reason, description=one.description)

    async def collect_dead_lettered(self) -> None:
        """Move messages that the queue itself has dead-lettered to our dead letters, without their personal data.

        If the queue cannot be reached, the next call tries again.
        """
        try:
            moved = await self.queue.collect_dead_lettered()
        except ConnectorError as error:
            log.warning("messages that the queues dead-lettered cannot be collected: %s", error)
            return
        for letter in moved:
            log.warning(
                "%s has dead-lettered a message itself: %s",
                letter.queue,
                letter.reason,
                extra={"correlation": letter.correlation_id},
            )

    async def _check(
        self, arrival: Arrival, organisations: Organisations
    ) -> Sequence[tuple[Unchecked, ConnectorError]]:
        """Accept or reject unchecked messages; return those that cannot be checked now, and why."""
        unknown: list[tuple[Unchecked, ConnectorError]] = []
        from_one: defaultdict[Origin, list[Unchecked]] = defaultdict(list)
        for message in arrival.work.unchecked:
            from_one[Origin(message.organisation, message.host)].append(message)
        arrival.work.unchecked.clear()
        for origin, messages in from_one.items():
            rejected = await _rejection(organisations, origin, self.wait)
            match rejected:
                case ConnectorError():
                    unknown += [(message, rejected) for message in messages]
                case RejectedMessage():
                    log.warning("messages of organisation %s rejected", origin.organisation)
                    arrival.rejected += [rejected] * len(messages)
                case None:
                    for message in messages:
                        arrival.work.add(message.message)
        return unknown


async def _rejection(
    organisations: Organisations, origin: Origin, wait: timedelta
) -> RejectedMessage | ConnectorError | None:
    what = WorkCause.ORGANISATION_ASKED(organisation=str(origin.organisation))
    return await attempt(lambda: organisations.rejection(origin), what, within=wait)
