"""Consent by job is written to row and ledger, and never overrules a no of the person (PERM-06, FLD-09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.consent.changes import ConsentState
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import ConsentOrder, PersonTable, RecordKey, Reference, Why
from shared.engine.bindings.claim_deadline import TimeBudget, spending
from shared.messages.lane_messages import ReferenceBatch, read_lane_message, references_body
from tests.connector_twin import EVENTS, NEWSLETTER, ConnectorTwin, person, rules
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, run

REFUSED = "[CONSENT_REFUSED]"


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def ask(twin: ConnectorTwin, who: RecordKey, value: str, item: str = "Newsletter") -> tuple[JobStatus, str, str]:
    job = await run(twin, Operation.SET_CONTACT_FIELD, who, parameter_name=f"permissions:{item}", parameter_value=value)
    return end(twin, job)


def row(twin: ConnectorTwin, who: RecordKey, name: str = "Newsletter") -> bool | None:
    return next((one.subscribed for one in twin.crm.people[who].permissions if one.name == name), None)


def is_on(twin: ConnectorTwin, option: str = NEWSLETTER) -> bool:
    return twin.contact_of("ann@example.com").options.get(option, False)


async def ledger(twin: ConnectorTwin, who: RecordKey) -> list[tuple[str, str, str]]:
    """Newest first: subject, answer, source."""
    return [(one.subject, one.new, one.source) for one in await twin.consent.of_record(who)]


async def subscribed(twin: ConnectorTwin) -> RecordKey:
    ann = twin.crm.create(**person())
    twin.crm.permit(ann, Newsletter=True)
    await twin.sync(ann)
    assert is_on(twin)
    twin.clock.advance(timedelta(minutes=1))
    return ann


async def test_a_yes_over_the_person_s_own_no_is_refused_and_nothing_changes(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: False})
    await twin.poll()
    assert row(twin, ann) is False

    status, code, text = await ask(twin, ann, "ja")
    await twin.poll()

    assert (status, code) == (FAILED, REFUSED)
    assert "The person has switched it off in Spotler." in text
    assert (row(twin, ann), is_on(twin)) == (False, False)
    assert (await ledger(twin, ann))[0] == (NEWSLETTER, ConsentState.NO, "spotler-profile")


async def test_a_yes_over_a_no_that_no_poll_has_seen_yet_is_refused(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: False})

    assert (await ask(twin, ann, "ja"))[:2] == (FAILED, REFUSED)

    await twin.poll()
    assert (row(twin, ann), is_on(twin)) == (False, False)


async def test_a_yes_over_a_no_that_a_user_has_entered_is_refused(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)
    twin.crm.permit(ann, Newsletter=False)
    await twin.sync(ann)

    assert (await ask(twin, ann, "ja"))[:2] == (FAILED, REFUSED)
    assert (row(twin, ann), is_on(twin)) == (False, False)


async def test_a_yes_over_a_row_that_was_deleted_is_refused(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)
    twin.crm.people[ann] = replace(twin.crm.people[ann], permissions=())

    assert (await ask(twin, ann, "ja"))[:2] == (FAILED, REFUSED)
    assert row(twin, ann) is None


async def test_a_yes_over_do_not_bulk_email_is_refused(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person(donotbulkemail=True))
    await twin.sync(ann)

    status, code, text = await ask(twin, ann, "ja")

    assert (status, code) == (FAILED, REFUSED)
    assert "does not allow bulk e-mail" in text
    assert row(twin, ann) is None


async def test_a_yes_over_an_opt_out_is_refused(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)
    twin.platform.opt_out(twin.contact_of("ann@example.com"))

    assert (await ask(twin, ann, "ja", "Events"))[:2] == (FAILED, REFUSED)
    assert row(twin, ann, "Events") is None


async def test_a_yes_without_a_refusal_is_a_row_that_is_sent_and_the_ledger_names_the_job(
    twin: ConnectorTwin,
) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.clock.advance(timedelta(minutes=1))

    job = await run(
        twin, Operation.SET_CONTACT_FIELD, ann, parameter_name="permissions:Newsletter", parameter_value="ja"
    )

    assert end(twin, job) == (COMPLETED, "OK", "permissions:Newsletter is on in Dataverse and in Spotler.")
    assert (row(twin, ann), is_on(twin)) == (True, True)
    await twin.poll()
    assert (row(twin, ann), is_on(twin)) == (True, True)
    (change,) = [one for one in await twin.consent.of_record(ann) if one.new is ConsentState.YES]
    assert (change.subject, change.source, change.correlation) == (NEWSLETTER, "job", str(job))


async def test_the_yes_of_a_record_without_a_contact_is_sent_with_its_first_write(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    twin.clock.advance(timedelta(minutes=1))

    assert (await ask(twin, ann, "ja"))[:2] == (COMPLETED, "OK")
    assert (row(twin, ann), is_on(twin)) == (True, True)


async def test_a_no_is_a_row_that_travels_and_another_job_may_take_it_back(twin: ConnectorTwin) -> None:
    ann = await subscribed(twin)

    assert (await ask(twin, ann, "nee"))[:2] == (COMPLETED, "OK")
    assert (row(twin, ann), is_on(twin)) == (False, False)
    assert (await ledger(twin, ann))[0] == (NEWSLETTER, ConsentState.NO, "job")

    twin.clock.advance(timedelta(minutes=1))
    assert (await ask(twin, ann, "ja"))[:2] == (COMPLETED, "OK")
    assert (row(twin, ann), is_on(twin)) == (True, True)
    assert (await ledger(twin, ann))[0] == (NEWSLETTER, ConsentState.YES, "job")


async def test_a_no_for_a_record_that_may_not_be_in_spotler_stands_in_dataverse(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person(donotemail=True))

    assert (await ask(twin, ann, "nee"))[:2] == (COMPLETED, "OK")
    assert row(twin, ann) is False


async def test_jobs_of_one_person_are_done_in_their_order(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.clock.advance(timedelta(minutes=1))
    name = "permissions:Newsletter"
    asked = [("permissions:Events", "ja"), (name, "ja"), (name, "nee")]
    jobs = [
        twin.crm.order(Operation.SET_CONTACT_FIELD, ann, parameter_name=item, parameter_value=value)
        for item, value in asked
    ]

    await twin.run_jobs(*jobs)
    await twin.quiet()

    assert [end(twin, job)[0] for job in jobs] == [COMPLETED] * 3
    assert (row(twin, ann), row(twin, ann, "Events")) == (False, True)
    assert (is_on(twin), is_on(twin, EVENTS)) == (False, True)


async def test_many_jobs_are_put_back_when_the_time_is_over_and_none_is_lost() -> None:
    twin = ConnectorTwin()
    people = [twin.crm.create(**person(emailaddress1=f"person{number}@example.com")) for number in range(150)]
    await twin.sync(*people)
    twin.clock.advance(timedelta(minutes=1))
    asked = {"parameter_name": "permissions:Newsletter", "parameter_value": "ja"}
    jobs = [twin.crm.order(Operation.SET_CONTACT_FIELD, one, **asked) for one in people]

    with spending(TimeBudget(twin.clock, twin.clock.now())):
        await twin.run_jobs(*jobs)
    first = sum(twin.crm.jobs[job].status is COMPLETED for job in jobs)
    await twin.quiet()

    assert first == 100
    assert {end(twin, job)[0] for job in jobs} == {COMPLETED}
    assert all(row(twin, one) for one in people)


async def test_where_only_spotler_gives_permissions_a_job_takes_them_and_gives_none() -> None:
    rows = [
        {"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1")},
        {"spotler": "permissions", **dict.fromkeys(PersonTable, "@map(permissions)"), "direction": "<-"},
    ]
    twin = ConnectorTwin(rules(mapping=read_mapping({"version": 1, "rows": rows})))
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.platform.edit(twin.contact_of("ann@example.com"), options={NEWSLETTER: True})
    await twin.poll()
    assert row(twin, ann) is True
    twin.clock.advance(timedelta(minutes=1))

    assert (await ask(twin, ann, "ja", "Events"))[:2] == (FAILED, REFUSED)
    assert (await ask(twin, ann, "nee"))[:2] == (COMPLETED, "OK")
    assert (row(twin, ann), is_on(twin)) == (False, False)
    assert (await ledger(twin, ann))[0] == (NEWSLETTER, ConsentState.NO, "job")


def test_the_writes_of_a_job_are_recognised_after_a_wait_in_a_queue() -> None:
    order = ConsentOrder(NEWSLETTER, answer=True, job=UUID(int=7))
    reference = Reference(RecordKey(PersonTable.CONTACT, UUID(int=1)), Why.JOB, "c-1", consent=order)

    message = read_lane_message(references_body([reference]))

    assert isinstance(message, ReferenceBatch)
    assert message.unfold() == [reference]
