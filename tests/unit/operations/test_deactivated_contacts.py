"""Deactivate Contact ends mail at a contact, and nobody has opted out by it (JOB-12, C-15, P-02)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.consent.changes import OPT_OUT
from shared.domain.planning.binding import MailStatus
from shared.domain.records.jobs import Operation
from shared.domain.records.marketing_contact import Ending
from shared.domain.records.records import PersonTable, RecordKey, StatusRow, SyncStatus
from shared.errors import Service, TransientError
from tests.connector_twin import ConnectorTwin, person
from tests.twins import TwinContact
from tests.unit.operations.job_acts import COMPLETED, end, run

HOUR = timedelta(hours=1)
ANN = "ann@example.com"


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


async def poll(twin: ConnectorTwin) -> None:
    await twin.poll()
    await twin.quiet()


async def synchronised(twin: ConnectorTwin) -> RecordKey:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    return ann


async def deactivated(twin: ConnectorTwin) -> RecordKey:
    """Ann, whose Spotler contact a job has made inactive, after the next poll."""
    ann = await synchronised(twin)
    await run(twin, Operation.DEACTIVATE_CONTACT, ann)
    await poll(twin)
    return ann


def activate(twin: ConnectorTwin) -> TwinContact:
    """A colleague makes Ann active in Spotler, an hour later."""
    twin.clock.advance(HOUR)
    contact = twin.contact_of(ANN)
    contact.is_inactive = False
    twin.platform.touch(contact)
    return contact


def status_of(twin: ConnectorTwin, key: RecordKey) -> StatusRow:
    status = twin.crm.people[key].status
    assert status is not None
    return status


def is_called_opted_out(twin: ConnectorTwin, key: RecordKey) -> bool:
    has_refused = bool(twin.crm.people[key].values.get("donotbulkemail"))
    assert has_refused is (status_of(twin, key).status is SyncStatus.OPT_OUT)
    return has_refused


async def refused_at(twin: ConnectorTwin, email: str) -> frozenset[str]:
    address = twin.rules.fingerprints.address(email)
    return frozenset((await twin.suppressions.at([address]))[address].subjects)


async def test_c_15_a_contact_that_a_job_deactivated_is_not_reported_as_opted_out(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)

    assert (status_of(twin, ann).status, status_of(twin, ann).reason_code) == (SyncStatus.SUCCEEDED, "deactivated")
    assert "Deactivate Contact job" in status_of(twin, ann).reason
    assert not is_called_opted_out(twin, ann)
    assert OPT_OUT not in await refused_at(twin, ANN)
    assert (await twin.ledger.entries([ann]))[ann].binding.mail_status is MailStatus.DEACTIVATED


async def test_a_deactivated_contact_stays_deactivated_however_often_it_is_processed(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)
    for _ in range(3):
        twin.clock.advance(timedelta(days=1))
        twin.crm.edit(ann, firstname="Anna")
        await twin.sync(ann)
        await poll(twin)

    assert status_of(twin, ann).reason_code == "deactivated"
    assert not is_called_opted_out(twin, ann)


async def test_c_15_no_later_save_opens_the_contact(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)
    twin.crm.edit(ann, firstname="Anna", emailaddress1="anna@example.com")
    await twin.sync(ann)

    (contact,) = twin.platform.contacts
    assert contact.is_inactive
    assert (contact.email, contact.values["firstName"]) == (ANN, "Ann")


async def test_another_record_with_the_address_is_told_the_same(twin: ConnectorTwin) -> None:
    await deactivated(twin)
    lead = twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(lead)

    assert status_of(twin, lead).reason_code == "deactivated"
    assert not is_called_opted_out(twin, lead)
    assert len(twin.platform.contacts) == 1


async def test_an_erased_record_leaves_no_opt_out_behind(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)
    twin.crm.delete(ann)
    await twin.sync(ann)
    new = await synchronised(twin)

    assert OPT_OUT not in await refused_at(twin, ANN)
    assert status_of(twin, new).reason_code == "created"


async def test_p_02_whom_a_colleague_makes_active_in_spotler_is_synchronised_again(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)
    twin.crm.edit(ann, firstname="Anna")
    activate(twin)
    await poll(twin)

    assert twin.contact_of(ANN).values["firstName"] == "Anna"
    assert status_of(twin, ann).status is SyncStatus.SUCCEEDED
    assert status_of(twin, ann).reason_code != "deactivated"


async def test_an_opt_out_after_a_reactivation_counts(twin: ConnectorTwin) -> None:
    ann = await deactivated(twin)
    contact = activate(twin)
    await poll(twin)
    twin.clock.advance(HOUR)
    twin.platform.opt_out(contact)
    await poll(twin)

    assert is_called_opted_out(twin, ann)
    assert OPT_OUT in await refused_at(twin, ANN)


async def test_a_person_who_opted_out_before_the_job_stays_opted_out(twin: ConnectorTwin) -> None:
    ann = await synchronised(twin)
    twin.platform.opt_out(twin.contact_of(ANN))  # no poll has told of it yet
    job = await run(twin, Operation.DEACTIVATE_CONTACT, ann)
    await poll(twin)

    assert end(twin, job)[0] is COMPLETED
    assert is_called_opted_out(twin, ann)


async def test_a_deactivated_contact_that_changed_much_later_is_taken_for_an_opt_out(twin: ConnectorTwin) -> None:
    """An unsubscribe link of an older mail leaves the same trace as a colleague's edit."""
    ann = await deactivated(twin)
    twin.clock.advance(HOUR)
    twin.platform.opt_out(twin.contact_of(ANN))
    await run(twin, Operation.SYNC_CONTACT, ann)
    await twin.quiet()

    assert is_called_opted_out(twin, ann)


async def test_a_job_whose_answer_was_lost_knows_what_it_may_have_done(
    twin: ConnectorTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await synchronised(twin)
    inactivate = twin.platform.inactivate
    answers = iter([TransientError("no answer", service=Service.SPOTLER)])

    async def lose_the_first_answer(external_id: str) -> Ending:
        ending = await inactivate(external_id)
        if (error := next(answers, None)) is not None:
            raise error
        return ending

    monkeypatch.setattr(twin.platform, "inactivate", lose_the_first_answer)
    job = await run(twin, Operation.DEACTIVATE_CONTACT, ann)
    await twin.quiet()
    await poll(twin)

    assert end(twin, job)[0] is COMPLETED
    assert status_of(twin, ann).reason_code == "deactivated"
    assert not is_called_opted_out(twin, ann)


async def test_a_contact_that_a_worker_died_with_is_deactivated_when_its_claim_is_over(twin: ConnectorTwin) -> None:
    ann = await synchronised(twin)
    contact = (await twin.ledger.entries([ann]))[ann].binding.external_id
    await twin.ledger.claim([contact])
    began = twin.clock.now()
    job = await run(twin, Operation.DEACTIVATE_CONTACT, ann)
    await poll(twin)

    assert end(twin, job)[0] is COMPLETED
    assert twin.clock.now() - began >= twin.ledger.claim_time
    assert twin.contact_of(ANN).is_inactive
    assert status_of(twin, ann).reason_code == "deactivated"
