"""What was refused at addresses, as a model that knows nothing of the engine.

Whoever refused at an address is not mailable there until a later explicit act, whatever becomes of its records and
contacts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.mapping.reading import ORIGINATING_LEAD
from shared.domain.records.records import Lookup, PersonRecord, PersonTable, RecordKey
from tests.histories.world import NAMES, Profile

OPT_OUT, BULK_EMAIL, EMAIL = "opt-out", "donotbulkemail", "donotemail"
_COLUMNS = (BULK_EMAIL, EMAIL)

Place = RecordKey | str
"""Who refuses: a record, or a contact by Spotler's own id."""


@dataclass
class Standing:
    """A refusal at one address. `since` counts acts; `is_lifted` while its column has not changed since the lift."""

    subject: str
    by: Place
    since: int
    is_lifted: bool = False


@dataclass
class Refusals:
    """Refusals that the connector is sure to have seen, by address in lower case.

    Columns and withdrawn permissions count from a quiet moment on, opt-outs of a contact that is bound at once: Spotler
    itself keeps them until the contact is erased, and the connector looks before it erases.
    """

    acts: int = 0
    standing: dict[str, list[Standing]] = field(default_factory=dict)
    arrivals: dict[RecordKey, tuple[str, int]] = field(default_factory=dict)
    raised: dict[tuple[RecordKey, str], int] = field(default_factory=dict)
    """When a row became a yes that had been there, or that somebody ticked."""

    rows: dict[tuple[RecordKey, str], bool] = field(default_factory=dict)
    opted_out: dict[str, str] = field(default_factory=dict)
    """Contacts whose opt-out nobody is sure to have seen yet, by Spotler's id, with their address."""

    withdrawn: set[tuple[Place, str, str]] = field(default_factory=set)
    """Who took back which permission at which address since it was last quiet."""

    taken_back: set[tuple[str, str, Place]] = field(default_factory=set)
    """Refusals by a column (address, column, record) that their records took back since it was last quiet."""

    lifted_meanwhile: set[tuple[str, str, Place]] = field(default_factory=set)
    """Those of them whose address was lifted afterwards: said again before anybody looks, they are one refusal."""

    agreed: set[tuple[str, str]] = field(default_factory=set)
    """Which permissions were on at which address when it was last quiet."""

    # ----------------------------------------------------------------------------------------------------------- acts

    def see(self, people: Mapping[RecordKey, PersonRecord]) -> None:
        """Note what has changed by an act, or by the connector."""
        self.acts += 1
        for key, record in people.items():
            email = email_of(record)
            if key not in self.arrivals or self.arrivals[key][0] != email:
                self.arrivals[key] = (email, self._came(record, email))
            for column in _COLUMNS:
                self._see_column(key, record, email, column)
            for name in NAMES:
                rows = [row.subscribed for row in record.permissions if row.name == NAMES[name]]
                if rows and all(rows) and self.rows.get((key, name)) is False:
                    self.raised[key, name] = self.acts
                if rows:
                    self.rows[key, name] = all(rows)

    def _came(self, record: PersonRecord, email: str) -> int:
        """When a person came to an address: a successor is the person that its lead was (CS-29)."""
        known = (self.arrivals.get(key) for key in own_keys(record) if isinstance(key, RecordKey) and key != record.key)
        return min((came for place, came in filter(None, known) if place == email), default=self.acts)

    def _see_column(self, key: RecordKey, record: PersonRecord, email: str, column: str) -> None:
        """Forget a refusal that its record takes back while it has the address (or its successor does)."""
        own = own_keys(record)
        for address, several in self.standing.items():
            ended = [one for one in several if one.subject == column and one.by in own]
            ended = ended if address == email and not record.values.get(column) else []
            self.taken_back |= {(address, column, one.by) for one in ended}
            self.standing[address] = [
                one
                for one in several
                if one not in ended and not (one.is_lifted and one.by == key and address != email)
            ]

    def opts_out(self, one: Profile) -> None:
        self.opted_out[one.id] = one.email

    def signs_up(self, one: Profile) -> None:
        """A form at an address: the person wants mail again, and what is on in the contact."""
        self._forget_opt_outs(one.email)
        self.lift(one.email, {OPT_OUT, *_COLUMNS, *(name for name, on in one.options.items() if on)})

    def switches(self, one: Profile, name: str, *, on: bool) -> None:
        """A person changes a permission in the profile: a yes also overtakes what records refused that are gone."""
        if on:
            self.lift(one.email, {name, *_COLUMNS})
        elif (one.email, name) in self.agreed:
            self.withdrawn.add((one.id, one.email, name))

    def ticks(self, key: RecordKey, email: str, name: str, *, on: bool) -> None:
        """A user changes a row, or deletes it."""
        if on:
            self.raised[key, name] = self.acts + 1
        elif (email, name) in self.agreed:
            self.withdrawn.add((key, email, name))

    def is_erased(self, one: Profile) -> None:
        """A colleague erases a contact in Spotler: what nobody has seen yet, nobody will."""
        self.opted_out.pop(one.id, None)
        self.withdrawn = {each for each in self.withdrawn if each[0] != one.id}

    def lift(self, address: str, subjects: Collection[str] | None = None) -> None:
        """Lift subjects at an address, or all; columns that still say so refuse nothing until they change."""
        if subjects is None:
            self._forget_opt_outs(address)
        for one in self.standing.get(address, ()):
            one.is_lifted = one.is_lifted or subjects is None or one.subject in subjects
        self.lifted_meanwhile |= {
            one for one in self.taken_back if one[0] == address and (subjects is None or one[1] in subjects)
        }

    def _forget_opt_outs(self, address: str) -> None:
        """Somebody lifts what was refused at an address before."""
        self.opted_out = {known: email for known, email in self.opted_out.items() if email != address}

    # ------------------------------------------------------------------------------------------------------ what holds

    def at(self, address: str) -> bool:
        """Whether somebody refuses something at an address."""
        return any(not one.is_lifted for one in self.standing.get(address, ()))

    def broken(
        self, contact: Profile, sharers: Sequence[RecordKey], people: Mapping[RecordKey, PersonRecord]
    ) -> Iterator[str]:
        """Say what an active contact must not be, with the records that use it."""
        late = min((self.arrivals[key][1] for key in sharers), default=0)  # when the first came
        own = {one for key in sharers for one in own_keys(people[key])}
        for one in self.standing.get(contact.email, ()):
            if one.is_lifted:
                continue
            if one.subject == OPT_OUT:
                yield f"{contact.email} can be mailed, and {one.by} opted out there"
            if one.since >= late or one.by in own:
                continue
            if one.subject in _COLUMNS and any(contact.options.values()):
                yield f"{contact.email} is subscribed, and {one.by} has refused mail there ({one.subject})"
            if contact.options.get(one.subject) and not any(
                self.raised.get((key, one.subject), 0) > one.since for key in sharers
            ):
                yield f"{contact.email} is subscribed to {one.subject}, and {one.by} has withdrawn that there"

    def settle(
        self, profiles: Sequence[Profile], people: Mapping[RecordKey, PersonRecord], users: Mapping[str, set[RecordKey]]
    ) -> None:
        """It is quiet: what is refused now, the connector knows. `users` are the bound records, by external id."""
        self.acts += 1
        by_id = {one.id: one for one in profiles}
        for identifier, email in self.opted_out.items():
            if identifier not in by_id or users.get(by_id[identifier].external_id):
                self._add(email, OPT_OUT, identifier)
        self.opted_out.clear()
        for key, record in people.items():
            for column in _COLUMNS:
                if record.values.get(column) and email_of(record):
                    self._add(email_of(record), column, key)
        for one in profiles:
            sharers = users.get(one.external_id, set())
            refuses = any(people[key].values.get(column) for key in sharers for column in _COLUMNS)
            for place, email, name in self.withdrawn:
                is_its_own = place == one.id or place in sharers
                if is_its_own and email == one.email and sharers and not refuses and not one.options[name]:
                    self._add(email, name, place)
        self.withdrawn.clear()
        self.taken_back.clear()
        self.lifted_meanwhile.clear()
        self.agreed = {
            (one.email, name)
            for one in profiles
            for name, on in one.options.items()
            if on and not one.is_inactive and users.get(one.external_id)
        }

    def _add(self, email: str, subject: str, by: Place) -> None:
        known = self.standing.setdefault(email, [])
        same = next((one for one in known if (one.subject, one.by) == (subject, by)), None)
        if same is None:
            known.append(Standing(subject, by, self.acts, is_lifted=(email, subject, by) in self.lifted_meanwhile))
        elif subject not in _COLUMNS and same.is_lifted:
            same.since, same.is_lifted = self.acts, False


def email_of(record: PersonRecord) -> str:
    return str(record.values.get("emailaddress1") or "").casefold()


def own_keys(record: PersonRecord) -> set[Place]:
    """The record itself, and the lead that it grew out of."""
    lead = record.values.get(ORIGINATING_LEAD)
    return {record.key, *([RecordKey(PersonTable.LEAD, lead.id)] if isinstance(lead, Lookup) else [])}
