"""Switches of unpublished calls: off for a real account until a check of the connection has proven the call."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.features.capabilities import CAPABILITY_OFF, Capability, CapabilityFinding, CapabilityState
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, Service
from shared.ports.clock import Clock
from shared.ports.state import DocumentKey, Put, StateStore

_LIFETIME = timedelta(minutes=1)
"""The longest time until another process's check is noticed."""


class Capabilities:
    """The capabilities of one account. `assumed` is true for the sandbox, which implements the assumptions."""

    def __init__(
        self,
        store: StateStore,
        clock: Clock,
        environment: str,
        *,
        assumed: bool,
        probe: Callable[[], Awaitable[Sequence[CapabilityFinding]]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-capability"
        self._assumed = assumed
        self._probe = probe
        self._kept: tuple[Mapping[Capability, bool], datetime] | None = None

    async def require(self, capability: Capability) -> None:
        """DataError with CAPABILITY_OFF if the capability must not be used."""
        if not (await self.states())[capability]:
            raise DataError(
                SpotlerCause.CAPABILITY_OFF(capability=capability),
                service=Service.SPOTLER,
                code=CAPABILITY_OFF,
                detail=f"It is not proven that this Spotler account can do what this needs ({capability}). "
                "An administrator can run the connection check: python -m shared check.",
            )

    async def states(self) -> Mapping[Capability, bool]:
        """Return which capabilities are on, at most a minute old."""
        if self._kept is None or self._clock.now() - self._kept[1] >= _LIFETIME:
            documents = await self._store.read([self._key(capability) for capability in Capability])
            bodies = {key.row: document.body for key, document in documents.items()}
            on = {
                capability: bool(bodies[capability]["proven"]) if capability in bodies else self._assumed
                for capability in Capability
            }
            self._kept = (on, self._clock.now())
        return self._kept[0]

    async def check(self) -> Sequence[CapabilityFinding]:
        """Probe the account, store the findings and return them. ConnectorError if the account cannot be used."""
        findings = await self._probe()
        now = self._clock.now().isoformat(timespec="seconds")
        await self._store.write(
            [
                Put(
                    self._key(finding.capability),
                    {
                        "proven": finding.state is CapabilityState.PROVEN,
                        "evidence": finding.evidence,
                        "checkedOn": now,
                    },
                )
                for finding in findings
                if finding.state is not CapabilityState.UNDECIDED
            ]
        )
        self._kept = None
        return findings

    def _key(self, capability: Capability) -> DocumentKey:
        return DocumentKey(self._partition, capability)
