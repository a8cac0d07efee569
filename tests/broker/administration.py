"""The settings and counts of a queue, as the Atom interface of Service Bus tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.broker.access import allowed_path, opens
from tests.broker.queues import Queue

_ENTRY = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"><id>{name}</id><title type="text">{name}</title>
<content type="application/xml">
<QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
<LockDuration>PT{lock}S</LockDuration>
<DeadLetteringOnMessageExpiration>{dead_letters_expired}</DeadLetteringOnMessageExpiration>
<MaxDeliveryCount>{deliveries}</MaxDeliveryCount>
<MessageCount>{total}</MessageCount>
<CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus">
<d2p1:ActiveMessageCount>{active}</d2p1:ActiveMessageCount>
<d2p1:DeadLetterMessageCount>{dead}</d2p1:DeadLetterMessageCount>
<d2p1:ScheduledMessageCount>{scheduled}</d2p1:ScheduledMessageCount>
<d2p1:TransferMessageCount>0</d2p1:TransferMessageCount>
<d2p1:TransferDeadLetterMessageCount>0</d2p1:TransferDeadLetterMessageCount>
</CountDetails>
</QueueDescription></content></entry>"""

# What the service answers where there is no such queue.
_EMPTY_FEED = '<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Publicly Listed Services</title></feed>'


async def answer(
    queues: Mapping[str, Queue],
    key: str,
    begun: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer one request and hang up. `begun` is what of it has been read already."""
    head = (begun + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head.split("\r\n")
    _, target, _ = request.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = urlsplit(target).path.strip("/")
    path = allowed_path(headers.get("authorization", ""), key)
    if path is None or not opens(path, name):
        status, body = "401 Unauthorized", "<Error><Code>401</Code><Detail>invalid signature</Detail></Error>"
    elif name in queues:
        queue = queues[name]
        queue.pass_time()
        status, body = "200 OK", _entry(queue)
    else:
        status, body = "200 OK", _EMPTY_FEED
    content = body.encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/atom+xml;type=entry;charset=utf-8"]
    lines += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode() + content)
    await writer.drain()


def _entry(queue: Queue) -> str:
    return _ENTRY.format(
        name=queue.name,
        lock=queue.lock_duration.total_seconds(),
        dead_letters_expired=str(queue.dead_letters_expired).lower(),
        deliveries=queue.max_delivery_count,
        total=len(queue.messages),
        active=queue.active,
        scheduled=queue.scheduled,
        dead=len(queue.dead.messages) if queue.dead is not None else 0,
    )
