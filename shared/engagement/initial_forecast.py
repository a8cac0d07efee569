"""Before the initial synchronisation of mailings: how many are read and left out, how long, how many calls (INI-05)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.engagement.mailings import Mailing, MailingKind

_RECIPIENTS_PER_CALL = 100
_READERS_PER_RECIPIENT = 0.6
"""Opens, clicks and bounces of a recipient; those of a mailing that 30 % open are 0.6 (docs/performance.md)."""

_CALLS_FOR_A_MAILING = 5
"""Details, statistics, and the last page of each of its lists."""

_ROWS_PER_WRITE = 200
_WRITES_FOR_A_MAILING = 10
"""Requests to Dataverse, whatever its size: its Campaign row, records, scores."""

_RECIPIENTS_PER_SECOND = 400
_SECONDS_FOR_A_MAILING = 1.0
"""Measured through the app and both simulated services; the accounts may be slower."""


@dataclass(frozen=True, slots=True)
class InitialForecast:
    """What the run will read from `since` on, as Spotler lists it now.

    `mailings` are read; `nothing_sent` are left out, because no message of them went out. `messages` are those of the
    `mailings`, apart from the `unsized` ones, whose number Spotler does not tell. Calls and seconds are estimates.
    """

    since: datetime
    mailings: int
    nothing_sent: int
    messages: int
    unsized: int
    spotler_calls: int
    dataverse_calls: int
    seconds: int

    def as_json(self) -> dict[str, Any]:
        """Return it for an answer."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "mailings": self.mailings,
            "leftOut": {"nothing-sent": self.nothing_sent},
            "messages": self.messages,
            "withoutSize": self.unsized,
            "estimates": {
                "callsToSpotler": self.spotler_calls,
                "callsToDataverse": self.dataverse_calls,
                "seconds": self.seconds,
            },
        }


def initial_forecast(listed: Sequence[Mailing], since: datetime, now: datetime, *, reads_sent: bool) -> InitialForecast:
    """Estimate the run over these mailings. `reads_sent` says whether the lists of recipients are read, too."""
    begun = [one for one in listed if one.has_begun(now)]
    messages = sum(one.sent or 0 for one in begun)
    emails = sum(one.sent or 0 for one in begun if one.kind is not MailingKind.SMS)
    entries = emails * _READERS_PER_RECIPIENT + (messages if reads_sent else 0)
    return InitialForecast(
        since=since,
        mailings=len(begun),
        nothing_sent=len(listed) - len(begun),
        messages=messages,
        unsized=sum(one.sent is None for one in begun),
        spotler_calls=round(len(begun) * _CALLS_FOR_A_MAILING + entries / _RECIPIENTS_PER_CALL),
        dataverse_calls=round(len(begun) * _WRITES_FOR_A_MAILING + messages / _ROWS_PER_WRITE),
        seconds=round(len(begun) * _SECONDS_FOR_A_MAILING + messages / _RECIPIENTS_PER_SECOND),
    )
