"""What the tests of sign-ups against refusals share: a connector that imports, and a record that refuses mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.consent.audit_ledger import ConsentLedger
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.refusals.mail_refusals import MailRefusals
from shared.inbound.reviews import Review, ReviewReason, Reviews
from shared.inbound.subscriber_import import ImportPolicy, SubscriberImport
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person
from tests.twins.subscriber_import import TwinNewRecords

LEAD = PersonTable.LEAD
ANN = "ann@example.com"
FLAGS = ["donotemail", "donotbulkemail"]


class World:
    """A connector that imports new subscribers, in memory."""

    def __init__(
        self, target: ImportTarget = ImportTarget.CONTACT, match: tuple[str, ...] = (), email: str = "->"
    ) -> None:
        rows: list[dict[str, Any]] = [
            {"spotler": "email", "contact": "emailaddress1", "lead": "emailaddress1", "direction": email},
            {"spotler": "firstName", "contact": "firstname", "lead": "firstname", "direction": "<->"},
            {
                "spotler": "permissions",
                "contact": "@map(permissions)",
                "lead": "@map(permissions)",
                "direction": "<->",
            },
        ]
        self.rules = replace(RULES, mapping=read_mapping({"version": 1, "rows": rows}))
        self.twin = twin = ConnectorTwin(self.rules)
        self.consent = ConsentLedger(twin.store, twin.clock, "test")
        refusals = MailRefusals(
            writebacks=twin.writebacks,
            platform=twin.platform,
            ledger=twin.ledger,
            consents=self.consent,
            rules=self.rules,
            clock=twin.clock,
        )
        self.reviews = Reviews(
            store=twin.store,
            crm=twin.crm,
            lanes=twin.lanes,
            refusals=refusals,
            rules=self.rules,
            clock=twin.clock,
            environment="test",
        )
        twin.new_subscribers = SubscriberImport(  # type: ignore[assignment]
            records=TwinNewRecords(twin.crm),
            writebacks=twin.writebacks,
            crm=twin.crm,
            platform=twin.platform,
            reviews=self.reviews,
            refusals=refusals,
            rules=self.rules,
            import_policy=ImportPolicy(target, match),
        )
        twin.worker = twin.start_worker()

    async def sign_up(self, email: str = ANN, **values: Any) -> None:
        self.twin.platform.sign_up(email, options={NEWSLETTER: True}, **values)
        await self.twin.poll()

    async def review(self) -> Review:
        (review,) = (await self.reviews.page()).reviews
        return review

    async def are_asked(self) -> list[ReviewReason]:
        return [one.reason for one in (await self.reviews.page()).reviews]

    def flag(self, key: RecordKey, name: str) -> bool:
        return bool(self.twin.crm.people[key].values.get(name))


async def refusing(flag: str, **values: Any) -> tuple[World, RecordKey]:
    """A record that refuses mail, without a contact; then the person signs up by form."""
    world = World()
    ann = world.twin.crm.create(**person(**{flag: True}, **values))
    await world.sign_up()
    return world, ann
