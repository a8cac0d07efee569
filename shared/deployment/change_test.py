"""The test change after a deployment: one message through all parts, and what its end means.

Through Dataverse it is a Spotler Job *Refresh Automations*, which a timer does anyway: it travels from Dataverse over
the service endpoint and the queue to the app, to Spotler and back, and concerns no person. Without Dataverse it is the
resync of a record that does not exist: the app puts it into a lane, takes it out again and finds nothing to do.
"""

from dataclasses import dataclass
from enum import Enum
from uuid import uuid4

from shared.deployment.command_line.azure import Azure
from shared.deployment.request import Installation
from shared.deployment.web import Access, Web

PAUSE, LONGEST = 10.0, 300.0
"""Seconds between two looks, and until the test change is given up: a new trigger may take minutes to be found."""


class ChangeEnd(Enum):
    """How a test change ended."""

    DONE = "done"
    REFUSED = "refused"
    NOT_TAKEN = "not-taken"
    NOT_ENDED = "not-ended"
    NOT_SENT = "not-sent"


class Way(Enum):
    """Which way it went."""

    DATAVERSE = "dataverse"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class ChangeTest:
    """A test change that was sent. `code` is the result code of a job that failed."""

    way: Way
    end: ChangeEnd
    code: str = ""

    @property
    def is_well(self) -> bool:
        """Whether all parts did what they should."""
        return self.end is ChangeEnd.DONE


_NOT_ENDED = "The app took the test change and has not ended it: look at GET /api/health and at the log stream of {app}"
_TEXTS = {
    (Way.DATAVERSE, ChangeEnd.DONE): "The test change went through: Dataverse, queue, app, Spotler and back",
    (Way.DATAVERSE, ChangeEnd.REFUSED): (
        "The test change reached the app, which ended it with {code}: docs/errors.md says what to do, and the Spotler "
        "Job of the name Deployment test has the text"
    ),
    (Way.DATAVERSE, ChangeEnd.NOT_TAKEN): (
        "The test change did not reach the app: look at System Jobs in Dataverse, which name a refused key, "
        "then at the queue {queue} of {namespace}; if the message is in the queue, look at the log stream of {app}"
    ),
    (Way.DATAVERSE, ChangeEnd.NOT_ENDED): _NOT_ENDED,
    (Way.QUEUE, ChangeEnd.DONE): (
        "The test message went through: app, queue, app. Save a record in Dataverse to test that side"
    ),
    (Way.QUEUE, ChangeEnd.NOT_TAKEN): (
        "The test message stays in the queue sync-live: the app does not receive; look at the log stream of {app}"
    ),
    (Way.QUEUE, ChangeEnd.NOT_SENT): (
        "No test message was sent, because the app did not accept it: synchronisation is switched off (SYNC_ENABLED, "
        "SYNC_TABLES), or the log stream of {app} says why"
    ),
}


def outcome(test: ChangeTest, installation: Installation) -> str:
    """Return how a test change ended, with what to do unless it is well."""
    place = {"app": installation.app, "queue": installation.queue, "namespace": installation.namespace}
    return _TEXTS[test.way, test.end].format(code=test.code or "no code", **place)


def try_queue(azure: Azure, installation: Installation, web: Web, access: Access) -> ChangeTest:
    """Let the app send a message to itself over its live lane, and wait until it has been taken."""
    tables = web.health(installation.host, access).tables
    if not tables or not web.resync(installation.host, access, tables[0], uuid4()):
        return ChangeTest(Way.QUEUE, ChangeEnd.NOT_SENT)
    passed = 0.0
    while passed < LONGEST:
        azure.wait(PAUSE)
        passed += PAUSE
        lane = web.health(installation.host, access).live
        if lane is not None and (lane.active == 0 or lane.oldest_seconds < passed - PAUSE):
            return ChangeTest(Way.QUEUE, ChangeEnd.DONE)
    return ChangeTest(Way.QUEUE, ChangeEnd.NOT_TAKEN)
