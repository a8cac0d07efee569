"""One change is one trace, whichever message, batch and attempt it travels in; nothing personal is in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind, StatusCode

from shared.dispatch.work import Work
from shared.domain.records.jobs import Operation
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.errors import DataError, Service, TransientError
from shared.messages.lane_messages import Jobs, Permissions, read_lane_message, write_lane_message
from shared.ports.queue import OutgoingMessage, QueueName
from shared.telemetry import calls
from shared.telemetry.outcomes import record_ended
from shared.telemetry.ports import ObservedQueue, traced
from shared.telemetry.signals import CALLS, DEAD_LETTERED, LATENCY, OUTCOMES, record
from shared.telemetry.traces import ATTRIBUTES, change_ended, context_of, current_correlation, phase, work
from tests.connector_twin import ConnectorTwin, person
from tests.telemetry import Telemetry, listening

MARK = "Zaphodqx"
ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))


@pytest.fixture
def heard() -> Iterator[Telemetry]:
    with listening() as telemetry:
        yield telemetry


# ------------------------------------------------------------------------------------------------------------ identity


@given(st.uuids().filter(lambda one: one.int > 0))
def test_the_trace_id_of_a_change_is_its_correlation_id(correlation: UUID) -> None:
    context = context_of(str(correlation))

    assert context is not None
    assert context.trace_id == correlation.int
    assert context.is_valid


@given(st.text())
def test_a_malformed_correlation_id_belongs_to_no_trace(text: str) -> None:
    assert context_of(text) is None


def test_work_for_one_change_is_in_its_trace(heard: Telemetry) -> None:
    change = str(uuid4())
    with work("process sync-live", [change, change, ""], SpanKind.CONSUMER):
        assert current_correlation() == change
        with phase("crm read_people"):
            calls.observe(Service.DATAVERSE, "GET contacts", 200, 0.25)

    assert [span.name for span in heard.trace_of(change)] == [
        "dataverse GET contacts",
        "crm read_people",
        "process sync-live",
    ]
    (request,) = heard.named("dataverse GET contacts")
    assert request.kind is SpanKind.CLIENT
    assert request.end_time is not None
    assert request.start_time is not None
    assert request.end_time - request.start_time == 250_000_000


def test_work_for_several_changes_has_a_trace_of_its_own_with_links_to_theirs(heard: Telemetry) -> None:
    changes = [str(uuid4()) for _ in range(3)]
    with work("process dataverse-events", changes, SpanKind.CONSUMER, count=3):
        own = current_correlation()

    (span,) = heard.named("process dataverse-events")
    assert own not in changes
    assert [link.context.trace_id for link in span.links] == [UUID(change).int for change in changes]


def test_a_record_of_a_batch_ends_in_the_trace_of_its_own_change(heard: Telemetry) -> None:
    first, second = str(uuid4()), str(uuid4())
    with work("process dataverse-events", [first, second], SpanKind.CONSUMER):
        batch = current_correlation()
        for change in (first, second):
            change_ended("record written", change, None, failed=False, record=str(ANN))

    for change in (first, second):
        (span,) = heard.trace_of(change)
        assert span.name == "record written"
        assert [str(UUID(int=link.context.trace_id)) for link in span.links] == [batch]


# ------------------------------------------------------------------------------------------------------------- privacy


def test_the_text_of_an_error_that_may_quote_somebody_is_not_in_a_trace(heard: Telemetry) -> None:
    with pytest.raises(ValueError, match=MARK), phase("crm report"):
        raise ValueError(MARK)
    with pytest.raises(DataError), phase("spotler upsert"):
        raise DataError("Refused", service=Service.SPOTLER, status=400, code="INVALID", detail=MARK)

    assert all(span.status.status_code is StatusCode.ERROR for span in heard.spans)
    assert MARK not in "".join(span.to_json() for span in heard.spans)
    (refused,) = heard.named("spotler upsert")
    assert refused.attributes is not None
    assert (refused.attributes["error"], refused.attributes["recovery"]) == ("DataError", "correct")


@pytest.mark.parametrize(
    "operation", [f"GET contacts?$filter=emailaddress1 eq '{MARK}'", f"GET {MARK}@example.nl/", ""]
)
def test_an_operation_that_is_no_template_is_not_named(heard: Telemetry, operation: str) -> None:
    calls.observe(Service.DATAVERSE, operation, 200, 0.1)

    assert MARK not in "".join(span.to_json() for span in heard.spans)
    assert heard.total(CALLS, operation="other") == 1


def test_spans_and_metrics_have_the_attributes_of_their_tables_only() -> None:
    with pytest.raises(ValueError, match="email"), phase("plan", email=MARK):
        pass
    with pytest.raises(ValueError, match="dimensions"):
        record(CALLS, service="dataverse", operation="GET contacts", status="200", email=MARK)


# --------------------------------------------------------------------------------------------------- through the engine


async def test_a_save_is_followed_from_its_message_to_its_outcome(heard: Telemetry) -> None:
    twin, change = ConnectorTwin(), str(uuid4())
    ann = twin.crm.create(**person())
    saved = twin.clock.now() - timedelta(seconds=3)
    with work("process dataverse-events", [change], SpanKind.CONSUMER):
        await twin.people.handle([Reference(ann, Why.SAVED, change, first_seen=saved)], lane=QueueName.LIVE)

    (ended,) = heard.named("record written")
    assert ended in heard.trace_of(change)
    assert ended.attributes is not None
    assert ended.attributes["record"] == str(ann)
    assert ended.start_time == round(saved.timestamp() * 1e9)
    assert heard.total(OUTCOMES, table="contact", result="written", reason="created", lane="sync-live") == 1
    assert heard.total(LATENCY, table="contact") == 1


async def test_unchanged_records_of_the_bulk_lane_leave_a_count_and_no_span(heard: Telemetry) -> None:
    outcome = Outcome(ANN, Result.UNCHANGED, Reason.AGREED)
    reference = Reference(ANN, Why.RESYNC, str(uuid4()))

    record_ended(outcome, (reference,), QueueName.BULK, datetime.now(UTC))

    assert heard.spans == []
    assert heard.total(OUTCOMES, lane="sync-bulk", result="unchanged") == 1


async def test_a_retry_stays_in_the_trace_of_its_change(heard: Telemetry) -> None:
    """The correlation id travels in the message, so that another process goes on with the same trace."""
    twin, change = ConnectorTwin(), str(uuid4())
    ann = twin.crm.create(**person())
    twin.faults.plan(0, TransientError("down", service=Service.STATE))
    await twin.people.handle([Reference(ann, Why.SAVED, change)], lane=QueueName.LIVE)
    await twin.quiet()

    ends = [span.name for span in heard.trace_of(change)]
    assert ends[-1] == "record written"
    assert "record waiting" in ends


# ---------------------------------------------------------------------------------------------------------------- jobs


def test_jobs_that_are_folded_keep_their_correlation_ids() -> None:
    one, two, three = (UUID(int=number) for number in (1, 2, 3))
    work_at_hand = Work(jobs=[Jobs(jobs=[one], correlation="a"), Jobs(jobs=[two, three], correlation="b")])
    folded = Jobs.of({one: "a", two: "b", three: "b"}, attempt=1)

    assert work_at_hand.correlations == ["a", "b", "b"]
    assert [folded.correlation_of(job) for job in (one, two, three)] == ["a", "b", "b"]
    assert folded.part([two, three]) == Jobs(jobs=[two, three], correlation="b")
    assert read_lane_message(write_lane_message(folded)) == folded


def test_a_message_of_one_change_reads_as_it_always_did() -> None:
    """Instances of the version before must be able to read it."""
    body = write_lane_message(Jobs(jobs=[UUID(int=1)], correlation="a"))

    assert b"correlations" not in body


async def test_each_of_several_jobs_ends_in_the_trace_of_its_own_change(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    changes: dict[UUID, str] = {}
    for number in range(2):
        ann = twin.crm.create(**person(emailaddress1=f"p{number}@example.com"))
        changes[twin.crm.order(Operation.SYNC_CONTACT, ann)] = str(uuid4())
    messages = [Jobs(jobs=[job], correlation=change) for job, change in changes.items()]

    await twin.worker.dispatch(Work(jobs=messages), lane=QueueName.LIVE)

    for change in changes.values():
        assert "record written" in [span.name for span in heard.trace_of(change)]


@pytest.mark.parametrize(("second", "kept"), [("a", "a"), ("b", "")])
async def test_permissions_of_one_change_keep_its_correlation_id_and_of_several_have_none(
    second: str, kept: str
) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.crm.permission_owners = {UUID(int=1): ann}
    messages = [Permissions(permissions=[UUID(int=1)], correlation=one) for one in ("a", second)]

    (owner,) = await twin.worker._owners(messages, QueueName.LIVE)

    assert (owner.key, owner.correlation) == (ann, kept)


# --------------------------------------------------------------------------------------------------------------- ports


async def test_dead_letters_are_counted_by_their_reason(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    queue = ObservedQueue(twin.queue)

    await queue.dead_letter(QueueName.LIVE, b"", reason="gave-up", description="", correlation_id="")
    await queue.send(QueueName.LIVE, [OutgoingMessage(b"x")])
    await queue.send(QueueName.LIVE, [])

    assert heard.total(DEAD_LETTERED, queue="sync-live", reason="gave-up") == 1
    assert [span.name for span in heard.spans] == ["queue dead_letter", "queue send"]


async def test_a_port_behaves_the_same_with_spans_around_it(heard: Telemetry) -> None:
    twin = ConnectorTwin()
    crm = traced(twin.crm, "crm")
    ann = crm.create(**person())

    assert (await crm.read_people([ann])).keys() == {ann}
    assert [span.name for span in heard.spans] == ["crm read_people"]


def test_attributes_are_named_in_one_table() -> None:
    assert not {"url", "email", "name", "path", "query"} & ATTRIBUTES
