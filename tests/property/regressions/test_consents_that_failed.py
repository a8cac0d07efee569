"""Histories in which a consent, a default or an opt-out once went wrong, as short as they could be made."""

from __future__ import annotations

import pytest

from shared.domain.records.records import SyncStatus
from shared.errors import TransientError
from tests.histories.telling import ANN, BEN, CAS, CONTACT, LEAD, begin, options, save
from tests.property.histories.test_two_way_histories import TwinHistories
from tests.twins import CrashError


def test_c_15_a_new_address_opens_no_contact_whose_owner_opted_out(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS, LEAD, newsletter=True)
    history.deliver(reverse=False, size=3)
    history.change_address(pick=0, address=BEN)
    history.opt_out(pick=0)


def test_a_default_does_not_overrule_what_a_form_said_a_moment_before(history: TwinHistories) -> None:
    begin(history, newsletter=True, offers=True)
    save(history, BEN)
    history.sign_up(address=BEN, newsletter=False)
    history.settle()
    assert not options(history, BEN)["permissions:1"]


def test_a_default_does_not_overrule_the_no_of_another_record(history: TwinHistories) -> None:
    begin(history)
    save(history, BEN, newsletter=True, full=True)
    history.permit(pick=0, name="permissions:8", on=False)
    history.default(newsletter=False, offers=True)
    save(history, BEN, newsletter=False, full=True)
    history.settle()
    assert not options(history, BEN)["permissions:8"]


def test_a_successor_keeps_the_consents_of_its_lead_and_the_ledger_tells_of_them(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, LEAD, newsletter=True)
    history.settle()
    history.qualify(pick=0, address=None)
    history.settle()
    contact = history.contact_of(history.of(CONTACT)[0])
    assert contact is not None
    assert contact.options["permissions:1"]


def test_a_record_that_joins_a_contact_withdraws_no_permission_for_lack_of_rows(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, newsletter=True)
    history.settle()
    save(history, ANN, LEAD)
    history.settle()
    assert options(history, ANN)["permissions:1"]


def test_an_opted_out_contact_is_not_erased_while_another_record_has_its_address(history: TwinHistories) -> None:
    begin(history, newsletter=True, offers=True)
    save(history, BEN, LEAD)
    history.settle()
    history.deactivate(pick=0)
    save(history, BEN, full=True)
    history.settle()
    history.change_address(address=None, pick=history.records().index(history.of(CONTACT)[0]))
    history.activate(pick=0)
    history.opt_out(pick=0)


def test_opt_08_an_erasure_does_not_end_an_opt_out(history: TwinHistories) -> None:
    begin(history)
    save(history, BEN)
    history.settle()
    history.opt_out(pick=0)
    history.settle()
    history.deactivate(pick=0)
    history.settle()
    history.activate(pick=0)
    history.settle()
    assert history.world.profile(BEN) is None


@pytest.mark.parametrize("moment", range(4, 24))
def test_a_contact_that_a_dead_worker_made_is_not_left_if_its_owner_opted_out(
    history: TwinHistories, moment: int
) -> None:
    begin(history)
    save(history, CAS, LEAD)
    history.plan_failure(moment=moment, failure=CrashError())
    history.deliver(reverse=False, size=1)
    had_opted_out = bool(history.reachable())
    if had_opted_out:
        history.opt_out(pick=0)
    save(history, CAS)
    history.deliver(reverse=True, size=1)
    history.settle()
    assert bool(history.reachable()) is not had_opted_out


def test_a_deleted_row_of_a_default_stays_deleted(history: TwinHistories) -> None:
    begin(history, newsletter=True)
    save(history, ANN)
    history.settle()
    history.remove_row(pick=0, name="permissions:1")
    history.settle()
    history.change_profile(pick=0, name="city", blank=False)
    history.settle()
    (record,) = history.world.people().values()
    assert [row.name for row in record.permissions] == ["Offers"]


def test_an_opt_out_is_told_on_the_record_even_if_the_poll_dies_after_it_was_remembered(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.deliver(reverse=True, size=3)
    for moment in range(38):
        history.opt_out(pick=0)
        history.plan_failure(moment=moment, failure=CrashError())
        history.poll(size=0)
        history.settle()
        history.sign_up(address=ANN, newsletter=None)
        history.settle()


def test_the_address_of_an_opted_out_contact_that_a_dead_worker_made_is_known(history: TwinHistories) -> None:
    begin(history, newsletter=False)
    history.take_in()
    save(history, CAS, LEAD, full=True)
    history.plan_failure(moment=28, failure=CrashError())
    history.poll(size=1)
    history.qualify(pick=0, address=None)
    history.opt_out(pick=0)
    history.settle()
    history.change_address(address=None, pick=0)
    history.activate(pick=0)


def test_a_record_that_comes_back_without_a_permission_gets_none_from_a_later_record(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, BEN, LEAD, newsletter=True)
    history.settle()
    history.opt_out(pick=0)
    save(history, BEN, newsletter=True)
    history.settle()
    history.sign_up(address=BEN, newsletter=False)
    history.settle()
    assert not options(history, BEN)["permissions:1"]


def test_a_permission_withdrawn_in_spotler_does_not_return_with_bulk_mail(history: TwinHistories) -> None:
    begin(history)
    save(history, BEN, newsletter=True)
    history.settle()
    history.change_permission(pick=0, name="permissions:1", on=False)
    history.set_preference(pick=0, column="donotbulkemail", value=True)
    history.deliver(reverse=False, size=1)
    history.settle()
    history.set_preference(pick=0, column="donotbulkemail", value=False)
    history.settle()
    assert not options(history, BEN)["permissions:1"]


def test_a_person_who_opted_out_and_moved_does_not_come_back_with_the_old_address(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.opt_out(pick=0)
    history.change_address(pick=0, address=CAS)
    history.settle()
    history.sign_up(address=ANN, newsletter=None)
    history.settle()
    (record,) = history.world.people().values()
    assert record.status is not None
    assert record.status.status is SyncStatus.OPT_OUT
    save(history, CAS, newsletter=True)
    history.settle()
    assert not options(history, CAS)["permissions:1"]  # somebody with this address refuses bulk mail


def test_an_opt_out_comes_back_when_the_record_has_the_address_again(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.opt_out(pick=0)
    history.change_address(pick=0, address=CAS)
    history.settle()
    history.sign_up(address=ANN, newsletter=None)
    history.settle()
    history.change_address(pick=0, address=ANN)
    history.settle()
    (record,) = history.world.people().values()
    assert record.status is not None
    assert record.status.status is SyncStatus.SUCCEEDED


def test_a_yes_that_is_told_again_after_an_erasure_is_in_the_consent_ledger_again(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.anonymize(pick=0)
    history.deactivate(pick=0)
    history.deliver(reverse=False, size=1)
    history.plan_failure(failure=TransientError("twin is down"), moment=22)
    save(history, ANN, newsletter=True)
    history.anonymize(pick=0)
    history.deliver(reverse=False, size=3)


def test_an_opt_out_is_told_on_a_lead_that_is_open_again(history: TwinHistories) -> None:
    begin(history)
    save(history, BEN, LEAD)
    history.settle()
    history.qualify(pick=0, address=None)
    history.opt_out(pick=0)
    history.poll(size=0)
    history.activate(pick=0)
    history.settle()
    assert {record.status and record.status.status for record in history.world.people().values()} == {
        SyncStatus.OPT_OUT
    }


@pytest.mark.parametrize("moment", range(12, 20))
def test_a_yes_that_a_dying_worker_sent_is_taken_back_though_the_record_rested_meanwhile(
    history: TwinHistories, moment: int
) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    ((key, record),) = history.world.people().items()
    assert record.status is not None
    history.permit(pick=0, name="permissions:1", on=True)
    history.plan_failure(moment=moment, failure=CrashError())
    history.deliver(reverse=False, size=1)
    history.ask(history.world.set_status(key, SyncStatus.DISABLED))
    history.poll(size=0)
    history.permit(pick=0, name="permissions:1", on=False)
    history.deliver(reverse=False, size=5)
    history.ask(history.world.set_status(key, SyncStatus.PROCESSING))
    history.tell(key)
    history.settle()
    assert not options(history, ANN)["permissions:1"]
