"""Histories that once ended badly, as short as they could be made. Each ends with the question whether all is well."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.records.records import SyncStatus
from shared.errors import ThrottledError, TransientError
from tests.histories.telling import ANN, BEN, CAS, CONTACT, LEAD, begin, options, save
from tests.property.histories.test_two_way_histories import TwinHistories
from tests.twins import CrashError


def test_a_record_that_joins_a_contact_gets_the_values_of_spotler(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.change_profile(pick=0, name="taal", blank=False)
    history.settle()
    save(history, ANN, LEAD)


def test_a_record_that_came_back_with_another_address_leaves_the_contact_to_its_users(history: TwinHistories) -> None:
    begin(history, newsletter=True)
    save(history, ANN, newsletter=True)
    history.deliver(reverse=True, size=5)
    save(history, CAS)
    history.change_address(address=BEN, pick=0)
    history.change_address(address=ANN, pick=1)
    history.opt_out(pick=0)
    history.deliver_twice_at_once(in_one_process=True, size=2)
    history.sign_up(address=ANN, newsletter=None)


def test_a_record_that_comes_back_to_a_shared_contact_finds_no_data_of_a_former_user(history: TwinHistories) -> None:
    history.begin(newsletter=False, offers=True, defaults=True, takes_in=True)
    save(history, ANN, LEAD, newsletter=True)
    save(history, CAS, newsletter=False)
    save(history, CAS, newsletter=True)
    save(history, CAS, LEAD)
    history.qualify(pick=225, address=BEN)
    history.settle()
    history.qualify(pick=5665, address=BEN)
    history.deliver_twice_at_once(in_one_process=False, size=4)
    history.opt_out(pick=678)
    save(history, ANN, LEAD, newsletter=True)
    history.set_preference(pick=4366, column="donotemail", value=True)
    history.settle()
    history.sign_up(address=CAS, newsletter=True)


@pytest.mark.parametrize("moment", range(20))
def test_a_record_that_a_dying_poll_made_of_a_new_subscriber_is_bound_though_another_one_was_faster(
    history: TwinHistories, moment: int
) -> None:
    begin(history)
    history.take_in()
    history.sign_up(address=ANN, newsletter=None)
    history.plan_failure(moment=moment, failure=CrashError())
    history.poll(size=0)
    save(history, ANN)
    history.receive(history.twin.queue.due()[::-1])
    history.settle()
    for record in history.world.people().values():
        assert record.status is not None
        assert record.status.status is SyncStatus.SUCCEEDED


def test_a_successor_whose_new_address_is_taken_in_spotler_leaves_the_contact_of_its_lead(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, BEN, LEAD)
    history.settle()
    history.qualify(pick=0, address=ANN)
    history.permit(pick=0, name="permissions:1", on=True)
    history.sign_up(address=ANN, newsletter=None)
    history.settle()
    assert not options(history, ANN)["permissions:1"]  # the yes came from the former address
    assert history.world.profile(BEN) is None


def test_no_contact_is_erased_for_whose_address_another_record_leaves_a_shared_one(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS, LEAD, newsletter=False)
    save(history, BEN)
    save(history, CAS)
    history.settle()
    history.change_address(pick=0, address=BEN)
    history.change_address(pick=1, address=None)
    history.deliver_twice_at_once(in_one_process=True, size=5)


def test_a_record_whose_new_address_is_taken_keeps_its_contact(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, LEAD, full=True)
    history.deliver(reverse=False, size=1)
    history.sign_up(address=BEN, newsletter=None)
    history.qualify(pick=0, address=BEN)
    history.activate(pick=0)
    history.qualify(pick=0, address=None)
    history.deliver_twice_at_once(in_one_process=True, size=6)


@pytest.mark.parametrize("moment", range(16, 23))
def test_a_contact_that_a_dying_worker_made_gives_way_to_the_one_that_has_the_new_address(
    history: TwinHistories, moment: int
) -> None:
    begin(history, newsletter=False, offers=True)
    history.sign_up(address=ANN, newsletter=None)
    save(history, CAS, newsletter=True)
    history.plan_failure(failure=ThrottledError("twin is busy", retry_after=timedelta(seconds=20)), moment=moment)
    history.deliver(reverse=True, size=5)
    assert history.world.profile(CAS) is not None
    history.change_address(address=ANN, pick=0)
    history.settle()
    assert history.world.profile(CAS) is None
    assert not options(history, ANN)["permissions:1"]  # the yes came from the former address


def test_a_successor_that_shares_its_contact_with_its_lead_mends_it_when_the_lead_is_closed_again(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, BEN, LEAD)
    history.qualify(pick=0, address=None)
    history.settle()
    history.activate(pick=0)
    history.settle()
    history.edit(pick=1, name="firstName", blank=False)
    history.deactivate(pick=0)
    history.deliver(reverse=False, size=1)
    history.settle()
    contact = history.world.profile(BEN)
    assert contact is not None
    assert contact.values["customerType"] == "contact"


def test_a_record_whose_contact_is_gone_is_no_user_of_it_when_it_wants_no_mail(history: TwinHistories) -> None:
    history.begin(offers=False, newsletter=True, defaults=False, takes_in=False)
    history.create(address="ann@example.com", is_full=False, newsletter=None, table=CONTACT)
    history.deliver(reverse=True, size=2)
    history.disable(pick=506)
    history.purge(pick=648)
    history.opt_out(pick=930)
    history.set_preference(column="donotemail", pick=1970, value=False)
    history.night()
    history.purge(pick=115)
    history.erase(pick=3625)
    history.deliver_twice_at_once(in_one_process=False, size=5)
    history.deliver_twice_at_once(in_one_process=True, size=2)
    history.create(address="ann@example.com", is_full=False, newsletter=True, table=CONTACT)
    history.deactivate(pick=887)
    history.create(address="Ben@example.com", is_full=False, newsletter=True, table=CONTACT)
    history.create(address="Ben@example.com", is_full=False, newsletter=True, table=LEAD)
    history.merge(other=1833, pick=128, takes_address=False)
    history.deactivate(pick=7047)
    history.set_preference(column="donotemail", pick=229, value=True)
    history.settle()


def test_a_new_record_is_not_kept_waiting_for_a_contact_that_lost_its_address(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    save(history, CAS, full=True)
    history.settle()
    history.delete(pick=0)  # uses up the limit of the brake: further erasures are held
    history.purge(pick=0)
    history.deliver(reverse=False, size=5)
    history.delete(pick=0)
    history.deliver(reverse=False, size=5)
    history.sign_up(address=CAS, newsletter=None)
    save(history, CAS, full=True)
    history.settle()
    assert history.reachable()


def test_a_record_that_is_enabled_again_gets_a_contact_that_was_erased_meanwhile(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.erase(pick=0)
    history.disable(pick=0)
    history.settle()
    history.enable(pick=0)
    history.settle()
    assert history.reachable()


def test_a_purged_record_goes_to_the_contact_that_has_its_address_meanwhile(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.purge(pick=0)
    save(history, CAS, newsletter=False)
    history.deliver_twice_at_once(in_one_process=True, size=4)
    history.sign_up(address=CAS, newsletter=None)


def test_values_of_a_deleted_record_that_made_an_erased_contact_anew_reach_no_other_record(
    history: TwinHistories,
) -> None:
    save(history, BEN, full=True)
    history.deliver(reverse=False, size=3)
    history.erase(pick=0)
    save(history, BEN, full=True, newsletter=False)
    history.deliver(reverse=True, size=5)
    history.delete(pick=1)


def test_a_record_that_is_disabled_after_its_first_attempt_failed_holds_the_contact_that_was_made(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, ANN, LEAD, newsletter=False)
    history.duplicate(pick=0)
    history.plan_failure(failure=TransientError("twin is down"), moment=14)
    history.deliver(reverse=False, size=1)
    history.disable(pick=0)
    history.settle()
    assert history.world.profile(ANN) is not None
    history.delete(pick=0)
    history.settle()
    assert history.world.profile(ANN) is None
