"""The suppression list: the refusals at an e-mail address, with source and time. It outlives records and contacts.

Entries have ids, codes and times; the address is stored as a keyed fingerprint. A record that comes to an address
(creation, join, merge, change of address, import) obeys its refusals until they are lifted: by the person (a form or a
re-activation in the platform), by the user of the refusing record, or by an administrator.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL, OPT_OUT, ConsentSource

ALL_PERMISSIONS = frozenset({BULK_EMAIL, DO_NOT_EMAIL})
"""Refusals that switch every permission off."""


@dataclass(frozen=True, slots=True)
class AddressRefusal:
    """A refusal of one subject (`shared.domain.consent.changes`), from an aware time on.

    `record` is the record with the refusing column or row, empty for an act of the person in the platform. A lifted
    refusal stays in the list, with the time and source of its lifting.
    """

    subject: str
    at: datetime
    source: ConsentSource
    record: str = ""
    lifted: datetime | None = None
    lifted_by: ConsentSource | None = None

    @property
    def is_active(self) -> bool:
        """Whether it counts."""
        return self.lifted is None

    def renewed(self, later: Self) -> Self:
        """Return the refusal after a repetition, which keeps the first time."""
        return self if self.is_active or (self.lifted is not None and later.at <= self.lifted) else later


@dataclass(frozen=True, slots=True)
class Suppression:
    """All refusals at one address: at most one per subject and record.

    `is_told_by_contact`: the platform has a contact with the address, which shows by itself whether the person opted
    out.
    """

    refusals: tuple[AddressRefusal, ...] = ()
    is_told_by_contact: bool = False

    def __bool__(self) -> bool:
        return bool(self.refusals)

    @property
    def subjects(self) -> frozenset[str]:
        """The subjects that are refused now, by anybody."""
        return frozenset(one.subject for one in self._active())

    @property
    def has_opted_out(self) -> bool:
        """Whether the person opted out of everything, and no contact can show that this has ended."""
        return bool(self.refusals) and OPT_OUT in self.subjects and not self.is_told_by_contact

    @property
    def has_returned(self) -> bool:
        """Whether the person opted out once and the opt-out has ended (OPT-09, P-02)."""
        return OPT_OUT not in self.subjects and any(one.subject == OPT_OUT for one in self.refusals)

    @property
    def refusing_records(self) -> frozenset[str]:
        """The records that refuse every permission now."""
        return frozenset(one.record for one in self._active() if one.record and one.subject in ALL_PERMISSIONS)

    def withholds(self, own: Collection[str]) -> bool:
        """Whether every permission must be off because of others; `own` are records that speak for themselves."""
        return self.all_refused_on(own) is not None

    def all_refused_on(self, own: Collection[str]) -> datetime | None:
        """Return when others last refused every permission; None without a refusal."""
        return max((one.at for one in self._active(own) if one.subject in ALL_PERMISSIONS), default=None)

    def refused_on(self, permission: str, own: Collection[str]) -> datetime | None:
        """Return when others, or the person, last refused one permission; None without a refusal."""
        return max((one.at for one in self._active(own) if one.subject == permission), default=None)

    def adding(self, refusals: Iterable[AddressRefusal]) -> Self:
        """Return the list with more refusals."""
        known = {(one.subject, one.record): one for one in self.refusals}
        for one in refusals:
            place = (one.subject, one.record)
            known[place] = known[place].renewed(one) if place in known else one
        return replace(self, refusals=tuple(known[place] for place in sorted(known)))

    def lifting(self, subjects: Collection[str], at: datetime, by: ConsentSource, *, record: str | None) -> Self:
        """Return the list after subjects were lifted: those of one record, or with None those of all."""
        return replace(
            self,
            refusals=tuple(
                replace(one, lifted=at, lifted_by=by)
                if one.is_active and one.subject in subjects and record in {None, one.record} and one.at <= at
                else one
                for one in self.refusals
            ),
        )

    def disowned(self, record: str) -> Self:
        """Return the list without a record's id: its refusals stay, as if the person had refused.

        From then on only the person or an administrator can lift them. Lifted refusals of the record are removed.
        """
        known = {(one.subject, one.record): one for one in self.refusals if one.record != record}
        for one in self.refusals:
            place = (one.subject, "")
            if one.record == record and one.is_active and not (place in known and known[place].is_active):
                known[place] = replace(one, record="")
        return replace(self, refusals=tuple(known[place] for place in sorted(known)))

    def _active(self, without: Collection[str] = ()) -> Iterator[AddressRefusal]:
        return (one for one in self.refusals if one.is_active and not (one.record and one.record in without))


NOTHING_REFUSED = Suppression()
"""No refusals."""
