"""What the tests of access and erasure share: who handles the requests, over twins, and the ids of others."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta
from uuid import UUID

from shared.consent.audit_ledger import ConsentLedger
from shared.consent.erased_consent import ErasedConsent
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.ledger import Ledger
from shared.privacy.person_data import PersonData
from tests.connector_twin import ConnectorTwin
from tests.twins import bodies
from tests.twins.engagement import TwinInteractionRows, TwinScoreRows

LIST, TASK = UUID(int=77), UUID(int=78)
BOB, CAS = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (501, 502))
OWN_REVIEW, SHARED_REVIEW = UUID(int=601), UUID(int=602)


class Office:
    """Handles access and erasure requests."""

    def __init__(self, twin: ConnectorTwin) -> None:
        self.twin = twin
        self.consents = ConsentLedger(twin.store, twin.clock, "test")
        self.erased = ErasedConsent(
            twin.store,
            twin.clock,
            "test",
            consents=self.consents,
            fingerprinter=self._fingerprinter,
            retention=timedelta(days=1096),
        )
        self.data = PersonData(
            store=twin.store,
            ledger=Ledger(twin.store, twin.clock, "test"),
            suppressions=twin.suppressions,
            consents=self.consents,
            erased=self.erased,
            crm=twin.crm,
            interactions=TwinInteractionRows(twin.rows),
            scores=TwinScoreRows(twin.rows),
            queue=twin.queue,
            rules=twin.rules,
            clock=twin.clock,
            environment="test",
        )

    async def _fingerprinter(self):  # type: ignore[no-untyped-def]  # noqa: ANN202  # what its parameter says
        return self.twin.rules.fingerprints

    @property
    def stored(self) -> str:
        """Everything in the state store as one text, packed ids unpacked."""
        packed = [one.body["ids"] for one in self.twin.store.documents.values() if "ids" in one.body]
        return bodies(self.twin.store.documents) + "".join(b64decode(text).hex() for text in packed)


async def erase_in_dataverse(twin: ConnectorTwin, key: RecordKey) -> None:
    twin.crm.delete(key)
    await twin.sync(key)
    await twin.brake.keep(MassChange.ERASURE, [str(key)])
