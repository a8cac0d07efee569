"""Formats of log lines with their correlation id: text for people, or JSON for machines."""

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType

from shared.domain.values.texts import printable
from shared.errors import places
from shared.telemetry.traces import current_correlation

_ADDED = ("correlation", "attempt")
"""The members of `extra` in the connector's own calls."""


class LogFormat(StrEnum):
    """The format of lines: setting `LOG_FORMAT` of the local commands."""

    TEXT = "text"
    JSON = "json"


_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def formatter(form: LogFormat) -> logging.Formatter:
    """Return the formatter of a format."""
    match form:
        case LogFormat.TEXT:
            return TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        case LogFormat.JSON:
            return JsonFormatter()


def correlation_of(record: logging.LogRecord) -> str:
    """Return the correlation id of the record itself, else of the current trace."""
    return str(getattr(record, "correlation", "") or "") or current_correlation()


class TextFormatter(logging.Formatter):
    """The usual line, with the correlation id at its end. A record is always one line, whatever its text."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        record.exc_text = None  # another formatter may have stored the text of the exception here
        correlation = correlation_of(record)
        line = super().format(record)
        record.exc_text = None
        return printable(f"{line} [{correlation}]" if correlation else line)

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802  # the name is not ours
        """Return the type of an exception and its places in the code; its text may quote a person."""
        kind, _, trace = ei
        return f"{kind.__name__ if kind else ''} {places(trace)}".strip()


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: getattr(record, name) for name in _ADDED if hasattr(record, name)},
        }
        if correlation := correlation_of(record):
            line["correlation"] = correlation
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__  # its text may quote a person
        return json.dumps(line, default=str)
