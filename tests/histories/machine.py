"""Whatever people do in Dynamics and in Spotler, and whatever fails in between: at quiet, both sides agree.

Users create, edit, move between addresses, give and withdraw permissions, refuse mail, leave, return, merge, qualify;
people sign up, change their profile, opt out and come back, and their mail bounces. Messages come late, twice and in
any order, to several workers and a poll at once; calls fail before or after their effect; workers die.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.histories.administration import Administration
from tests.histories.people_in_dynamics import PeopleInDynamics
from tests.histories.people_in_spotler import PeopleInSpotler


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
        """From now on newcomers become contacts."""
