"""Faults on demand: what networks and busy servers do to clients."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """The kinds of faults. The `…_after` kinds strike after the request took effect, so its outcome is in doubt."""

    THROTTLE_REQUESTS = "throttle_requests"
    THROTTLE_TIME = "throttle_time"
    THROTTLE_CONCURRENCY = "throttle_concurrency"
    UNAVAILABLE = "unavailable"
    RESET = "reset"
    RESET_AFTER = "reset_after"
    TIMEOUT = "timeout"
    TIMEOUT_AFTER = "timeout_after"

    @property
    def takes_effect(self) -> bool:
        """Whether the request takes effect in spite of the fault."""
        return self in {FaultKind.RESET_AFTER, FaultKind.TIMEOUT_AFTER}


class FaultRule(BaseModel):
    """A fault for a share of the requests whose `METHOD path` matches, at most `times` times."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    rate: float = Field(default=1.0, ge=0.0, le=1.0)
    times: int | None = Field(default=None, ge=1)
    match: str = ""
    retry_after: int = Field(default=1, ge=0)


class FaultPlan(BaseModel):
    """Latency in seconds for every request, and the rules; the first rule that matches applies."""

    model_config = ConfigDict(extra="forbid")

    min_latency: float = Field(default=0.0, ge=0.0)
    max_latency: float = Field(default=0.0, ge=0.0)
    rules: list[FaultRule] = []


class Faults:
    """Decides which fault each request gets, repeatably for a given seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self.plan = FaultPlan()
        self._left: dict[int, int] = {}

    def set(self, plan: FaultPlan) -> None:
        """Replace the plan."""
        self.plan = plan
        self._left = {position: rule.times for position, rule in enumerate(plan.rules) if rule.times is not None}

    def latency(self) -> float:
        """Return the latency of the next request in seconds."""
        if self.plan.max_latency <= self.plan.min_latency:
            return self.plan.min_latency
        return self._random.uniform(self.plan.min_latency, self.plan.max_latency)

    def draw(self, method: str, path: str) -> FaultRule | None:
        """Return the fault rule for this request, if any."""
        for position, rule in self._live():
            if not re.search(rule.match, f"{method} {path}") or self._random.random() >= rule.rate:
                continue
            if position in self._left:
                self._left[position] -= 1
            return rule
        return None

    def _live(self) -> Iterable[tuple[int, FaultRule]]:
        return [(n, rule) for n, rule in enumerate(self.plan.rules) if self._left.get(n, 1) > 0]
