"""The known mailings with their counts and rates as flat rows, for lists and exports (P-19)."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from shared.domain.engagement.statistics import MailingCounts, MailingFigures, figures
from shared.engagement.mailings.known_mailings import KnownMailing

_FIGURES = tuple(MailingFigures.__dataclass_fields__)
FIGURE_COLUMNS = ("mailing", "name", "kind", "origin", "begun", "readOn", "frozen", *_FIGURES)
"""The columns of the report, in order; the figures have the names of the domain."""

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def figure_rows(mailings: Iterable[KnownMailing]) -> list[dict[str, str]]:
    """Return one row for each mailing, newest first. A figure that is unknown is empty, never 0."""
    ordered = sorted(mailings, key=lambda one: (one.begun or _LONG_AGO, one.handle), reverse=True)
    return [_row(one) for one in ordered]


def _row(one: KnownMailing) -> dict[str, str]:
    counted = asdict(figures(one.counts or MailingCounts(sent=one.sent)))
    return {
        "mailing": one.handle,
        "name": one.name,
        "kind": str(one.kind),
        "origin": str(one.origin),
        "begun": _text(one.begun),
        "readOn": _text(one.read_on),
        "frozen": str(one.is_frozen).lower(),
        **{name: "" if value is None else str(value) for name, value in counted.items()},
    }


def _text(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
