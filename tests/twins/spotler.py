"""A twin of Spotler, with its duplicate rule: external id first, then e-mail address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from shared.domain.records.marketing_contact import (
    Bounce,
    ContactWrite,
    Ending,
    MarketingContact,
    PropertyCatalogue,
    Purge,
    WriteCode,
    WriteResult,
)
from shared.errors import NotFoundError, TransientError
from tests.contract.clocks import ManualClock
from tests.twins.contacts import TwinContact
from tests.twins.faults import Faults, Twin
from tests.twins.numbers import Numbers


class TwinPlatform(Twin):
    """Spotler. `answers` makes it refuse a contact by its address; `erased` lists what it was told to forget."""

    def __init__(self, catalogue: PropertyCatalogue, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.catalogue = catalogue
        self.contacts: list[TwinContact] = []
        self.answers: dict[str, WriteResult] = {}
        self.erased: list[str] = []
        self.writes: list[ContactWrite] = []
        self.before_write: Callable[[], None] = lambda: None
        self.before_erasure: Callable[[TwinContact], None] = lambda _contact: None
        self.clock = ManualClock()
        self.bounced: list[Bounce] = []
        self._encrypted = Numbers(1)

    # -- what people do in Spotler

    def sign_up(self, email: str, external_id: str = "", **values: Any) -> TwinContact:
        """Fill in a form: a new contact, or one that is active again."""
        contact = next(iter(self.having(email)), None) or self._create(external_id)
        contact.is_inactive = contact.has_bounced = False
        self.edit(contact, email=email, **values)
        return contact

    def edit(self, contact: TwinContact, *, options: dict[str, bool] | None = None, **values: Any) -> None:
        """Change a profile."""
        for name, value in values.items():
            if value in {"", None}:
                contact.values.pop(name, None)
            else:
                contact.values[name] = value
        contact.options.update(options or {})
        self.touch(contact)

    def opt_out(self, contact: TwinContact) -> None:
        """Unsubscribe from everything."""
        contact.is_inactive, contact.has_bounced = True, False
        self.touch(contact)

    def bounce(self, contact: TwinContact, kind: str = "HARDBOUNCE") -> None:
        """Let a mail come back; a hard bounce makes the contact inactive."""
        if kind == "HARDBOUNCE" and not contact.is_inactive:
            contact.is_inactive = contact.has_bounced = True
        self.touch(contact)
        mailing = f"m{next(self._encrypted)}"
        self.bounced.append(Bounce(kind, self.clock.now(), mailing, contact.seen(self.catalogue)))

    def touch(self, contact: TwinContact) -> None:
        contact.last_changed = self.clock.now()

    def _create(self, external_id: str) -> TwinContact:
        now = self.clock.now()
        contact = TwinContact(external_id, encrypted_id=f"e{next(self._encrypted)}", created=now, last_changed=now)
        self.contacts.append(contact)
        return contact

    page_size = 100
    repeated_cursors = 0
    """How many feeds lead back to a page that was read: the client cannot tell what follows (`paging.pages`)."""

    async def updated_contacts(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        if start > end:
            raise ValueError("A feed is read forwards")
        changed = [one for one in self.contacts if one.last_changed and start <= one.last_changed <= end]
        changed.sort(key=lambda one: (one.last_changed, one.encrypted_id))
        for first in range(0, len(changed), self.page_size):
            await self._begin("updates")
            yield [one.seen(self.catalogue) for one in changed[first : first + self.page_size]]
            if self.repeated_cursors and first + self.page_size < len(changed):
                self.repeated_cursors -= 1
                raise TransientError("a list of Spotler leads back to a page that was read")

    async def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        if start > end:
            raise ValueError("A feed is read forwards")
        await self._begin("bounces")
        found = [one for one in self.bounced if one.date and start <= one.date <= end]
        if found:
            yield found

    def find(self, external_id: str) -> TwinContact | None:
        return next((one for one in self.contacts if one.external_id == external_id), None)

    def having(self, email: str) -> list[TwinContact]:
        wanted = email.casefold()  # not by the property `email`: this is asked for every contact of large accounts
        return [one for one in self.contacts if str(one.values.get("email", "")).casefold() == wanted]

    # -- the port

    async def properties(self) -> PropertyCatalogue:
        return self.catalogue  # cached: no call

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        assert 0 < len(contacts) <= 100
        assert len({contact.external_id for contact in contacts}) == len(contacts)
        await self._begin("upsert")
        self.before_write()
        results = {contact.external_id: self._upsert(contact, purge) for contact in contacts}
        await self.faults.pass_by()
        return results

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        assert 0 < len(contacts) <= 100
        assert len({contact.external_id for contact in contacts}) == len(contacts)
        await self._begin("insert")
        results = {contact.external_id: self._insert(contact) for contact in contacts}
        await self.faults.pass_by()
        return results

    def _insert(self, write: ContactWrite) -> WriteResult:
        email = str(write.properties.get("email", "")).casefold()
        if (answer := self.answers.get(email)) is not None and answer.code is WriteCode.PROPERTY_INVALID:
            return answer  # properties are checked before anybody is looked for
        if self.find(write.external_id) is not None or (email and self.having(email)):
            return WriteResult(WriteCode.CONTACT_ALREADY_EXISTS, "contact exists and update is not true")
        if answer is not None:
            return answer
        self.before_write()
        self._create(write.external_id).take(write, Purge.KEEP)
        self.writes.append(write)
        return WriteResult(WriteCode.OK)

    def _upsert(self, write: ContactWrite, purge: Purge) -> WriteResult:
        email = str(write.properties.get("email", "")).casefold()
        known = self.find(write.external_id)
        owner = next(iter(self.having(email)), None) if email else None
        if (answer := self.answers.get(email or (known.email if known else ""))) is not None:
            return answer
        if known is not None and owner is not None and owner is not known:
            return WriteResult(WriteCode.CONTACT_ALREADY_EXISTS, "another contact has this e-mail address")
        contact = known or owner
        if contact is None:
            contact = self._create(write.external_id)
        if contact.is_inactive and contact.email == email:
            code = WriteCode.NO_ACTIVE_CHANNEL if contact.has_bounced else WriteCode.CONTACT_OPTOUT
            return WriteResult(code, "the contact is inactive")
        contact.is_inactive = contact.has_bounced = False
        contact.take(write, purge)
        self.touch(contact)
        self.writes.append(write)
        return WriteResult(WriteCode.OK)

    async def contact(self, external_id: str) -> MarketingContact | None:
        await self._begin("contact")
        one = self.find(external_id)
        return one.seen(self.catalogue) if one else None

    async def contact_with_email(self, email: str) -> MarketingContact | None:
        await self._begin("search")
        found = self.having(email)
        return found[0].seen(self.catalogue) if len(found) == 1 else None

    async def anonymize(self, external_id: str) -> tuple[Ending, int]:
        await self._begin("anonymize")
        one = self.find(external_id)
        if one is not None:
            self.before_erasure(one)
            self.contacts.remove(one)
            self.erased.append(one.email)
        await self.faults.pass_by()
        return (Ending.DONE, 410) if one else (Ending.ABSENT, 404)

    async def update(self, contact: ContactWrite, *, purge: Purge = Purge.KEEP) -> None:
        await self._begin("update")
        if (one := self.find(contact.external_id)) is None:
            raise NotFoundError("Spotler does not know the contact", code="CONTACT_NOT_FOUND")
        one.take(contact, purge)
        self.writes.append(contact)
        self.touch(one)
        await self.faults.pass_by()

    async def inactivate(self, external_id: str) -> Ending:
        await self._begin("inactivate")
        if (one := self.find(external_id)) is None:
            return Ending.ABSENT
        self.opt_out(one)
        return Ending.DONE
