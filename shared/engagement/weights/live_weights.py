"""The weights that are live in this process: looked at again at the begin of each step of work."""

import logging

from shared.domain.engagement.weights import Preset, Weights, read_weights
from shared.engagement.policy import EngagementPolicy
from shared.engagement.weights.versions import WeightsVersions

log = logging.getLogger(__name__)


class LiveWeights:
    """Keeps the policy's weights equal to those of the live version."""

    def __init__(self, versions: WeightsVersions, policy: EngagementPolicy, preset: Preset) -> None:
        self._versions = versions
        self._policy = policy
        self._preset = preset
        self._etag = ""

    @property
    def preset(self) -> Preset:
        """The preset that the settings choose."""
        return self._preset

    def chosen(self, text: str) -> Weights:
        """Read a file, and return the weights of the preset; ValueError names what is wrong."""
        return read_weights(text)[self._preset]

    async def refresh(self) -> None:
        """Read the live version, if it is another one. A file that this release cannot read changes nothing."""
        live = await self._versions.live()
        if live is None or live.etag == self._etag:
            return
        try:
            self._policy.scoring.weights = self.chosen(live.text)
        except ValueError as error:
            log.warning("version %d of the weights cannot be read by this release: %s", live.number, error)
        self._etag = live.etag
