"""A person with a document of every kind, and who handles requests about one."""

from __future__ import annotations

import pytest

from shared.consent.bounce_repository import BounceRepository
from shared.console.access.audit import AuditLog
from shared.console.pages.problems.put_back import PutBackLog
from shared.domain.consent.bounces import BounceKind
from shared.domain.consent.changes import DO_NOT_EMAIL, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.binding import MassChange
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.keeping.row_plan import RowPlan
from shared.errors import DataError
from shared.lists.list_state_repository import ListStateRepository, MemberPresence
from shared.messages.lane_messages import references_body
from shared.ports.engagement import Refused
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, Put
from tests.connector_twin import ConnectorTwin, person
from tests.unit.privacy.office import BOB, CAS, LIST, OWN_REVIEW, SHARED_REVIEW, TASK, Office


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


@pytest.fixture
def office(twin: ConnectorTwin) -> Office:
    return Office(twin)


@pytest.fixture
async def ann(twin: ConnectorTwin) -> RecordKey:
    """A person with a document of every kind, among others."""
    key = twin.crm.create(**person(permissions={"Newsletter": True}, donotbulkemail=True))
    await twin.sync(key)
    external_id, now = str(key.id), twin.clock.now()

    def bounce(note):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return note.__class__(note.external_id, kind=BounceKind.HARD, since=now, last=now, tasks={key: TASK})

    await BounceRepository(twin.store, "test").change([external_id], bounce)
    await twin.brake.keep(MassChange.ERASURE, [str(BOB)])
    address = twin.rules.fingerprints.address("ann@example.com")
    await twin.suppressions.record({address: [AddressRefusal(DO_NOT_EMAIL, now, ConsentSource.DO_NOT_EMAIL, str(key))]})
    for identifier, candidates in ((OWN_REVIEW, [key]), (SHARED_REVIEW, [BOB, key])):
        question = {"contact": "x", "reason": "ambiguous", "text": "", "address": address, "since": "", "given": []}
        body = {**question, "correlation": "c-1", "candidates": [str(one) for one in candidates]}
        await twin.store.write([Put(DocumentKey("test-review", str(identifier)), body)])
    twin.mailings.open(sent := twin.mailings.send([external_id]), external_id)
    await twin.engagement.poll()
    assert {row.record for row in twin.rows.interactions.values()} == {key}
    await RefusedRows(twin.store, "test", twin.clock).note(
        RowPlan(list(twin.rows.interactions.values())),
        [Refused(next(iter(twin.rows.interactions)), DataError("refused", code=sent))],
    )
    colleagues = {"of-acme": {external_id: [5, 900], str(BOB.id): [7]}, "of-others": {str(CAS.id): [8]}}
    await twin.store.write([Put(DocumentKey("test-clicks", f"029000000-{sent}"), colleagues)])
    lists = ListStateRepository(twin.store, "test")
    await twin.store.write([Put(DocumentKey("test-lists", str(LIST)), {"name": "Friends"})])
    await lists.put_page(LIST, "g1", 0, [BOB.id, key.id, CAS.id])
    await lists.put_contacts(LIST, "g1", 0, [external_id, str(BOB.id)], buckets=1)
    await lists.note(LIST, {"g1": 1}, [external_id], MemberPresence.IN)
    await lists.put_left_out(LIST, "g1", "p1", skipped={key: "no-email", CAS: "no-email"}, failed={})
    left_out = {"records": {"skipped/no-email": [str(BOB), str(key)]}}
    await twin.store.write([Put(DocumentKey("test-run", "7"), {}), Put(DocumentKey("test-run-7", "000001"), left_out)])
    await twin.store.write([Put(DocumentKey("test-shadow", str(key)), {"action": "write", "reason": "created"})])
    tally = {"done": 2, "samples": {"city": [str(BOB), str(key)]}}
    await twin.store.write([Put(DocumentKey("test-forecast", "mapping"), {"tally": tally})])
    await AuditLog(twin.store, twin.clock, "test").note("somebody", "operator", "sync-person", str(key))
    for others in ([], [BOB]):
        letter = references_body([Reference(one, Why.SAVED) for one in (key, *others)])
        await twin.queue.dead_letter(QueueName.LIVE, letter, reason="defect", description="", correlation_id="c-2")
    await PutBackLog(twin.store, twin.clock, "test").note(twin.clock.now(), await twin.queue.dead_letters())
    return key
