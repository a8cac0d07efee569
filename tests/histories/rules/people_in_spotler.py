"""What people do in Spotler: subscribers on forms and links, and colleagues in the account itself."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.histories.acting import act
from tests.histories.picking import addresses, blanks, columns, permissions, pick_from, picks
from tests.histories.quiet import QuietAtLast
from tests.histories.world import Profile


class PeopleInSpotler(QuietAtLast):
    """Subscribers sign up, change their profile, opt out; their mail bounces."""

    @rule(address=addresses, newsletter=st.none() | st.booleans())
    def sign_up(self, address: str, *, newsletter: bool | None) -> None:
        """Fill in a form, or be added by a marketer who knows only the address (OPT-09)."""
        self.erasures.touch(address)
        one = self.world.profile(address)
        options = {} if newsletter is None else {"permissions:1": newsletter}
        self.do(self.world.sign_up(address, {}, options))
        self.twin.clock.advance(timedelta(seconds=2))  # whose words count, a second may decide
        now = self.world.profile(address)
        assert now is not None, "who signs up is there"
        self.refusals.signs_up(now)
        self.opted_out.discard(now.id)
        self.bounced.discard(now.id)
        if newsletter is not None:
            self.consents.say(now.id, "permissions:1", newsletter, before=one and one.options["permissions:1"])
        if newsletter:
            self.consents.given.add((now.email, "permissions:1"))

    @act(lambda self: self.reachable(), pick=picks, name=columns, blank=blanks)
    def change_profile(self, pick: int, name: str, *, blank: bool) -> None:
        one = pick_from(self.reachable(), pick)
        value = self.fresh(blank=blank) or ""
        self.do(self.world.change_profile(one, {name: value}, {}))
        self.edited_there.add(value)

    def reachable(self) -> list[Profile]:
        return [one for one in self.addressed() if not one.is_inactive]

    @act(lambda self: self.reachable(), pick=picks, name=permissions, on=st.booleans())
    def change_permission(self, pick: int, name: str, *, on: bool) -> None:
        one = pick_from(self.reachable(), pick)
        self.erasures.touch(one.email)
        self.consents.say(one.id, name, on, before=one.options[name])
        if one.options[name] is not on:
            self.refusals.switches(one, name, on=on)
        if on:
            self.consents.given.add((one.email, name))
        self.do(self.world.change_profile(one, {}, {name: on}))

    @act(lambda self: self.addressed(), pick=picks)
    def opt_out(self, pick: int) -> None:
        """By a link in a mail that arrived: perhaps in an old one, after another has come back."""
        one = pick_from(self.addressed(), pick)
        self.erasures.touch(one.email)
        self.do(self.world.opt_out(one))
        self.opted_out.add(one.id)
        if one.id not in self.bounced:  # a contact shows that it is closed, and not why
            self.refusals.opts_out(one)

    def addressed(self) -> list[Profile]:
        """Contacts with an address: a purge leaves one without, which looks like the rest of an erased one."""
        return [one for one in self.world.profiles() if one.email]

    @act(lambda self: self.mailed(), pick=picks, kind=st.sampled_from(["HARDBOUNCE", "SOFTBOUNCE"]))
    def bounce(self, pick: int, kind: str) -> None:
        one = pick_from(self.mailed(), pick)
        self.erasures.touch(one.email)
        if kind == "HARDBOUNCE" and not one.is_inactive:
            self.bounced.add(one.id)
        self.do(self.world.bounce(one, kind))
        self.twin.clock.advance(timedelta(seconds=61))  # within a minute, nobody can tell it from an opt-out

    def mailed(self) -> list[Profile]:
        """Whose mail may come back: also that of an older mailing, after a bounce has closed the contact."""
        return [one for one in self.world.profiles() if one.email and (not one.is_inactive or one.id in self.bounced)]

    # ------------------------------------------------------------------------------------------- colleagues in Spotler

    @act(lambda self: self.bound(), pick=picks)
    def erase(self, pick: int) -> None:
        """A colleague deletes all personal data of somebody in Spotler itself."""
        bound = self.bound()
        one = pick_from([one for one in self.world.profiles() if bound.get(one.external_id)], pick)
        people, sharers = self.world.people(), bound[one.external_id]
        is_plain = self.version.permissions == "<->" and all(
            self.address(key) == one.email and not people[key].values.get("donotbulkemail") and key in self.syncable()
            for key in sharers
        )
        self.refusals.is_erased(one)
        self.erasures.erase(one, sharers, self.refusals.agreed, is_plain=is_plain)
        # Records that opted out use no contact. A form that brought them back may have been erased before it was read.
        self.erasures.of |= {key for key in self.records() if self.address(key) == one.email}
        self.do(self.world.erase(one))
