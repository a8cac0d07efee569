"""What a test may let go wrong, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

SERVER_BUSY = "com.microsoft:server-busy"
RESOURCE_LIMIT_EXCEEDED = "amqp:resource-limit-exceeded"
DETACH_FORCED = "amqp:link:detach-forced"
ENTITY_DISABLED = "com.microsoft:entity-disabled"
LOCK_LOST = "com.microsoft:message-lock-lost"


class Act(Enum):
    """What a client does when the fault strikes."""

    ATTACH = auto()
    SEND = auto()
    SETTLE = auto()
    MANAGE = auto()


class Effect(Enum):
    """How it shows."""

    REFUSED = auto()
    DROPPED_BEFORE = auto()
    DROPPED_AFTER = auto()
    DETACHED_BEFORE = auto()


@dataclass(slots=True)
class Fault:
    """One fault, for the next `times` acts of a kind on the entities that `entity` begins with."""

    act: Act
    effect: Effect
    condition: str = SERVER_BUSY
    entity: str = ""
    times: int = 1

    def strikes(self, act: Act, entity: str) -> bool:
        """Whether it is due, which counts as once."""
        if self.times < 1 or act is not self.act or not entity.startswith(self.entity):
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """Everything that shall go wrong, and what happened so far."""

    planned: list[Fault] = field(default_factory=list)
    counted: dict[tuple[Act, str], int] = field(default_factory=dict)

    def due(self, act: Act, entity: str) -> Fault | None:
        """Return the fault that strikes now."""
        self.counted[act, entity] = self.counted.get((act, entity), 0) + 1
        return next(self._striking(act, entity), None)

    def _striking(self, act: Act, entity: str) -> Iterator[Fault]:
        return (fault for fault in self.planned if fault.strikes(act, entity))
