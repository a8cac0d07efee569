"""What may remain of a message that dies in its queue."""

from __future__ import annotations

import pytest

from shared.messaging.redaction import redact
from shared.ports import QueueName


def test_nothing_remains_of_what_dataverse_wrote() -> None:
    assert redact(QueueName.EVENTS, b'{"emailaddress1": "ann@example.com"}') == b""


@pytest.mark.parametrize("lane", [QueueName.LIVE, QueueName.BULK])
def test_our_own_messages_remain_because_they_hold_ids_only(lane: QueueName) -> None:
    assert redact(lane, b'{"kind": "jobs"}') == b'{"kind": "jobs"}'
