"""One client's connection: what it asks for, and the answers (part 2 of the standard)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.broker import frames
from tests.broker.access import allowed_path, opens
from tests.broker.faults import LOCK_LOST, Act, Effect, Fault
from tests.broker.frames import Frame, Outcome, Performative, outcome, written
from tests.broker.management import SETTLES, manage
from tests.broker.messages import Message, messages_in, reply
from tests.broker.queues import Held, Queue
from tests.broker.sessions import WINDOW, Link, Session
from tests.broker.wire import Described, Int, Symbol, UByte, UInt, ULong, UShort

if TYPE_CHECKING:
    from tests.broker.broker import Broker

CBS = "$cbs"
MANAGEMENT = "/$management"

_CREDIT = 1000


class Connection:
    """Reads frames and acts on them; nothing in here waits but for the next frame."""

    def __init__(self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.broker = broker
        self.max_frame = frames.MAX_FRAME
        self._reader = reader
        self._writer = writer
        self._sessions: dict[int, Session] = {}
        self._opened: set[str] = set()
        self._acts: dict[Performative, Callable[[Frame], None]] = {
            Performative.OPEN: self._open,
            Performative.BEGIN: self._begin,
            Performative.ATTACH: self._attach,
            Performative.FLOW: self._flow,
            Performative.TRANSFER: self._transfer,
            Performative.DISPOSITION: self._disposition,
            Performative.DETACH: self._detach,
            Performative.END: self._end,
            Performative.CLOSE: self._close,
        }

    async def serve(self, header: bytes) -> None:
        """Work until the client leaves. `header` is what it began with."""
        if header == frames.SASL_HEADER:
            await self._anybody()
            header = await self._reader.readexactly(8)
        self._writer.write(frames.AMQP_HEADER)
        loop = asyncio.get_running_loop()
        while not self._writer.is_closing():
            frame = await frames.read(self._reader)
            if frame is None:
                continue
            if self.broker.latency:
                loop.call_later(self.broker.latency, self._act, frame)
            else:
                self._act(frame)

    def write(self, channel: int, kind: Performative, fields: list[Any], payload: bytes = b"") -> None:
        """Send a frame, if there is still somebody to read it."""
        if not self._writer.is_closing():
            self._writer.write(written(channel, kind, fields, payload))

    def drop(self) -> None:
        """End without a word, as a network does."""
        self._sessions.clear()
        self._writer.transport.abort()

    def end(self, condition: str, description: str) -> None:
        """Close with a reason, as a broker does that is restarted."""
        self.write(0, Performative.CLOSE, [frames.error(condition, description)])
        self._sessions.clear()
        self._writer.close()

    def links(self, queue: Queue | None = None) -> list[Link]:
        """Return the links that are attached, or those of one queue."""
        every = [link for session in self._sessions.values() for link in session.links.values()]
        return every if queue is None else [link for link in every if link.queue is queue]

    def detach(self, link: Link, condition: str, description: str) -> None:
        """Close a link with a reason."""
        link.session.links.pop(link.handle, None)
        self.write(
            link.session.channel,
            Performative.DETACH,
            [UInt(link.handle), True, frames.error(condition, description)],
        )

    def offer(self, link: Link) -> bool:
        """Give the receiver of a link the next message, if it wants one and there is one."""
        if link.queue is None or not link.client_receives or self._writer.is_closing():
            return False
        if link.credit < 1 or link.session.remote_window < 1:
            return False
        held = link.queue.take()
        if held is None or held.lock is None:
            return False
        payload = held.message.delivered(
            sequence=held.sequence,
            enqueued=held.enqueued,
            failed_deliveries=held.failed_deliveries,
            locked_until=held.locked_until,
        )
        identifier = link.session.deliver(link, held.lock.bytes_le, payload, settled=False)
        link.session.deliveries[identifier] = (link, held.lock)
        return True

    # ------------------------------------------------------------------------------------------- what clients ask for

    async def _anybody(self) -> None:
        # Who somebody is, is told to `$cbs` later on.
        self._writer.write(frames.SASL_HEADER)
        self.write(0, Performative.SASL_MECHANISMS, [[Symbol("ANONYMOUS"), Symbol("EXTERNAL"), Symbol("MSSBCBS")]])
        await frames.read(self._reader)
        self.write(0, Performative.SASL_OUTCOME, [UByte(0), None])

    def _act(self, frame: Frame) -> None:
        known = frame.channel in self._sessions
        if known or frame.kind in {Performative.OPEN, Performative.BEGIN, Performative.CLOSE}:
            self._acts[frame.kind](frame)

    def _open(self, frame: Frame) -> None:
        self.max_frame = min(frames.MAX_FRAME, frame[2] or frames.MAX_FRAME)
        self.write(0, Performative.OPEN, ["broker", None, UInt(frames.MAX_FRAME), *[None] * 7])

    def _begin(self, frame: Frame) -> None:
        self._sessions[frame.channel] = Session(self, frame.channel, frame[1], frame[2])
        fields = [UShort(frame.channel), UInt(0), UInt(WINDOW), UInt(WINDOW), UInt(255), None, None, None]
        self.write(frame.channel, Performative.BEGIN, fields)

    def _attach(self, frame: Frame) -> None:
        session = self._sessions[frame.channel]
        receives = frame[2]
        address = _path(frame[5] if receives else frame[6])
        refusal = self._refusal(address)
        missing = refusal is not None
        fields = [frame[0], UInt(frame[1]), not receives, frame[3], frame[4]]
        fields += [None if missing and receives else frame[5], None if missing and not receives else frame[6]]
        fields += [None, None, UInt(0) if receives else None, ULong(self.broker.max_message_size), None, None]
        fields += [{Symbol("com.microsoft:max-message-batch-size"): ULong(self.broker.max_message_size)}]
        link = Link(session, frame[1], frame[0], address, receives, self.broker.queues.get(address))
        self.write(frame.channel, Performative.ATTACH, fields)
        if refusal is not None:
            self.detach(link, *refusal)
            return
        session.links[frame[1]] = link
        if not receives:
            link.credit = _CREDIT
            session.flow(link)

    def _refusal(self, address: str) -> tuple[str, str] | None:
        entity = address.removesuffix(MANAGEMENT)
        if address == CBS:
            return None
        if not any(opens(path, entity) for path in self._opened):
            return "amqp:unauthorized-access", f"Unauthorized access. 'Listen' claims are required: {entity}"
        if entity not in self.broker.queues:
            return "amqp:not-found", f"The messaging entity 'sb://broker/{entity}' could not be found."
        fault = self.broker.faults.due(Act.ATTACH, address)
        return (fault.condition, "a planned fault") if fault else None

    def _flow(self, frame: Frame) -> None:
        session = self._sessions[frame.channel]
        session.remote_window = (frame[0] or 0) + frame[1] - session.next_outgoing
        link = session.links.get(frame[4]) if frame[4] is not None else None
        if link is not None and link.client_receives:
            link.credit = (frame[5] or 0) + (frame[6] or 0) - link.delivery_count
            if link.queue is not None:
                self.broker.pump(link.queue)
            if frame[8]:  # drain: what is left of the credit is used up by nothing
                link.delivery_count += max(0, link.credit)
                link.credit = 0
                session.flow(link)

    def _transfer(self, frame: Frame) -> None:
        session = self._sessions[frame.channel]
        session.next_incoming += 1
        link = session.links.get(frame[0])
        if link is None:
            return
        link.first = link.first or frame
        link.buffer += frame.payload
        if frame[5]:
            return
        first, data = link.first, bytes(link.buffer)
        link.first, link.buffer = None, bytearray()
        link.credit -= 1
        link.delivery_count += 1
        state = self._taken(link, data, first[3] or 0)
        if state is not None and not first[4]:
            fields = [True, UInt(first[1]), UInt(first[1]), True, state, False]
            self.write(frame.channel, Performative.DISPOSITION, fields)
        if link.credit < _CREDIT // 2:
            link.credit = _CREDIT
            session.flow(link)

    def _taken(self, link: Link, data: bytes, message_format: int) -> Described | None:
        """Act on a message; returns what to tell the client, None if it cannot be told."""
        if link.queue is None:
            self._answer(link, Message.read(data))
            return outcome(Outcome.ACCEPTED)
        if len(data) > self.broker.max_message_size:
            text = f"The received message (delivery size {len(data)}) exceeds the limit {self.broker.max_message_size}."
            self.detach(link, "amqp:link:message-size-exceeded", text)
            return None
        fault = self.broker.faults.due(Act.SEND, link.address)
        if fault is None or fault.effect is Effect.DROPPED_AFTER:
            for message in messages_in(data, message_format):
                link.queue.put(message)
        if fault is None:
            self.broker.pump(link.queue)
            return outcome(Outcome.ACCEPTED)
        return self._struck(link, fault)

    def _struck(self, link: Link, fault: Fault) -> Described | None:
        match fault.effect:
            case Effect.REFUSED:
                return outcome(Outcome.REJECTED, frames.error(fault.condition, "a planned fault"))
            case Effect.DETACHED_BEFORE:
                self.detach(link, fault.condition, "a planned fault")
            case Effect.DROPPED_BEFORE | Effect.DROPPED_AFTER:
                self.drop()
        return None

    def _answer(self, link: Link, request: Message) -> None:
        if link.address == CBS:
            path = allowed_path(str(request.value), self.broker.key)
            if path is not None:
                self._opened.add(path)
            status = 200 if path is not None else 401
            text = "OK" if path is not None else "InvalidSignature: The token has an invalid signature."
            properties: dict[str, Any] = {"status-code": Int(status), "status-description": text}
            answer = reply(request.identifier, properties, None)
        else:
            entity = link.address.removesuffix(MANAGEMENT)
            settles = request.application.get("operation") == SETTLES
            fault = self.broker.faults.due(Act.SETTLE if settles else Act.MANAGE, entity)
            if fault is not None and fault.effect is not Effect.REFUSED:
                self._struck(link, fault)
                return
            answer = manage(self.broker.queues[entity], request, fault)
            self.broker.pump(self.broker.queues[entity])
        for other in link.session.links.values():
            if other.client_receives and other.address == link.address:
                link.session.deliver(other, b"answer", answer, settled=True)
                return

    def _disposition(self, frame: Frame) -> None:
        session = self._sessions[frame.channel]
        if not frame[0]:
            return
        last = frame[1] if frame[2] is None else frame[2]
        for identifier in [one for one in session.deliveries if frame[1] <= one <= last]:
            link, lock = session.deliveries.pop(identifier)
            fault = self.broker.faults.due(Act.SETTLE, link.address)
            if fault is not None and fault.effect is not Effect.DROPPED_AFTER:
                self._struck(link, fault)
                return
            assert link.queue is not None
            held = link.queue.held(lock)
            state = frame[4]
            if held is None:
                text = "The lock supplied is invalid. Either the lock expired, or the message has already been removed."
                state = outcome(Outcome.REJECTED, frames.error(LOCK_LOST, text))
            else:
                _settle(link.queue, held, frame[4])
            if fault is not None:
                self.drop()
                return
            if not frame[3]:
                fields = [False, UInt(identifier), UInt(identifier), True, state, False]
                self.write(frame.channel, Performative.DISPOSITION, fields)
            self.broker.pump(link.queue)

    def _detach(self, frame: Frame) -> None:
        if self._sessions[frame.channel].links.pop(frame[0], None) is not None:
            self.write(frame.channel, Performative.DETACH, [UInt(frame[0]), True, None])

    def _end(self, frame: Frame) -> None:
        del self._sessions[frame.channel]
        self.write(frame.channel, Performative.END, [None])

    def _close(self, _frame: Frame) -> None:
        self.write(0, Performative.CLOSE, [None])
        self._sessions.clear()
        self._writer.close()


def _path(terminus: Described | None) -> str:
    address = str(terminus.value[0] or "") if terminus is not None else ""
    return urlsplit(address).path.strip("/") if "://" in address else address.strip("/")


def _settle(queue: Queue, held: Held, state: Described) -> None:
    match Outcome(state.code):
        case Outcome.ACCEPTED:
            queue.complete(held)
        case Outcome.RELEASED:
            queue.release(held)
        case Outcome.MODIFIED:
            queue.abandon(held)
        case Outcome.REJECTED:
            info = (state.value[0].value + [None] * 3)[2] if state.value and state.value[0] else {}
            reason, text = (str((info or {}).get(f"DeadLetter{name}", "")) for name in ("Reason", "ErrorDescription"))
            queue.dead_letter(held, reason, text)
