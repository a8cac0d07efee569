"""Tags and scores of Mail+ (TAG). Their calls are not published: `unpublished`."""

from collections.abc import Sequence

from shared.adapters.spotler.automations import unpublished
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.automations.unpublished import Assumption
from shared.adapters.spotler.rest.external_ids import checked
from shared.adapters.spotler.rest.transport import CallRepetition, SpotlerTransport
from shared.domain.records.jobs import ScoreChange


class SpotlerTagging:
    """Implements the port `Tagging`. The transport belongs to the client, which closes it."""

    def __init__(self, transport: SpotlerTransport, capabilities: Capabilities) -> None:
        self._transport = transport
        self._capabilities = capabilities

    async def create_tag(self, tag: str) -> None:
        """Create a tag without adding it to a contact (TAG-03)."""
        await self._send(unpublished.TAG_CREATE, body={"name": tag})

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Add tags to a contact, in one call; tags that it has already are not changed."""
        if tags:
            await self._send(unpublished.TAGS_ADD, checked(external_id), body={"tags": list(tags)})

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """Remove tags and their scores, with a call for each; absent tags are ignored (TAG-05)."""
        for tag in tags:
            await self._send(unpublished.TAG_REMOVE, checked(external_id), tag)

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        """Set, or increase or decrease by a positive `value`; an absent tag starts at 0 (TAG-07..TAG-09)."""
        await self._send(
            unpublished.SCORE,
            checked(external_id),
            body={"tag": tag, "operation": change.value, "value": value},
            repetition=CallRepetition.HARMLESS if change is ScoreChange.SET else CallRepetition.HARMFUL,
        )

    async def _send(
        self,
        assumption: Assumption,
        *segments: str,
        body: object = None,
        repetition: CallRepetition = CallRepetition.HARMLESS,
    ) -> None:
        await self._capabilities.require(assumption.capability)
        await self._transport.send(assumption.call(*segments, body=body, repetition=repetition))
