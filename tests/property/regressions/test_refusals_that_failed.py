"""Histories in which somebody who had refused was mailable after all, as short as they could be made."""

from __future__ import annotations

import pytest

from shared.domain.planning.rules import Unmapped
from shared.errors import TransientError
from tests.histories.machine import Refusing
from tests.histories.telling import ANN, BEN, CAS, LEAD, begin, options, save
from tests.histories.world import Version
from tests.property.histories.test_two_way_histories import TwinHistories


def test_a_default_does_not_overrule_what_was_refused_at_the_address_of_a_new_record(history: TwinHistories) -> None:
    begin(history, newsletter=True, offers=True)
    save(history, BEN)
    history.settle()
    history.refuse(pick=0, how=Refusing.WITHDRAWAL, name="permissions:1")
    history.deactivate(pick=0)
    history.settle()
    save(history, BEN)
    history.settle()
    assert not options(history, BEN)["permissions:1"]


def test_a_purge_keeps_the_address_of_somebody_who_opted_out_a_moment_before(history: TwinHistories) -> None:
    begin(history)
    save(history, CAS)
    history.purge(pick=0)
    history.night()
    history.night()
    history.deliver_twice_at_once(in_one_process=False, size=5)
    history.opt_out(pick=0)
    history.settle()
    assert not history.reachable()


@pytest.mark.parametrize("moment", range(15, 28))
def test_refusals_of_a_disabled_record_are_sent_once_after_an_opt_out_and_a_failure(
    history: TwinHistories, moment: int
) -> None:
    begin(history)
    save(history, CAS, full=True)
    history.plan_failure(failure=TransientError("twin is down"), moment=5)
    history.plan_failure(failure=TransientError("twin is down"), moment=moment)
    history.poll(size=1)
    if history.reachable():
        history.opt_out(pick=0)
    history.poll(size=3)
    if history.with_status():
        history.disable(pick=0)
    history.settle()


def test_a_contact_that_a_form_made_after_an_erasure_gets_all_data(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, full=True)
    history.settle()
    history.erase(pick=0)
    history.sign_up(address=ANN, newsletter=None)
    history.settle()
    contact = history.world.profile(ANN)
    assert contact is not None
    assert contact.values["customerType"] == "contact"
    assert contact.values["city"]


def test_opt_08_a_new_record_does_not_open_an_opted_out_contact_that_somebody_erased(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, LEAD)
    history.settle()
    history.opt_out(pick=0)
    history.settle()
    save(history, ANN, newsletter=True)
    history.erase(pick=0)
    history.settle()
    assert not history.reachable()


def test_a_default_does_not_give_a_permission_again_whose_row_was_deleted_before_the_contact_was_erased(
    history: TwinHistories,
) -> None:
    begin(history, newsletter=True, offers=True)
    save(history, ANN)
    history.settle()
    history.remove_row(pick=0, name="permissions:8")
    history.erase(pick=0)
    history.settle()
    assert not options(history, ANN)["permissions:8"]
    assert options(history, ANN)["permissions:1"]


def test_opt_08_an_opt_out_of_a_disabled_record_outlives_an_erasure_in_spotler(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.disable(pick=0)
    history.opt_out(pick=0)
    history.settle()
    history.deactivate(pick=0)
    save(history, ANN, newsletter=True)
    history.erase(pick=0)
    history.settle()
    assert not history.reachable()


def test_a_lift_by_an_administrator_is_no_consent(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN, newsletter=True)
    history.settle()
    history.change_permission(pick=0, name="permissions:1", on=False)
    history.settle()
    history.lift(pick=0)
    history.settle()
    assert not options(history, ANN)["permissions:1"]


def test_an_opt_out_behind_a_bounce_outlives_the_erasure_of_its_contact(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.bounce(kind="HARDBOUNCE", pick=0)
    history.settle()
    history.opt_out(pick=0)
    history.settle()
    history.delete(pick=0)
    history.settle()
    save(history, ANN, newsletter=True)
    history.settle()
    assert not history.reachable()


def test_do_not_bulk_email_that_followed_an_opt_out_also_refuses_at_the_next_address(history: TwinHistories) -> None:
    begin(history, takes_in=True)
    history.sign_up(address=ANN, newsletter=True)
    history.opt_out(pick=0)
    history.settle()
    history.change_address(address=CAS, pick=0)
    history.settle()
    history.delete(pick=0)
    history.settle()
    save(history, CAS, newsletter=True)
    history.settle()
    assert not options(history, CAS)["permissions:1"]


def test_a_form_is_no_reason_to_mail_an_address_where_a_record_wants_no_mail(history: TwinHistories) -> None:
    begin(history, takes_in=True)
    history.remap(version=Version(directions={}, permissions="->", outside=None, unmapped=Unmapped.KEEP))
    save(history, CAS, newsletter=True)
    history.settle()
    history.set_preference(pick=0, column="donotemail", value=True)
    save(history, CAS)
    history.settle()
    history.sign_up(address=CAS, newsletter=True)
    history.settle()
    assert not options(history, CAS)["permissions:1"]


def test_a_default_gives_no_permission_again_that_the_record_itself_took_back(history: TwinHistories) -> None:
    begin(history, newsletter=False, offers=True)
    save(history, BEN)
    history.settle()
    history.remove_row(pick=0, name="permissions:8")
    history.settle()
    history.anonymize(pick=0)
    history.settle()
    save(history, BEN)
    history.settle()
    assert not options(history, BEN)["permissions:8"]


def test_opt_08_an_opt_out_outlives_the_erasure_of_a_contact_whose_next_record_has_no_valid_values(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, ANN)
    history.settle()
    history.opt_out(pick=0)
    history.anonymize(pick=0)
    save(history, ANN, newsletter=False)
    history.anonymize(pick=1)
    history.format(pick=1, column="address1_postalcode", fits=False)
    history.settle()
    save(history, ANN, full=True)


def test_a_withdrawal_while_the_record_is_disabled_holds_for_the_next_record(
    history: TwinHistories,
) -> None:
    begin(history, newsletter=False, offers=True, takes_in=True)
    history.sign_up(address=BEN, newsletter=False)
    history.settle()
    history.sign_up(address=BEN, newsletter=True)
    history.disable(pick=0)
    history.settle()
    history.change_permission(pick=0, name="permissions:1", on=False)
    history.settle()
    history.delete(pick=0)
    history.deliver(reverse=False, size=5)
    save(history, BEN, LEAD, newsletter=True)


@pytest.mark.parametrize("moment", ["never", "before", "after"])
@pytest.mark.parametrize("is_shared", [False, True])
def test_opt_02_a_refusal_beside_a_value_that_does_not_fit_stands_against_a_form(
    history: TwinHistories, *, is_shared: bool, moment: str
) -> None:
    """The record was never in Spotler. `moment` is that of a night, as seen from the first synchronisation."""
    begin(history)
    save(history, ANN)
    history.format(pick=0, column="address1_postalcode", fits=False)
    history.set_preference(column="donotbulkemail", pick=0, value=True)
    if is_shared:
        save(history, ANN)
    if moment == "before":
        history.night()
    history.settle()
    if moment == "after":
        history.night()
        history.settle()
    history.sign_up(address=ANN, newsletter=True)
    history.settle()
    assert not options(history, ANN)["permissions:1"]


def test_opt_02_a_record_that_refuses_beside_a_value_that_does_not_fit_finds_an_older_sign_up(
    history: TwinHistories,
) -> None:
    begin(history)
    save(history, ANN)
    history.format(pick=0, column="address1_postalcode", fits=False)
    history.settle()
    history.sign_up(address=ANN, newsletter=True)
    history.settle()
    assert options(history, ANN)["permissions:1"]
    history.set_preference(column="donotbulkemail", pick=0, value=True)
    history.settle()
    assert not options(history, ANN)["permissions:1"]


def test_opt_02_a_record_with_a_value_that_does_not_fit_takes_its_refusal_back(history: TwinHistories) -> None:
    begin(history)
    save(history, ANN)
    history.format(pick=0, column="address1_postalcode", fits=False)
    history.set_preference(column="donotbulkemail", pick=0, value=True)
    save(history, ANN)
    history.settle()
    history.set_preference(column="donotbulkemail", pick=0, value=False)
    history.settle()
    history.sign_up(address=ANN, newsletter=True)
    history.settle()
    assert options(history, ANN)["permissions:1"]
