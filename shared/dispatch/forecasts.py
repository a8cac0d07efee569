"""Forecasts: plan everybody with what is not live yet, and count what would change. Nothing is written on either side.

One document for each subject, in the partition `forecast`: the position, counts, and ids of some records for each
kind of difference. Values are not kept: a page that shows some reads these records again.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

from shared.administration.preview import Preview, RecordPreview
from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonTable
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.stored import from_data, template_data
from shared.messages.lane_messages import ForecastStep, Lanes, Subject
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.queue import QueueName
from shared.ports.state import DocumentKey, StateStore

log = logging.getLogger(__name__)

PAGE = 500
_STALLED = timedelta(minutes=1)
"""A forecast whose position has not moved for so long, and that gets the message of an earlier page, stands still."""

_SAMPLES = 5
"""Records that are kept for each kind of difference."""

_MOST_KINDS = 60


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over the records that were planned.

    `actions` are by `before -> after`. `fields` are by the property whose value differs, `emptied` by the property that
    loses its value. `problems` are by the text of a value that does not fit. `ends` counts people who leave
    the platform, or lose all permissions. `samples` are record ids by kind: an action, or a property. `templates` has
    template and values of each text of `problems`; an earlier version stored none.
    """

    done: int = 0
    differing: int = 0
    ends: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)
    emptied: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[str, int] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def problem_phrases(self) -> list[tuple[Phrase, int]]:
        """Return the texts of `problems` for a reader in any language, with their counts."""
        return [(from_data(text, self.templates.get(text, {})), count) for text, count in self.problems.items()]

    def with_page(self, page: Sequence[RecordPreview], cleared: frozenset[str]) -> "Tally":
        """Return the counts with one more page; `cleared` are properties that no row names any more."""
        differing = [one for one in page if one.differs]
        samples = {kind: list(records) for kind, records in self.samples.items()}
        for one in differing:
            for kind in _kinds(one):
                known = samples.setdefault(kind, []) if len(samples) < _MOST_KINDS else samples.get(kind, [])
                if len(known) < _SAMPLES:
                    known.append(str(one.key))
        texts = [problem.text for one in page for problem in (*one.after.refused, *one.after.cut)]
        return Tally(
            done=self.done + len(page),
            differing=self.differing + len(differing),
            ends=self.ends + sum(1 for one in page if one.ends),
            actions=_added(self.actions, (_action(one) for one in page)),
            fields=_added(self.fields, (name for one in differing for name in one.changed)),
            emptied=_added(self.emptied, (name for one in page for name in one.emptied(clears=cleared))),
            problems=_added(self.problems, texts),
            templates={**self.templates, **{str(text): template_data(text) for text in texts}},
            samples=samples,
        )


def _action(one: RecordPreview) -> str:
    return f"{one.before.reason} -> {one.after.reason}"


def _kinds(one: RecordPreview) -> Iterable[str]:
    yield from one.changed
    if (one.before.action, one.before.reason) != (one.after.action, one.after.reason):
        yield _action(one)


def _added(known: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    return dict(sorted((Counter(known) + Counter(names)).items()))


_TALLY = Codec(Tally)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast. `text` is the mapping that is tried (YAML), empty for the live one.

    `tables` are those that are not done, the first of them up to `after`; without any the forecast is finished.
    """

    id: str
    subject: Subject
    by: str
    begun: datetime
    saved: datetime
    tables: tuple[PersonTable, ...]
    text: str = ""
    after: str | None = None
    pages: int = 0
    tally: Annotated[Tally, _TALLY] = field(default_factory=Tally)
    etag: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether everybody was planned."""
        return not self.tables


_CODEC = Codec(Forecast, outside={"etag"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Begins and continues forecasts on the bulk lane, one for each subject. All methods raise ConnectorErrors."""

    preview: Preview
    crm: Crm
    lanes: Lanes
    store: StateStore
    clock: Clock
    environment: str

    async def begin(self, subject: Subject, mapping: FieldMapping | None = None, *, by: str) -> Forecast:
        """Begin a forecast of a mapping, or of going live; it replaces one of the same subject."""
        now, rules = self.clock.now(), self.preview.rules
        found = await self.latest(subject)
        forecast = Forecast(
            id=uuid4().hex,
            subject=subject,
            by=by,
            begun=now,
            saved=now,
            tables=tuple(table for table in PersonTable if table in rules.enabled_tables),
            text=to_yaml(mapping) if mapping is not None else "",
            etag=found.etag if found is not None else "",
        )
        if await self._save(forecast):
            await self._send(forecast)
        return forecast

    async def latest(self, subject: Subject) -> Forecast | None:
        """Return the last forecast of a subject, finished or not; None if there is none."""
        found = await read_one(self.store, self._key(subject))
        return _CODEC.read(found.body, etag=found.etag) if found else None

    async def step(self, message: ForecastStep, *, lane: QueueName) -> None:
        """Plan one page, then send the message of the next one. A crash in between repeats a page."""
        forecast = await self.latest(message.subject)
        if forecast is None or forecast.id != message.forecast or forecast.is_finished:
            return
        if message.page != forecast.pages:
            await self._leave(forecast, message, lane)
            return
        rules = self._rules(forecast)
        page = await self.crm.people_page(forecast.tables[0], after=forecast.after, limit=PAGE)
        compared = await self.preview.compare(page.keys, rules)
        is_last = page.after is None
        forecast = replace(
            forecast,
            saved=self.clock.now(),
            tables=forecast.tables[1:] if is_last else forecast.tables,
            after=page.after,
            pages=forecast.pages + 1,
            tally=forecast.tally.with_page(compared, self.preview.cleared(rules.mapping)),
        )
        if not await self._save(forecast):
            return  # another message has handled this page
        if not forecast.is_finished:
            await self._send(forecast)
        else:
            log.info("a forecast (%s) has planned %d records", forecast.subject, forecast.tally.done)

    def _rules(self, forecast: Forecast) -> Rules:
        """Return what is tried: a mapping, or the live one for everybody."""
        match forecast.subject:
            case Subject.MAPPING:
                return replace(self.preview.rules, mapping=from_yaml(forecast.text))
            case Subject.LIVE:
                return replace(self.preview.rules, allow_list=None)

    async def _leave(self, forecast: Forecast, message: ForecastStep, lane: QueueName) -> None:
        """Leave a page that is done. Its worker may have died before it sent the next one: that follows in a minute."""
        now = self.clock.now()
        if now - forecast.saved < _STALLED:
            await self.lanes.send_later(lane, message, now + _STALLED)
        else:
            await self._send(forecast)

    async def _send(self, forecast: Forecast) -> None:
        step = ForecastStep(
            subject=forecast.subject, forecast=forecast.id, page=forecast.pages, correlation=f"forecast-{forecast.id}"
        )
        await self.lanes.send(QueueName.BULK, step)

    async def _save(self, forecast: Forecast) -> bool:
        (etag,) = await self.store.write([versioned(self._key(forecast.subject), _CODEC.body(forecast), forecast.etag)])
        return etag is not None

    def _key(self, subject: Subject) -> DocumentKey:
        return DocumentKey(f"{self.environment}-forecast", subject)
