"""Traces and metrics in memory: what the connector tells while a test listens.

OpenTelemetry has one provider a process. It is set once and drops everything that nobody listens to.
"""
# ruff: noqa: ARG002, PLR0917  # the signature of a sampler is not ours

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from shared.telemetry.signals import Signal


class _WhileListening(Sampler):
    listens = False

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        return SamplingResult(Decision.RECORD_AND_SAMPLE if self.listens else Decision.DROP, attributes)

    def get_description(self) -> str:
        return "while somebody listens"


_SAMPLER = _WhileListening()
_SPANS = InMemorySpanExporter()
_METRICS = InMemoryMetricReader(
    preferred_temporality={Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
)


@dataclass
class Telemetry:
    """What was told since somebody began to listen."""

    _measured: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans that have ended, in that order."""
        return list(_SPANS.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Spans with this name."""
        return [span for span in self.spans if span.name == name]

    def trace_of(self, correlation: str) -> list[ReadableSpan]:
        """Spans of the trace of one change."""
        return [span for span in self.spans if span.get_span_context().trace_id == UUID(correlation).int]  # type: ignore[union-attr]  # ended spans have one

    def values(self, signal: Signal, **dimensions: str) -> list[float]:
        """What a metric has added up to, by series that have these dimensions among theirs."""
        self._collect()
        return [
            value
            for name, attributes, value in self._measured
            if name == signal.name and dimensions.items() <= attributes.items()
        ]

    def total(self, signal: Signal, **dimensions: str) -> float:
        """The sum of these."""
        return sum(self.values(signal, **dimensions))

    def dimensions(self) -> list[str]:
        """Every series that was measured, as text: its name and its dimensions."""
        self._collect()
        return [f"{name} {attributes}" for name, attributes, _ in self._measured]

    def _collect(self) -> None:
        data = _METRICS.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        value = point.value if hasattr(point, "value") else point.count
                        self._measured.append((metric.name, dict(point.attributes or {}), value))


@contextmanager
def listening() -> Iterator[Telemetry]:
    """Record while the block runs."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider(sampler=_SAMPLER)
        provider.add_span_processor(SimpleSpanProcessor(_SPANS))
        trace.set_tracer_provider(provider)
        metrics.set_meter_provider(MeterProvider(metric_readers=[_METRICS]))
    _SPANS.clear()
    _METRICS.get_metrics_data()  # what was before is nobody's business
    _SAMPLER.listens = True
    try:
        yield Telemetry()
    finally:
        _SAMPLER.listens = False
