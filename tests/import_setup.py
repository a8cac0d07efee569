"""The import of new subscribers over twins, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.consent.audit_ledger import ConsentLedger
from shared.domain.features.subscriber_import import ImportOutcome, ImportResult, ImportTarget
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    SetEntry,
    SetOption,
)
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.inbound.reviews import ReviewReason, Reviews
from shared.inbound.subscriber_import import ImportPolicy, SubscriberImport
from shared.messages.lane_messages import Lanes
from tests.contract.clocks import ManualClock
from tests.twins import TwinCrm, TwinPlatform, TwinQueue, TwinStore
from tests.twins.subscriber_import import TwinNewRecords
from tests.twins.write_back import TwinWritebacks

OFFERS = SetEntry(2, "Offers")
CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        PropertyDefinition("firstName", "First name", PropertyType.STRING),
        PropertyDefinition("lastName", "Last name", PropertyType.STRING),
        PropertyDefinition("phoneNumber", "Phone", PropertyType.STRING),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("foreignPostalCode", "Foreign post code", PropertyType.STRING),
        PropertyDefinition(
            "permissions", "Permissions", PropertyType.SET, (SetEntry(1, "News"), SetEntry(2, "Offers"))
        ),
    )
)
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "entityTable": "new_membershipentry",
    "rows": [
        {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1"},
        {"spotler": "email2", "entity": "new_email", "direction": "<-"},
        {
            "spotler": "firstName",
            "contact": "firstname",
            "lead": "firstname",
            "entity": "new_name",
            "direction": "<->",
        },
        {"spotler": "lastName", "contact": "lastname", "lead": "lastname", "direction": "<->"},
        {"spotler": "phoneNumber", "contact": "telephone1", "lead": "telephone1"},
        {
            "spotler": "postalCode",
            "contact": "address1_postalcode",
            "direction": "<-",
            "foreign": "foreignPostalCode",
        },
        {"spotler": "permissions", "contact": "@map(permissions)", "direction": "<->"},
        {"spotler": "$value:Website", "contact": "new_source", "entity": "new_channel", "direction": "<-"},
    ],
}
MAPPING = read_mapping(DOCUMENT)


def new_subscriber(number: int, email: str = "", external_id: str = "", **properties: Any) -> MarketingContact:
    address = email or f"new{number}@example.com"
    options = properties.pop("permissions", None)
    values = {"email": address, **properties}
    if options is not None:
        values["permissions"] = tuple(SetOption(bit, enabled=on) for bit, on in options.items())
    return MarketingContact(external_id, f"encrypted{number}", values)


@dataclass
class ImportSetup:
    """The import of new subscribers over twins."""

    target: ImportTarget = ImportTarget.CONTACT
    match: tuple[str, ...] = ()
    document: dict[str, Any] = field(default_factory=lambda: DOCUMENT)
    tables: frozenset[PersonTable] = frozenset(PersonTable)

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.crm = TwinCrm()
        self.records = TwinNewRecords(self.crm)
        self.writebacks = TwinWritebacks(self.crm)
        self.platform = TwinPlatform(CATALOGUE)
        self.store = TwinStore()
        self.queue = TwinQueue(self.clock)
        rules = Rules(read_mapping(self.document), Fingerprinter(b"k" * 16), enabled_tables=self.tables)
        self.ledger = Ledger(self.store, self.clock, "t")
        self.consent = ConsentLedger(self.store, self.clock, "t")
        refusals = MailRefusals(
            writebacks=self.writebacks,
            platform=self.platform,
            ledger=self.ledger,
            consents=self.consent,
            rules=rules,
            clock=self.clock,
        )
        self.reviews = Reviews(
            store=self.store,
            crm=self.crm,
            lanes=Lanes(self.queue),
            refusals=refusals,
            rules=rules,
            clock=self.clock,
            environment="t",
        )
        self.new_subscribers = SubscriberImport(
            records=self.records,
            writebacks=self.writebacks,
            crm=self.crm,
            platform=self.platform,
            reviews=self.reviews,
            refusals=refusals,
            rules=rules,
            import_policy=ImportPolicy(self.target, self.match),
        )

    def share_faults(self) -> None:
        """Let the store fail at the same moments as Dataverse."""
        self.store.faults = self.crm.faults

    async def import_page(self, *contacts: MarketingContact) -> list[ImportResult]:
        return list(await self.new_subscribers.import_page(contacts, correlation="poll-1"))

    async def outcomes(self, *contacts: MarketingContact) -> list[ImportOutcome]:
        return [one.outcome for one in await self.import_page(*contacts)]

    def person(self, key: RecordKey | None) -> PersonRecord:
        assert key is not None
        return self.crm.people[key]

    async def open_reviews(self) -> list[tuple[ReviewReason, tuple[RecordKey, ...]]]:
        return [(one.reason, one.candidates) for one in (await self.reviews.page()).reviews]
