"""Histories whose messages were processed without end, as short as they could be made."""

from __future__ import annotations

from tests.histories.machine import Parting
from tests.histories.telling import ANN, BEN, CAS, CONTACT, LEAD, begin, save
from tests.property.histories.test_two_way_histories import TwinHistories
from tests.twins import CrashError


def test_two_records_that_want_each_others_contact_do_not_wait_for_each_other_for_ever(history: TwinHistories) -> None:
    begin(history)
    save(history, BEN, LEAD)
    save(history, ANN, LEAD, full=True, newsletter=True)
    history.settle()
    history.anonymize(pick=0)
    history.anonymize(pick=1)
    history.qualify(pick=0, address=ANN)
    history.qualify(pick=0, address=BEN)
    save(history, BEN, full=True, newsletter=True)
    history.settle()


def test_two_records_entered_after_a_deletion_do_not_wait_for_each_other_for_ever(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.delete(pick=0)
    history.wait(seconds=60)
    save(history, ANN)
    save(history, ANN)
    history.deliver(reverse=True, size=5)


def test_a_held_erasure_and_a_record_that_cannot_take_the_contact_do_not_wake_each_other_for_ever(
    history: TwinHistories,
) -> None:
    save(history, BEN)
    save(history, BEN, newsletter=True, full=True)
    save(history, ANN, LEAD, newsletter=False)
    history.format(pick=4, column="address1_postalcode", fits=False)
    history.deliver(reverse=False, size=4)
    history.plan_failure(failure=CrashError(), moment=5)
    history.merge(pick=3, other=4, takes_address=True)
    history.opt_out(pick=7)
    history.replace(pick=4, other=6, how=Parting.MERGED, table=CONTACT, is_seen=True)
    history.merge(pick=0, other=6, takes_address=True)


def test_three_records_entered_after_a_deletion_do_not_wait_for_each_other_for_ever(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS, LEAD, newsletter=True, full=True)
    history.settle()
    history.opt_out(pick=0)
    history.replace(pick=0, other=0, how=Parting.DELETED, table=LEAD, is_seen=False)
    save(history, CAS, full=True)
    save(history, CAS, full=True)
    history.sign_up(address=CAS, newsletter=None)
