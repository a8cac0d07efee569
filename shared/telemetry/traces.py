"""Traces that follow one change: its trace id is its correlation id.

Dataverse gives every save a correlation id, a UUID of 128 bits, which every message of the connector carries. It is the
trace id of all work that follows from the save, in any process and attempt. A batch of several changes has a trace of
its own, linked to theirs.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.errors import ConnectorError
from shared.telemetry.signals import SCOPE

_MOST_LINKS = 100
_NANOSECONDS = 1_000_000_000
_SPAN_ID_BYTES = 8

ATTRIBUTES = frozenset(
    {
        "attempt",
        "code",
        "correlation",
        "count",
        "error",
        "function",
        "job",
        "lane",
        "operation",
        "queue",
        "reason",
        "record",
        "recovery",
        "result",
        "service",
        "status",
        "table",
    }
)
"""The attributes of spans: codes, names of tables, ids of rows. Never a URL, a column's value or an address."""

Attribute = str | int | float | bool

_tracer = trace.get_tracer(SCOPE)


def context_of(correlation: str) -> SpanContext | None:
    """Return the span context of the change with this correlation id; None if that is no UUID."""
    try:
        trace_id = UUID(correlation).int
    except ValueError:
        return None
    span_id = int.from_bytes(hashlib.sha256(correlation.encode()).digest()[:_SPAN_ID_BYTES], "big")
    if not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


@contextmanager
def work(name: str, correlations: Iterable[str], kind: SpanKind, **attributes: Attribute) -> Iterator[Span]:
    """Open a span for the work on messages or a call: in the trace of one change, or linked to those of several."""
    known = [context for one in dict.fromkeys(correlations) if (context := context_of(one)) is not None]
    parent = trace.set_span_in_context(NonRecordingSpan(known[0]), Context()) if len(known) == 1 else Context()
    links = [Link(context) for context in known[:_MOST_LINKS]] if len(known) > 1 else []
    with _span(name, kind, attributes, parent, links) as span:
        yield span


@contextmanager
def phase(name: str, **attributes: Attribute) -> Iterator[Span]:
    """Open a span for a part of the current work."""
    with _span(name, SpanKind.INTERNAL, attributes, None, ()) as span:
        yield span


def call_made(name: str, seconds: float, ended: int, *, failed: bool, **attributes: Attribute) -> None:
    """Record a request to another service as a span; `ended` is in nanoseconds since 1970."""
    span = _tracer.start_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=_checked(attributes),
        start_time=ended - round(seconds * _NANOSECONDS),
    )
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end(ended)


def change_ended(name: str, correlation: str, began: datetime | None, *, failed: bool, **attributes: Attribute) -> None:
    """Record the outcome of a record as a span in the trace of its change, from `began`, when its message was sent."""
    here, own = trace.get_current_span().get_span_context(), context_of(correlation)
    is_own_trace = own is None or own.trace_id == here.trace_id
    span = _tracer.start_span(
        name,
        context=None if is_own_trace else trace.set_span_in_context(NonRecordingSpan(own), Context()),  # type: ignore[arg-type]  # own is not None here
        links=() if is_own_trace else (Link(here),),
        attributes=_checked({**attributes, "correlation": correlation}),
        start_time=None if began is None else round(began.timestamp() * _NANOSECONDS),
    )
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def current_correlation() -> str:
    """Return the id of the current trace as a correlation id; empty outside of a trace."""
    context = trace.get_current_span().get_span_context()
    return str(UUID(int=context.trace_id)) if context.is_valid else ""


@contextmanager
def _span(
    name: str, kind: SpanKind, attributes: dict[str, Attribute], context: Context | None, links: Iterable[Link]
) -> Iterator[Span]:
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=_checked(attributes),
        links=list(links),
        record_exception=False,  # its text may quote a person
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except ConnectorError as error:
            span.set_attributes({"error": type(error).__name__, "code": error.code, "recovery": error.recovery})
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        except BaseException as error:
            span.set_attribute("error", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _checked(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    if not attributes.keys() <= ATTRIBUTES:
        raise ValueError(f"spans have no attribute {', '.join(sorted(attributes.keys() - ATTRIBUTES))}")
    return attributes
