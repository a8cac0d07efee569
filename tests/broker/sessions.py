"""Sessions and links of a client: windows, credit, transfers in many frames (part 2 of the standard)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from tests.broker.frames import Frame, Performative
from tests.broker.queues import Queue
from tests.broker.wire import UInt

if TYPE_CHECKING:
    from tests.broker.connection import Connection

WINDOW = 5000


@dataclass(slots=True)
class Link:
    """A link of a client. `queue` is None for the nodes that answer requests."""

    session: Session
    handle: int
    name: str
    address: str
    client_receives: bool
    queue: Queue | None
    credit: int = 0
    delivery_count: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    first: Frame | None = None


@dataclass(slots=True)
class Session:
    """A session of a client, with the windows of both directions."""

    connection: Connection
    channel: int
    next_incoming: int
    remote_window: int
    next_outgoing: int = 0
    next_delivery: int = 0
    links: dict[int, Link] = field(default_factory=dict)
    deliveries: dict[int, tuple[Link, UUID]] = field(default_factory=dict)

    def flow(self, link: Link | None = None) -> None:
        """Tell the windows, and what a sending client may send."""
        of_link = [UInt(link.handle), UInt(link.delivery_count), UInt(link.credit)] if link else [None, None, None]
        windows = [UInt(self.next_incoming), UInt(WINDOW), UInt(self.next_outgoing), UInt(WINDOW)]
        self.connection.write(self.channel, Performative.FLOW, [*windows, *of_link, None, False, False, None])

    def deliver(self, link: Link, tag: bytes, payload: bytes, *, settled: bool) -> int:
        """Transfer a message to the client, in as many frames as it takes; returns the delivery id."""
        identifier = self.next_delivery
        self.next_delivery += 1
        room = self.connection.max_frame - 128
        parts = [payload[start : start + room] for start in range(0, len(payload), room)]
        for number, part in enumerate(parts):
            more = number < len(parts) - 1
            fields = [UInt(link.handle), UInt(identifier), tag, UInt(0), settled, more, *[None] * 4, False]
            self.connection.write(self.channel, Performative.TRANSFER, fields, part)
            self.next_outgoing += 1
            self.remote_window -= 1
        link.credit -= 1
        link.delivery_count += 1
        return identifier
