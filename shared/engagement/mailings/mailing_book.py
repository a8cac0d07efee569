"""The mailings that a step of work needs, each read once: known ones from the state, others from the platform."""

from collections.abc import Iterable
from dataclasses import replace

from shared.domain.engagement.events import Event
from shared.domain.engagement.interactions import Reading, ReadingRules, read_events
from shared.domain.engagement.mailings import MailingOrigin
from shared.domain.engagement.people import PersonMemory, ReadMailing
from shared.engagement.mailings.known_mailings import KnownMailing, KnownMailings
from shared.engagement.policy import EngagementPolicy
from shared.ports.mailings import Happening, Mailings


class MailingBook:
    """Keeps mailings while one step works. Their number is small: that of the mailings of a year at most."""

    def __init__(self, known: KnownMailings, platform: Mailings, policy: EngagementPolicy) -> None:
        self._known = known
        self._platform = platform
        self._policy = policy
        self._mailings: dict[str, KnownMailing] = {}
        self._unknown: set[str] = set()

    async def recall(self, handles: Iterable[str]) -> None:
        """Read the known ones of these mailings that are not in the book yet; nothing is asked of the platform."""
        wanted = {handle for handle in handles if handle not in self._mailings and handle not in self._unknown}
        if wanted:
            self._mailings |= await self._known.read(wanted)
            self._unknown |= wanted - self._mailings.keys()

    async def load(self, happenings: Iterable[Happening]) -> None:
        """Read the mailings of events; those that are not known yet are asked of the platform. Raises ConnectorErrors.

        What the platform does not have either is a message of an automation; its feed may tell the name.
        """
        names: dict[str, str] = {}
        for one in happenings:
            names[one.mailing] = names.get(one.mailing) or one.name
        await self.recall(names)
        for handle in sorted(names.keys() - self._mailings.keys()):
            await self.save(await self._find(handle) or KnownMailing(handle, origin=MailingOrigin.AUTOMATION))
        automations = [self._mailings[one] for one in names if self._mailings[one].origin is MailingOrigin.AUTOMATION]
        await self.save(*(replace(one, name=names[one.handle]) for one in automations if names[one.handle]))

    def get(self, handle: str) -> KnownMailing | None:
        """Return a mailing of the book."""
        return self._mailings.get(handle)

    async def save(self, *mailings: KnownMailing) -> None:
        """Write mailings, if they differ from what the book has."""
        changed = [one for one in mailings if self._mailings.get(one.handle) != one]
        await self._known.save(*changed)
        self._mailings |= {one.handle: one for one in changed}

    def reader_of(self, memory: PersonMemory, rules: ReadingRules | None = None) -> ReadMailing:
        """Return what reads the events of a person, by the live rules or by others.

        The links of a mailing that is not in the book are unknown.
        """
        applied = rules or self._policy.rules

        def read(handle: str, events: frozenset[Event]) -> Reading:
            mailing = self._mailings.get(handle) or KnownMailing(handle)
            colleagues = memory.suspect_times.get(handle, ())
            return read_events(
                events,
                mailing.links,
                applied,
                kind=mailing.kind,
                origin=mailing.origin,
                colleagues=colleagues,
            )

        return read

    async def _find(self, handle: str) -> KnownMailing | None:
        for origin in (MailingOrigin.BULK, MailingOrigin.CAMPAIGN):
            if (found := await self._platform.details(handle, origin)) is not None:
                return KnownMailing.of(*found)
        return None
