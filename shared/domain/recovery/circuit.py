"""Stops calls of a lane to a service that fails, and probes whether it works again (the circuit breaker pattern).

A circuit belongs to one service and one lane. It opens when the service asks for a pause, is down, or refuses the
connector itself. While it is open, the lane handles nothing, and nothing counts as an attempt. After the pause, one
message is handled as a probe: on success the circuit closes, otherwise the next pause is twice as long.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from shared.domain.wording.errors import cause_of
from shared.errors import ConfigurationError, ConnectorError, Service, ThrottledError, TransientError

SERVICES = (Service.DATAVERSE, Service.SPOTLER)
"""Services with circuits. Without state store or queue nothing can be put off; the host keeps the messages."""

_DISTINCT = 3
"""Records that fail, while none succeeds, before a service counts as down: one or two may be at fault themselves."""

_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=5)

PROBE_TIME = timedelta(minutes=2)
"""How long a probe may take; the worker that makes it may die."""


class Cause(StrEnum):
    """Why a circuit is open."""

    THROTTLED = "throttled"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Trouble:
    """The failure of a service. `asked` is the requested pause; `text`, a phrase, is safe to log."""

    cause: Cause
    text: str
    asked: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Circuit:
    """An open circuit: nothing is asked until `until`; a probe that is under way may take until `probing_until`."""

    trouble: Trouble
    opened: datetime
    pause: timedelta
    until: datetime
    probing_until: datetime | None = None

    def waits_until(self, now: datetime) -> datetime | None:
        """Return until when nothing may be asked; None if a probe is due."""
        if now < self.until:
            return self.until
        if self.probing_until is not None and now < self.probing_until:
            return self.probing_until
        return None


def opened(trouble: Trouble, now: datetime) -> Circuit:
    """Open a circuit."""
    pause = max(_FIRST, trouble.asked)
    return Circuit(trouble, now, pause, now + pause)


def probing(circuit: Circuit, now: datetime) -> Circuit:
    """Note that a probe is under way."""
    return replace(circuit, probing_until=now + PROBE_TIME)


def reopened(circuit: Circuit, trouble: Trouble, now: datetime) -> Circuit:
    """Wait again after a probe that failed: twice as long, at least as long as was asked for."""
    pause = max(min(circuit.pause * 2, _LONGEST), trouble.asked)
    return replace(circuit, trouble=trouble, pause=pause, until=now + pause, probing_until=None)


def trouble_of(error: ConnectorError) -> Trouble | None:
    """Return what an error means for a service as a whole; None if it concerns a record or the connector's own work."""
    match error:
        case ThrottledError():
            return Trouble(Cause.THROTTLED, cause_of(error), error.retry_after)
        case ConfigurationError():
            return Trouble(Cause.REFUSED, cause_of(error))
        case TransientError():
            return Trouble(Cause.DOWN, cause_of(error))
        case _:
            return None


def failing(errors: Mapping[str, ConnectorError], service: Service) -> dict[str, Trouble]:
    """Name the records and messages that a service failed, each with its trouble."""
    return {
        key: trouble
        for key, error in errors.items()
        if error.service is service and (trouble := trouble_of(error)) is not None
    }


def opens(errors: Mapping[str, ConnectorError], troubled: Collection[str], service: Service) -> Trouble | None:
    """Decide whether a circuit opens, after the `errors` of one call; `troubled` are all failures since a success.

    A requested pause and refused credentials concern all records. Other errors may concern a single record, until
    several records have failed and none has succeeded.
    """
    found = failing(errors, service)
    for key, trouble in found.items():
        if trouble.cause is Cause.THROTTLED or errors[key].status == HTTPStatus.UNAUTHORIZED:
            return trouble
    return next(iter(found.values())) if found and len(troubled) >= _DISTINCT else None
