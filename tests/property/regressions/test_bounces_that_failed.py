"""Histories with mail that came back that once ended badly, as short as they could be made."""

from __future__ import annotations

import pytest

from shared.domain.records.outcomes import Reason
from shared.domain.records.records import SyncStatus
from tests.histories.telling import ANN, BEN, CAS, LEAD, begin, save
from tests.property.histories.test_two_way_histories import TwinHistories
from tests.twins import CrashError


def test_a_message_that_comes_again_does_not_make_a_bounced_address_well(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS, newsletter=True)
    history.duplicate(pick=0)
    history.deliver(reverse=False, size=1)
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.poll(size=0)


def test_a_bounce_that_a_save_meets_before_the_poll_is_no_opt_out(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.edit(pick=0, name="jobTitle", blank=False)
    history.deliver(reverse=False, size=5)
    history.settle()
    (record,) = history.world.people().values()
    assert not record.values.get("donotbulkemail")
    assert record.status is not None
    assert record.status.status is not SyncStatus.OPT_OUT


def test_a_new_address_opens_no_contact_that_was_changed_since_its_mail_came_back(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.change_address(pick=0, address=BEN)
    history.sign_up(address=CAS, newsletter=True)
    history.opt_out(pick=0)
    history.settle()
    (record,) = history.world.people().values()
    assert record.status is not None
    assert record.status.reason_code == Reason.PERHAPS_OPTED_OUT
    history.sign_up(address=CAS, newsletter=None)
    history.settle()
    assert history.world.profile(BEN) is not None


def test_values_of_a_former_sharing_record_are_mended_when_the_contact_can_be_mailed_again(
    history: TwinHistories,
) -> None:
    begin(history, newsletter=False, offers=True)
    history.take_in()
    history.sign_up(address=ANN, newsletter=None)
    history.poll(size=4)
    save(history, ANN, LEAD, newsletter=False)
    history.deliver(reverse=True, size=3)
    save(history, BEN, newsletter=True, full=True)
    history.deactivate(pick=1)
    history.deliver_twice_at_once(in_one_process=False, size=6)
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.deliver(reverse=False, size=5)
    history.sign_up(address=ANN, newsletter=False)
    history.settle()


def test_a_bounce_is_told_on_a_lead_that_is_open_again(history: TwinHistories) -> None:
    begin(history, newsletter=True)
    save(history, BEN, LEAD)
    history.settle()
    history.qualify(pick=0, address=None)
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.poll(size=0)
    history.activate(pick=0)


def test_a_late_bounce_does_not_hide_an_opt_out(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.opt_out(pick=0)
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.poll(size=0)
    history.change_address(pick=0, address=BEN)


def test_somebody_who_was_made_active_again_after_a_bounce_may_bounce_again_and_be_mended(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, CAS)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.settle()
    history.sign_up(address=CAS, newsletter=None)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.settle()
    history.change_address(pick=0, address=BEN)
    history.settle()
    contact = history.world.profile(BEN)
    assert contact is not None
    assert not contact.is_inactive


@pytest.mark.parametrize("leaves", [False, True])
def test_a_bounce_stays_one_when_a_sharing_record_comes_or_goes(history: TwinHistories, *, leaves: bool) -> None:
    begin(history)
    save(history, CAS)
    if leaves:
        save(history, CAS)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.settle()
    if leaves:
        history.change_address(pick=1, address=BEN)
    else:
        save(history, CAS)
    history.settle()
    history.edit(pick=0, name="city", blank=False)
    history.settle()
    status = next(iter(history.world.people().values())).status
    assert status is not None
    assert status.reason_code == Reason.HARD_BOUNCE


@pytest.mark.parametrize("moment", range(16, 26))
def test_a_new_address_that_bounces_too_is_told_though_its_worker_died(history: TwinHistories, moment: int) -> None:
    begin(history)
    save(history, BEN)
    history.settle()
    history.bounce(pick=0, kind="HARDBOUNCE")
    history.settle()
    history.change_address(pick=0, address=ANN)
    history.plan_failure(moment=moment, failure=CrashError())
    history.deliver(reverse=False, size=1)
    if history.reachable():
        history.bounce(pick=0, kind="HARDBOUNCE")
        history.settle()
        (record,) = history.world.people().values()
        assert record.status is not None
        assert record.status.reason_code == Reason.HARD_BOUNCE
