"""Stores clicks of all people by minute, so that those of colleagues are compared whenever one of them becomes known.

| document | key | holds |
|---|---|---|
| `clicks` | minute, and handle of the mailing | by domain (a fingerprint): by external id, milliseconds of the minute |

A document is dropped at the age at which the statistics of a mailing are frozen.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.engagement.machines import TimedClick, deciding_clicks
from shared.domain.engagement.refreshing import memory_of
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.documents import Body, pages, update
from shared.ports.state import Delete, DocumentKey, StateStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)
_MANY = 100
"""If a domain has more clicks in a minute, only those that `deciding_clicks` returns are kept."""


@dataclass(frozen=True, slots=True, order=True)
class MailingDomain:
    """The recipients of one mailing whose addresses share a domain; `domain` is its fingerprint."""

    mailing: str
    domain: str


Clicks = Mapping[MailingDomain, Collection[TimedClick]]
_Minute = dict[str, set[TimedClick]]
"""The clicks of one mailing in one minute, by domain."""


class RecentClicks:
    """The documents of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-clicks"

    async def add(self, clicks: Clicks, *, around: timedelta) -> dict[MailingDomain, set[TimedClick]]:
        """Store clicks. Returns of each domain all clicks that are known of the minutes within `around` of them."""
        new = self._by_minute(clicks)
        near = {recipients: self._near(recipients.mailing, several, around) for recipients, several in clicks.items()}
        known: dict[DocumentKey, _Minute] = {}

        def change(key: DocumentKey, body: Body | None) -> Body | None:
            stored = _read(key, body)
            known[key] = _united(stored, new.get(key, {}))
            return None if known[key] == stored else _body(known[key])

        keys = sorted({key for of_domain in near.values() for key in of_domain})
        await update(self._store, keys, change, contended=StateCause.CLICKS_CHANGE())
        return {
            recipients: {click for key in of_domain for click in known[key].get(recipients.domain, ())}
            for recipients, of_domain in near.items()
        }

    async def thin_out(self, clicks: Clicks) -> None:
        """Reduce minutes with many clicks to their deciding clicks. Call this after the judgements are stored."""
        many = {recipients: several for recipients, several in clicks.items() if len(several) > _MANY}
        touched = self._by_minute(many)

        def change(key: DocumentKey, body: Body | None) -> Body | None:
            stored = _read(key, body)
            thin = {
                domain: set(deciding_clicks(several))
                for domain, several in stored.items()
                if domain in touched[key] and len(several) > _MANY
            }
            return _body(stored | thin) if thin else None

        await update(self._store, touched, change, contended=StateCause.CLICKS_CHANGE())

    async def forget_old(self, now: datetime) -> None:
        """Drop what is too old to be compared with new clicks. The oldest documents come first."""
        edge = _row("", (now - memory_of() - _EPOCH) // _MINUTE)
        async for page in pages(self._store, self._partition):
            old = [Delete(one.key) for one in page if one.key.row < edge]
            if old:
                await self._store.write(old)
            if len(old) < len(page):
                return

    def _by_minute(self, clicks: Clicks) -> dict[DocumentKey, _Minute]:
        found: defaultdict[DocumentKey, defaultdict[str, set[TimedClick]]] = defaultdict(lambda: defaultdict(set))
        for recipients, several in clicks.items():
            for click in several:
                found[self._key(recipients.mailing, click[0])][recipients.domain].add(click)
        return {key: dict(of_minute) for key, of_minute in found.items()}

    def _near(self, mailing: str, clicks: Collection[TimedClick], around: timedelta) -> set[DocumentKey]:
        moments = (at for click, _ in clicks for at in (click - around, click, click + around))
        return {self._key(mailing, at) for at in moments}

    def _key(self, mailing: str, at: datetime) -> DocumentKey:
        return DocumentKey(self._partition, _row(mailing, (at - _EPOCH) // _MINUTE))


def _row(mailing: str, minute: int) -> str:
    return f"{minute:09d}-{mailing}"


def _united(stored: _Minute, new: _Minute) -> _Minute:
    return stored | {domain: stored.get(domain, set()) | several for domain, several in new.items()}


def _read(key: DocumentKey, body: Body | None) -> _Minute:
    begin = _EPOCH + int(key.row.partition("-")[0]) * _MINUTE
    return {domain: set(_clicks(begin, people)) for domain, people in (body or {}).items()}


def _clicks(begin: datetime, people: Mapping[str, Collection[int]]) -> Iterator[TimedClick]:
    for person, stamps in people.items():
        for stamp in stamps:
            yield begin + stamp * _MILLISECOND, person


def _body(minute: _Minute) -> Body:
    body: dict[str, dict[str, list[int]]] = {}
    for domain, several in sorted(minute.items()):
        for at, person in sorted(several):
            stamp = (at - _EPOCH) % _MINUTE // _MILLISECOND
            body.setdefault(domain, {}).setdefault(person, []).append(stamp)
    return body
