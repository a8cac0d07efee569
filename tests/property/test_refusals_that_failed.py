"""Histories in which somebody who had refused was mailable after all, as short as they could be made."""

from __future__ import annotations

from tests.histories.machine import Refusing
from tests.histories.telling import BEN, begin, options, save
from tests.property.test_two_way_histories import TwinHistories


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
