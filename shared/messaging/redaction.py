"""What may remain of a message that dies in its queue: what the connector wrote, nothing that Dataverse wrote."""

from __future__ import annotations

from shared.ports import QueueName


def redact(queue: QueueName, body: bytes) -> bytes:
    """Return a body without personal data. Dataverse's event bodies hold whole records; lane messages only ids."""
    match queue:
        case QueueName.EVENTS:
            return b""
        case QueueName.LIVE | QueueName.BULK:
            return body
