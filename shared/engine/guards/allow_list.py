"""Holds calls to the marketing platform back that would change a contact outside the allow-list.

Plans respect the list already (`domain/recovery/allow_list.py`). This guard is for every other call, such as those of
jobs, and for a defect: an address is read before its contact is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.features.automations import AutomationKind, FieldValue, PublishedAutomation, StartResult, StopResult
from shared.domain.mapping.model import EMAIL
from shared.domain.records.jobs import ScoreChange
from shared.domain.records.marketing_contact import (
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    Purge,
    WriteResult,
)
from shared.domain.records.outcomes import Reason
from shared.domain.recovery.allow_list import AllowList
from shared.domain.wording.causes.work_causes import WorkCause
from shared.errors import DataError
from shared.ports.marketing_platform import Audiences, Automations, MarketingPlatform, Tagging


@dataclass(frozen=True, slots=True)
class AllowListGuard:
    """Reads whose contact a call would change."""

    allowed: AllowList
    platform: MarketingPlatform

    async def check(self, *external_ids: str) -> None:
        """Raise DataError unless every contact may be written; one that does not exist changes nobody."""
        for external_id in external_ids:
            contact = await self.platform.contact(external_id)
            if contact is not None and not self.allowed.admits_contact(contact):
                raise _refused()

    async def check_write(self, write: ContactWrite) -> None:
        """Raise DataError unless the contact may be written, by the address of the write, else by its own."""
        email = write.properties.get(EMAIL)
        if not email:
            await self.check(write.external_id)
        elif not self.allowed.admits(str(email)):
            raise _refused()


def _refused() -> DataError:
    return DataError(WorkCause.NOT_ALLOWED(), code=Reason.NOT_ALLOWED)


@dataclass(frozen=True, slots=True)
class AllowListPlatform:
    """Reads everybody, and writes contacts on the list."""

    platform: MarketingPlatform
    guard: AllowListGuard

    async def properties(self) -> PropertyCatalogue:
        """As the port says."""
        return await self.platform.properties()

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        """As the port says; DataError if one of the contacts is not on the list: nothing was written."""
        await self._check_all(contacts)
        return await self.platform.upsert(contacts, purge=purge)

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        """As the port says; DataError if one of the contacts is not on the list: nothing was written."""
        await self._check_all(contacts)
        return await self.platform.insert(contacts)

    async def contact(self, external_id: str) -> MarketingContact | None:
        """As the port says."""
        return await self.platform.contact(external_id)

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        """As the port says."""
        return await self.platform.contact_with_email(email)

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        return await self.platform.anonymize(external_id)

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check_write(contact)
        await self.platform.update(contact, purge=purge)

    async def inactivate(self, external_id: str) -> Ending:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        return await self.platform.inactivate(external_id)

    async def ping(self) -> None:
        """As the port says."""
        await self.platform.ping()

    async def close(self) -> None:
        """As the port says."""
        await self.platform.close()

    async def _check_all(self, contacts: Sequence[ContactWrite]) -> None:
        for one in contacts:
            await self.guard.check_write(one)


@dataclass(frozen=True, slots=True)
class AllowListTagging:
    """Tags contacts on the list. A tag itself is nobody's."""

    tagging: Tagging
    guard: AllowListGuard

    async def create_tag(self, tag: str) -> None:
        """As the port says."""
        await self.tagging.create_tag(tag)

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        await self.tagging.add_tags(external_id, tags)

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        await self.tagging.remove_tags(external_id, tags)

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        await self.tagging.change_score(external_id, tag, change, value)


@dataclass(frozen=True, slots=True)
class AllowListAutomations:
    """Starts and stops automations for contacts on the list."""

    automations: Automations
    guard: AllowListGuard

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        """As the port says."""
        return await self.automations.published(kind)

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartResult:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        return await self.automations.start(kind, code, external_id, fields)

    async def stop(self, kind: AutomationKind, platform_id: str, external_id: str) -> StopResult:
        """As the port says; DataError if the contact is not on the list."""
        await self.guard.check(external_id)
        return await self.automations.stop(kind, platform_id, external_id)

    async def stop_run(self, automation_contact_id: str) -> StopResult:
        """Raise DataError: the id of a run does not show whose it is."""
        del automation_contact_id
        raise _refused()


@dataclass(frozen=True, slots=True)
class AllowListAudiences:
    """Changes audiences by contacts on the list."""

    audiences: Audiences
    guard: AllowListGuard

    async def exists(self, audience: str) -> bool:
        """As the port says."""
        return await self.audiences.exists(audience)

    async def create(self, audience: str, name: str) -> None:
        """As the port says."""
        await self.audiences.create(audience, name)

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """As the port says; DataError if one of the contacts is not on the list: none was added."""
        await self.guard.check(*contacts)
        return await self.audiences.add(audience, contacts)

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        """As the port says; DataError if one of the contacts is not on the list: none was removed."""
        await self.guard.check(*contacts)
        await self.audiences.remove(audience, contacts)
