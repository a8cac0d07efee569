"""Before all contacts of Spotler go to Dynamics: how many, who is left out, how long, how many calls (INI-04).

Spotler has no call that counts. The forecast tells what earlier comparisons and the count of the
bindings know, and reads neither side. A number that nothing tells is None.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from math import ceil
from typing import Any

from shared.administration.people.standing import Standing, Standings, Stood
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.merging.comparison_window import ComparisonRun, Span
from shared.domain.merging.divergence import Divergence

WHOLE_ACCOUNT = datetime(2005, 1, 1, tzinfo=UTC)
"""A comparison of what changed since then, or earlier, reads every contact."""

_SPOTLER_CALLS = 0.012
"""For each contact in a comparison of the account (docs/reliability.md)."""

_SPOTLER_CALLS_FOR_NEW, _DATAVERSE_CALLS_FOR_NEW = 0.0394, 0.0082
"""For each new record that is synchronised (docs/performance.md, initial synchronisation)."""

_PAGE, _IMPORT_CALLS = 100, 2
"""Requests to Dataverse for a page of subscribers: one to match, one to create."""

_SECONDS_PER_CALL = 0.5
"""An assumption: Spotler answers one page after the other, and has not promised how fast."""

_NEW_PER_SECOND = 40
"""Measured on the simulated services, as for the runs over a table."""


class Origin(StrEnum):
    """Where the number of contacts comes from."""

    ACCOUNT_READ = "comparison"
    """A comparison of the whole account that ended then."""
    READ_BEFORE = "comparison-before"
    """The comparison before the one that began then and has not ended."""
    READ_SO_FAR = "comparison-so-far"
    """What the first comparison has read so far, which began then: at least."""
    BINDINGS = "bindings"
    """The records with a contact as counted then: subscribers come on top, and shared addresses count several times."""
    UNKNOWN = "unknown"
    """Nothing has been read or counted yet."""


@dataclass(frozen=True, slots=True)
class AccountForecast:
    """What a run over the whole account will meet.

    `contacts` are those of Spotler, by `origin` at a moment. The comparison that began at `seen_begun` saw `seen`
    contacts, `without_record` of them subscribers, and `deleted` with the id of a record that is gone. By the bindings
    as counted at `bound_at`, `bound` records have a contact, `held` wait for a decision, and `ended` have none, or an
    ended one: refused, erased, left out. Calls and seconds are estimates.
    """

    origin: Origin
    target: ImportTarget
    contacts: int | None = None
    at: datetime | None = None
    seen: int | None = None
    seen_begun: datetime | None = None
    without_record: int | None = None
    deleted: int | None = None
    bound_at: datetime | None = None
    bound: int | None = None
    held: int | None = None
    ended: int | None = None
    spotler_calls: int | None = None
    dataverse_calls: int | None = None
    seconds: int | None = None

    @property
    def with_record(self) -> int | None:
        """The contacts that the last comparison saw with a record: they are only compared."""
        if self.seen is None or self.without_record is None or self.deleted is None:
            return None
        return max(0, self.seen - self.without_record - self.deleted)

    def as_json(self) -> dict[str, Any]:
        """Return it for an answer; null is what is not known yet."""
        return {
            "contacts": self.contacts,
            "contactsFrom": {"source": self.origin, "at": _text(self.at)},
            "lastComparison": {
                "begun": _text(self.seen_begun),
                "contacts": self.seen,
                "withRecord": self.with_record,
                "withoutRecord": self.without_record,
                "recordGone": self.deleted,
            },
            "subscribersBecome": self.target,
            "bindings": {
                "counted": _text(self.bound_at),
                "withContact": self.bound,
                "held": self.held,
                "leftOut": self.ended,
            },
            "estimates": {
                "callsToSpotler": self.spotler_calls,
                "callsToDataverse": self.dataverse_calls,
                "seconds": self.seconds,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForecasts:
    """Forecasts the run of one environment from what is stored."""

    compared: Callable[[], Awaitable[Mapping[Span, ComparisonRun]]]
    standings: Standings
    target: ImportTarget

    async def forecast(self) -> AccountForecast:
        """Return the forecast; two documents and the positions of the comparisons are read. Raises ConnectorErrors."""
        return account_forecast(await self.compared(), await self.standings.counted(), self.target)


def account_forecast(
    compared: Mapping[Span, ComparisonRun], stood: Stood | None, target: ImportTarget
) -> AccountForecast:
    """Estimate a run over the whole account from the last comparisons and the count of the bindings."""
    over_account = [run for run in compared.values() if run.since <= WHOLE_ACCOUNT]
    whole = max(filter(_is_whole, over_account), key=_ended, default=None)
    started = compared.get(Span.ACCOUNT)
    newest = whole or max(over_account, key=lambda run: run.contacts, default=None)
    bound = stood.of(Standing.IN_SPOTLER) + stood.asked if stood else 0
    if whole is not None:
        origin, contacts, at = Origin.ACCOUNT_READ, whole.contacts, whole.finished
    elif started is not None and started.size > started.contacts:
        origin, contacts, at = Origin.READ_BEFORE, started.size, started.begun
    elif newest is not None and newest.contacts >= max(bound, 1):
        origin, contacts, at = Origin.READ_SO_FAR, newest.contacts, newest.begun
    elif stood is not None:
        origin, contacts, at = Origin.BINDINGS, bound, stood.at
    else:
        return AccountForecast(Origin.UNKNOWN, target)
    seen = whole or (newest if newest is not None and newest.contacts else None)
    without_record = seen.found.get(Divergence.UNLINKED, 0) if seen else None
    imported = 0 if target is ImportTarget.NONE else _share(without_record, seen, contacts)
    deleted = seen.found.get(Divergence.UNKNOWN, 0) if seen else None
    return AccountForecast(
        origin=origin,
        target=target,
        contacts=contacts,
        at=at,
        seen=seen.contacts if seen else None,
        seen_begun=seen.begun if seen else None,
        without_record=without_record,
        deleted=deleted,
        bound_at=stood.at if stood else None,
        bound=bound if stood else None,
        held=stood.of(Standing.TO_DECIDE) - stood.asked if stood else None,
        ended=stood.of(Standing.LEFT_OUT) if stood else None,
        spotler_calls=ceil(contacts * _SPOTLER_CALLS + imported * _SPOTLER_CALLS_FOR_NEW) + 1,
        dataverse_calls=ceil(imported * (_IMPORT_CALLS / _PAGE + _DATAVERSE_CALLS_FOR_NEW) + (deleted or 0) / _PAGE),
        seconds=ceil(contacts * _SPOTLER_CALLS * _SECONDS_PER_CALL + imported / _NEW_PER_SECOND),
    )


def _is_whole(run: ComparisonRun) -> bool:
    """Whether it read the account to its end; a comparison also finishes when synchronisation is switched off."""
    return run.finished is not None and not run.stopped and run.until >= run.end


def _ended(run: ComparisonRun) -> datetime:
    return run.finished or run.begun


def _share(without_record: int | None, seen: ComparisonRun | None, contacts: int) -> int:
    """Return how many of the contacts are subscribers, if the rest is as what was seen; 0 if none was seen."""
    return round(contacts * without_record / seen.contacts) if seen and without_record else 0


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
