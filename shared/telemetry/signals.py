"""Every metric of the connector: the table for instruments, documentation and the check of alarms."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

SCOPE = "spotler-connector"


class SignalKind(StrEnum):
    """How values of a metric add up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Signal:
    """One metric. `dimensions` are the attributes that its values may carry, each with few values."""

    name: str
    kind: SignalKind
    unit: str
    meaning: str
    dimensions: tuple[str, ...] = ()


LATENCY = Signal(
    "connector.latency",
    SignalKind.HISTOGRAM,
    "s",
    "From the message of a save to the write in Spotler, retries included.",
    ("table", "result"),
)
OUTCOMES = Signal(
    "connector.outcomes",
    SignalKind.COUNTER,
    "{record}",
    "Processed records, by result and reason (`docs/errors.md`).",
    ("lane", "table", "result", "reason"),
)
JOBS = Signal(
    "connector.jobs",
    SignalKind.COUNTER,
    "{job}",
    "Spotler Jobs that ended, by result code.",
    ("operation", "status", "code"),
)
JOB_LATENCY = Signal(
    "connector.job.latency", SignalKind.HISTOGRAM, "s", "From the creation of a Spotler Job to its end.", ("operation",)
)
DIVERGENCES = Signal(
    "connector.divergences",
    SignalKind.COUNTER,
    "{contact}",
    "Contacts that a comparison with Spotler found to differ, by kind (`docs/howto/two-way.md`).",
    ("kind",),
)
STUCK_JOBS = Signal(
    "connector.jobs.stuck",
    SignalKind.GAUGE,
    "{job}",
    "Spotler Jobs that take too long.",
    ("status",),
)
CALLS = Signal(
    "connector.api.calls",
    SignalKind.COUNTER,
    "{request}",
    "HTTP requests to Dataverse and Spotler; status 0: no answer came.",
    ("service", "operation", "status"),
)
CALL_TIME = Signal(
    "connector.api.duration", SignalKind.HISTOGRAM, "s", "Duration of these requests.", ("service", "operation")
)
RETRIES = Signal("connector.api.retries", SignalKind.COUNTER, "{retry}", "Requests that were sent again.", ("cause",))
BUDGET = Signal(
    "connector.api.budget",
    SignalKind.GAUGE,
    "1",
    "Share that is left, 0 to 1. Dataverse: of its service protection limits, as of the last answer. Spotler, which "
    "publishes no limits: of our own concurrent requests; 0 during a pause that it asked for.",
    ("service",),
)
BACKLOG = Signal(
    "connector.queue.messages",
    SignalKind.GAUGE,
    "{message}",
    "Messages in a queue: active, scheduled, dead.",
    ("queue", "state"),
)
OLDEST = Signal(
    "connector.queue.oldest",
    SignalKind.GAUGE,
    "s",
    "Waiting time of the oldest message that is due.",
    ("queue",),
)
DEAD_LETTERED = Signal(
    "connector.dead_letters",
    SignalKind.COUNTER,
    "{message}",
    "Messages that are not retried automatically.",
    ("queue", "reason"),
)
HELD = Signal(
    "connector.brake.held",
    SignalKind.COUNTER,
    "{record}",
    "Records and lists that the brake has begun to hold.",
    ("kind",),
)
HELD_NOW = Signal(
    "connector.brake.waiting",
    SignalKind.GAUGE,
    "{record}",
    "Records and lists that wait for an administrator to release the brake.",
    ("kind",),
)
UP = Signal(
    "connector.service.up",
    SignalKind.GAUGE,
    "1",
    "1 if a service that the connector needs answers, else 0.",
    ("service",),
)
HEARTBEAT = Signal("connector.heartbeat", SignalKind.COUNTER, "{beat}", "Runs of the watch, one a minute.", ())
BEHIND = Signal(
    "connector.poll.behind",
    SignalKind.GAUGE,
    "s",
    "Time since the last poll that processed all changes in Spotler.",
    (),
)
CIRCUIT = Signal(
    "connector.circuit.open",
    SignalKind.GAUGE,
    "1",
    "1 while a lane asks a service no more, because it is down, asks for a pause or refuses the connector; else 0.",
    ("service", "lane"),
)
IMPORT_WAIT = Signal(
    "connector.newcomers.waiting", SignalKind.GAUGE, "s", "For how long new subscribers have waited to be taken in.", ()
)
DRIFT = Signal(
    "connector.mapping.drift", SignalKind.GAUGE, "{finding}", "Findings of the daily check of both sides.", ()
)
ROUND_TRIP = Signal(
    "connector.round_trip",
    SignalKind.GAUGE,
    "s",
    "From the write of the marked record in Dataverse until it is read in Spotler; 90 if it has not arrived by then.",
    (),
)

SIGNALS = (
    LATENCY,
    OUTCOMES,
    JOBS,
    JOB_LATENCY,
    STUCK_JOBS,
    DIVERGENCES,
    CALLS,
    CALL_TIME,
    RETRIES,
    BUDGET,
    BACKLOG,
    OLDEST,
    DEAD_LETTERED,
    HELD,
    HELD_NOW,
    UP,
    HEARTBEAT,
    BEHIND,
    CIRCUIT,
    IMPORT_WAIT,
    DRIFT,
    ROUND_TRIP,
)

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
"""Seconds, for histograms: from a single save to a message that waited for a day."""

_measured: defaultdict[str, dict[tuple[tuple[str, str], ...], float]] = defaultdict(dict)
_budgets: dict[str, Callable[[], float]] = {}


def is_exported() -> bool:
    """Return whether metrics are exported: only exporters import OpenTelemetry's SDK (`export.py`)."""
    return "opentelemetry.sdk.metrics" in sys.modules


def record(signal: Signal, value: float = 1, **dimensions: str) -> None:
    """Add to a counter, or record a value; ValueError for other dimensions than those of the signal."""
    if set(dimensions) != set(signal.dimensions):
        raise ValueError(f"{signal.name} has the dimensions {', '.join(signal.dimensions) or 'none'}")
    instrument = _INSTRUMENTS[signal.name]
    match signal.kind:
        case SignalKind.COUNTER:
            instrument.add(value, dimensions)
        case SignalKind.HISTOGRAM:
            instrument.record(value, dimensions)
        case SignalKind.GAUGE:
            _measured[signal.name][tuple(sorted(dimensions.items()))] = value


def watch_budget(service: str, share: Callable[[], float]) -> None:
    """Register the remaining share of a client, which is read whenever metrics are exported."""
    _budgets[service] = share


def _just_measured(signal: Signal) -> Callable[[CallbackOptions], Iterator[Observation]]:
    """Export each measured value once: an instance that stopped measuring must not repeat old values."""

    def observations(_: CallbackOptions) -> Iterator[Observation]:
        values = _measured[signal.name]
        for dimensions, value in list(values.items()):
            del values[dimensions]
            yield Observation(value, dict(dimensions))

    return observations


def _budget_now(_: CallbackOptions) -> Iterator[Observation]:
    for service, share in _budgets.items():
        yield Observation(share(), {"service": service})


def _instruments() -> dict[str, Any]:
    meter = metrics.get_meter(SCOPE)
    made: dict[str, Any] = {}
    for one in SIGNALS:
        about = {"unit": one.unit, "description": one.meaning}
        match one.kind:
            case SignalKind.COUNTER:
                made[one.name] = meter.create_counter(one.name, **about)
            case SignalKind.HISTOGRAM:
                made[one.name] = meter.create_histogram(one.name, explicit_bucket_boundaries_advisory=_BUCKETS, **about)
            case SignalKind.GAUGE if one is BUDGET:
                made[one.name] = meter.create_observable_gauge(one.name, callbacks=[_budget_now], **about)
            case SignalKind.GAUGE:
                made[one.name] = meter.create_observable_gauge(one.name, callbacks=[_just_measured(one)], **about)
    return made


_INSTRUMENTS = _instruments()


def signals_table() -> str:
    """Return one row per metric, as Markdown, for `docs/observability.md`."""
    rows = ["| metric | kind, unit | dimensions | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.kind}, {one.unit} | {', '.join(one.dimensions)} | {one.meaning} |" for one in SIGNALS
    ]
    return "\n".join(rows)
