"""A fresh account with contact `c1`, who is in the campaign with a message `CmlCartFirst`."""

from __future__ import annotations

import pytest

from tests.spotler_sandbox.cases.calls import TRIGGER, send
from tests.spotler_sandbox.session import Sandbox, Spotler


@pytest.fixture
def spotler(sandbox: Sandbox) -> Spotler:
    spotler = sandbox.open()
    spotler.prefix = "/integrationservice-1.1.0"
    spotler.write("c1", email="c1@example.com")
    assert send(spotler, f"POST {TRIGGER}", {"externalContactId": "c1"}).status_code == 204
    return spotler
