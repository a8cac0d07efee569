"""Whatever people do in Dynamics and in Spotler, and whatever fails in between: at quiet, both sides agree.

Users create, edit, move between addresses, give and withdraw permissions, refuse mail, leave, return, merge, qualify;
people sign up, change their profile, opt out and come back, and their mail bounces. Messages come late, twice and in
any order, to several workers and a poll at once; calls fail before or after their effect; workers die.
"""

from __future__ import annotations

from enum import Enum, auto

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from shared.domain.records.records import PersonTable, RecordKey
from tests.histories.acting import act
from tests.histories.picking import permissions, pick_from, picks, tables
from tests.histories.rules.administration import Administration
from tests.histories.rules.people_in_dynamics import PeopleInDynamics
from tests.histories.rules.people_in_spotler import PeopleInSpotler


class Parting(Enum):
    """How a user gets rid of a record."""

    DELETED = auto()
    DEACTIVATED = auto()
    MERGED = auto()


class Refusing(Enum):
    """How somebody refuses mail."""

    NO_BULK_EMAIL = auto()
    NO_EMAIL = auto()
    OPT_OUT = auto()
    WITHDRAWAL = auto()
    WITHDRAWAL_IN_SPOTLER = auto()


class TwoWayHistories(PeopleInDynamics, PeopleInSpotler, Administration):
    """What may happen, and how it begins."""

    @initialize(newsletter=st.booleans(), offers=st.booleans(), defaults=st.booleans(), takes_in=st.booleans())
    def begin(self, *, newsletter: bool, offers: bool, defaults: bool, takes_in: bool) -> None:
        if defaults:
            self.default(newsletter=newsletter, offers=offers)
        if takes_in:
            self.take_in()
        self.do(self.twin.poll())  # the first one does not look back

    def take_in(self) -> None:
        """From now on new subscribers become contacts."""

    # --------------------------------------------------------------------------------------------- whoever has refused

    @act(lambda self: self.syncable(), pick=picks, how=st.sampled_from(Refusing), name=permissions)
    def refuse(self, pick: int, how: Refusing, name: str) -> None:
        """Somebody refuses mail, and the connector knows of it before anything else happens."""
        key = pick_from(self.syncable(), pick)
        contact = self.contact_of(key)
        assert contact is not None
        record, profile = self.records().index(key), self.reachable().index(contact)
        match how:
            case Refusing.NO_BULK_EMAIL:
                self.set_preference(record, "donotbulkemail", value=True)
            case Refusing.NO_EMAIL:
                self.set_preference(record, "donotemail", value=True)
            case Refusing.OPT_OUT:
                self.opt_out(self.addressed().index(contact))
            case Refusing.WITHDRAWAL:
                self.permit(record, name, on=False)
            case Refusing.WITHDRAWAL_IN_SPOTLER:
                self.change_permission(profile, name, on=False)
        self.settle()

    @act(
        lambda self: self.refusing(),
        pick=picks,
        other=picks,
        how=st.sampled_from(Parting),
        table=tables,
        is_seen=st.booleans(),
    )
    def replace(self, pick: int, other: int, how: Parting, table: PersonTable, *, is_seen: bool) -> None:
        """Make a new record, which says yes, in the place of one whose person refused."""
        key = pick_from(self.refusing(), pick)
        email = self.address(key)
        others = [one for one in self.of(PersonTable.CONTACT) if one != key]
        match how:
            case Parting.MERGED if key.table is PersonTable.CONTACT and others:
                self.merge_into(pick_from(others, other), key, takes_address=False)
            case Parting.DELETED if key in self.deletable():
                self.delete(self.deletable().index(key))
            case _:
                self.deactivate(self.records().index(key))
        if is_seen:
            self.receive(self.twin.queue.due())
        self.create(table, email, newsletter=True, is_full=False)

    def refusing(self) -> list[RecordKey]:
        """Records at whose address somebody refuses mail, or has opted out."""
        closed = {one.email for one in self.world.profiles() if one.is_inactive}
        return [
            key
            for key in self.records()
            if (email := self.address(key)) and (email in closed or self.refusals.at(email))
        ]
