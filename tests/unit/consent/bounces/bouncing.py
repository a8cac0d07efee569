"""What the tests of bounces share: three records, a bounce of a contact, and the service over twins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.consent.bounce_service import BounceService
from shared.domain.consent.bounce_text import Language
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import Bounce, MarketingContact
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.contact_documents import Consent
from shared.engine.bindings.ledger import Ledger
from tests.contract.clocks import ManualClock
from tests.twins import Faults, TwinStore
from tests.twins.consent import TwinBounceTasks

START = datetime(2026, 2, 1, tzinfo=UTC)
ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
LEAD = RecordKey(PersonTable.LEAD, UUID(int=3))
PRINTS = Fingerprinter(b"a key for nothing but tests")
INACTIVE: Mapping[str, bool] = {"EMAIL": False, "SMS": True}


def external_id(number: int) -> str:
    """Ids of ours are GUIDs."""
    return str(UUID(int=0xE000 + number))


def bounce(
    contact: str = external_id(1),
    kind: str = "HARDBOUNCE",
    day: int = 0,
    *,
    email: str = "ann@example.com",
    channels: Mapping[str, bool] = INACTIVE,
    mailing: str = "m-1",
) -> Bounce:
    person = MarketingContact(contact, "enc", {"email": email} if email else {}, channels)
    return Bounce(kind, START + timedelta(days=day), mailing, person)


class World:
    """A service over twins; `use` sets which records use a contact."""

    def __init__(self, *, creates_tasks: bool = True) -> None:
        self.clock = ManualClock(START + timedelta(days=30))
        self.store = TwinStore(Faults())
        self.tasks = TwinBounceTasks()
        self.ledger = Ledger(self.store, self.clock, "test")
        self.service = BounceService(
            store=self.store,
            ledger=self.ledger,
            tasks=self.tasks,
            fingerprints=PRINTS,
            clock=self.clock,
            environment="test",
            creates_tasks=creates_tasks,
            language=Language.ENGLISH,
        )

    async def use(self, contact: str, *keys: RecordKey, consent: Consent = Consent.ALLOWS) -> None:
        held = (await self.ledger.claim([contact]))[contact]
        await self.ledger.release([replace(held, users=dict.fromkeys(keys, consent))])

    async def reason(self, contact: str = external_id(1)) -> Reason | None:
        return (await self.service.reasons([contact])).get(contact)
