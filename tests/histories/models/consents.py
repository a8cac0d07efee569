"""What people said about permissions, as a model that knows nothing of the engine: who may be subscribed at quiet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.records.records import PersonRecord, RecordKey
from tests.histories.world import NAMES, Profile

Place = RecordKey | str
"""A record, or a contact by Spotler's own id."""


@dataclass
class Consents:
    """Everything that was said since it was last quiet, in order.

    An act is a change if its side differs afterwards from its last quiet state, or from what the connector has written
    since. Nobody can know of a switch that was put there and back. If a worker has looked in between, it may count
    (None).
    """

    acts: list[tuple[Place, str, bool, bool | None]] = field(default_factory=list)
    heard: set[tuple[Place, str]] = field(default_factory=set)
    origin: dict[tuple[Place, str], bool | None] = field(default_factory=dict)
    left: dict[tuple[Place, str], bool | None] = field(default_factory=dict)
    was_on: set[tuple[Place, str]] = field(default_factory=set)
    defaults: set[str] = field(default_factory=set)
    given: set[tuple[str, str]] = field(default_factory=set)
    """What somebody with an address said yes to, whatever became of the contact: also when it was last quiet."""

    brought: set[tuple[Place, str]] = field(default_factory=set)
    """The yes that a record brings to a contact which it had not shared before: whoever joins speaks last."""

    def say(self, place: Place, name: str, on: bool, *, before: bool | None) -> None:  # noqa: FBT001
        if bool(before) is on:  # who has no row has said no
            return
        spot = (place, name)
        if spot not in self.left or self.left[spot] is not before:  # the connector wrote, or it was quiet
            self.origin[spot] = before
        self.left[spot] = on
        changes = bool(self.origin[spot]) is not on
        if spot in self.heard and not changes:
            self.acts.append((place, name, on, None))
            return
        if not changes:  # and what was said in between is taken back
            self.acts = [(*act[:3], False) if act[:2] == spot else act for act in self.acts]
        self.acts.append((place, name, on, changes))

    def hear(self) -> None:
        """A worker looks: it may have heard whatever was said so far."""
        self.heard |= {act[:2] for act in self.acts}

    def remove(self, place: Place, name: str, *, before: bool | None) -> None:
        """Delete a row: a withdrawal if it was a yes that both sides had agreed on; else nobody knows of it."""
        self.acts = [act for act in self.acts if act[:2] != (place, name)]
        self.left.pop((place, name), None)
        if before and (place, name) in self.was_on:
            self.acts.append((place, name, False, True))

    def inherit(self, lead: RecordKey, contact: RecordKey) -> None:
        """What may be on for a lead may be on for its contact."""
        for name in NAMES:
            if any(place == lead and act == name and on for place, act, on, _ in self.acts) or (
                (lead, name) in self.was_on
            ):
                self.was_on.add((contact, name))

    def may_be_on(self, contact: str, emails: Collection[str], sharers: Sequence[RecordKey], name: str) -> bool:
        """`emails` are the addresses of contact and sharers, now and since it was last quiet."""
        places: list[Place] = [contact, *sharers]
        return (
            name in self.defaults
            or any((email, name) in self.given for email in emails)
            or any((place, name) in self.was_on for place in places)
            or any(on and act == name and place in places for place, act, on, _ in self.acts)
        )

    def was_withdrawn(self, contact: str, sharers: Sequence[RecordKey], joined: Sequence[RecordKey], name: str) -> bool:
        """Whether the last word was a no. Of somebody who has `joined` meanwhile, the yes may be heard after it."""
        places: list[Place] = [contact, *sharers]
        if any((place, name) in self.brought for place in (*places, *joined)):
            return False
        spoken = [(place, on) for place, act, on, _ in self.acts if act == name and place in places]
        if len({place for place, _ in spoken}) == 1 and not spoken[-1][1]:
            return True  # whether heard in between or not: nobody else has said anything
        said = [
            on
            for place, act, on, counts in self.acts
            if act == name and place in places and (counts or (counts is None and on))
        ]
        return bool(said) and not said[-1]

    def settle(self, profiles: Sequence[Profile], people: Mapping[RecordKey, PersonRecord]) -> None:
        """It is quiet: what is on now may stay on."""
        self.acts.clear()
        self.heard.clear()
        self.given = {(one.email, name) for one in profiles for name, on in one.options.items() if on}
        self.brought.clear()
        self.origin.clear()
        self.left.clear()
        self.was_on = {(one.id, name) for one in profiles for name, on in one.options.items() if on}
        for key, record in people.items():
            self.was_on |= {
                (key, name)
                for name in NAMES
                for row in record.permissions
                if row.name == NAMES[name] and row.subscribed
            }
