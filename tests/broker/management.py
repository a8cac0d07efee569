"""What a queue answers at its `$management` node.

https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response
"""

from __future__ import annotations

from typing import Any

from tests.broker.faults import LOCK_LOST, Fault
from tests.broker.messages import Message, reply
from tests.broker.queues import Queue
from tests.broker.wire import Array, Int, Symbol, Timestamp

SETTLES = "com.microsoft:update-disposition"
"""The operation that settles by lock, where the link of a delivery is gone."""

_PEEK_LIMIT = 100
"""The service, too, returns fewer messages than it was asked for."""

_SCHEDULED = 2


class Refusal(Exception):  # noqa: N818  # an answer, not a fault
    """An answer other than 200."""

    def __init__(self, status: int, condition: str) -> None:
        super().__init__(condition)
        self.status = status
        self.condition = condition


def manage(queue: Queue, request: Message, fault: Fault | None = None) -> bytes:
    """Return the answer to a request."""
    try:
        _refuse(fault)
        value = _done(queue, str(request.application.get("operation")), request.value)
    except Refusal as refusal:
        properties = {
            "statusCode": Int(refusal.status),
            "statusDescription": str(refusal),
            "errorCondition": Symbol(refusal.condition),
        }
        return reply(request.identifier, properties, None)
    return reply(request.identifier, {"statusCode": Int(200), "statusDescription": "OK"}, value)


def _refuse(fault: Fault | None) -> None:
    if fault is not None:
        raise Refusal(503, fault.condition)


def _done(queue: Queue, operation: str, asked: Any) -> Any:
    match operation:
        case "com.microsoft:renew-lock":
            held = [queue.held(lock) for lock in asked["lock-tokens"]]
            if None in held:
                raise Refusal(410, LOCK_LOST)
            return {"expirations": Array(Timestamp(queue.renew(one)) for one in held if one is not None)}
        case "com.microsoft:peek-message":
            return {"messages": _peeked(queue, asked["from-sequence-number"], asked["message-count"])}
        case operation if operation == SETTLES:
            for lock in asked["lock-tokens"]:
                held_one = queue.held(lock)
                if held_one is None:
                    raise Refusal(410, LOCK_LOST)
                match asked["disposition-status"]:
                    case "completed":
                        queue.complete(held_one)
                    case "abandoned":
                        queue.abandon(held_one)
                    case "suspended":
                        queue.dead_letter(held_one, asked["deadletter-reason"], asked["deadletter-description"])
                    case _:
                        raise Refusal(501, "amqp:not-implemented")
            return None
        case _:
            raise Refusal(501, "amqp:not-implemented")


def _peeked(queue: Queue, start: int, count: int) -> list[dict[str, bytes]]:
    queue.pass_time()
    found = [held for number, held in sorted(queue.messages.items()) if number >= start]
    if not found:
        raise Refusal(204, "com.microsoft:message-not-found")
    return [
        {
            "message": held.message.delivered(
                sequence=held.sequence,
                enqueued=held.enqueued,
                failed_deliveries=held.failed_deliveries,
                state=_SCHEDULED if held.scheduled else 0,
            )
        }
        for held in found[: min(count, _PEEK_LIMIT)]
    ]
