"""The errors of the connector, classified by what to do next (`docs/errors.md` lists each with its cure).

`str(error)` is safe to log: it names the service, the operation and codes. Text that came from the other side may quote
a person's data; it lives in `detail` and goes to the CRM row of that person, never to a log.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import ClassVar

UNREADABLE_CODE = "unreadable"
"""In the place of a code that has not the form of one."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}")
"""Our own codes, names of exceptions, Dataverse's `0x80040217`, Spotler's `CONTACT_ALREADY_EXISTS`, statuses."""


class Service(StrEnum):
    """Who answered."""

    DATAVERSE = "dataverse"
    SPOTLER = "spotler"
    STATE = "state"
    QUEUE = "queue"


_FOREIGN: Mapping[Service, re.Pattern[str]] = {
    Service.DATAVERSE: re.compile(r"0x[0-9A-Fa-f]{1,8}|[A-Za-z]{1,60}"),
    Service.SPOTLER: re.compile(r"[A-Z][A-Z0-9_]{0,59}"),
    Service.STATE: re.compile(r"[A-Za-z]{1,60}"),
    Service.QUEUE: re.compile(r"[A-Za-z]{1,60}"),
}
"""How each service writes its codes. An address, a number or a sentence is none of these."""


def foreign_code(service: Service, text: object) -> str:
    """Return a code that a service has sent; UNREADABLE_CODE for one that is none, "" where there is none.

    What a service sends may have been written by whoever answers in its place, and may quote a person.
    """
    if text is None or text == "":
        return ""
    return text if isinstance(text, str) and _FOREIGN[service].fullmatch(text) else UNREADABLE_CODE


class ConnectorError(Exception):
    """Anything that went wrong on purpose. Subclasses say what to do next."""

    recovery: ClassVar[str] = "look"

    def __init__(  # the attributes are the point of this class
        self,
        summary: str,
        *,
        service: Service | None = None,
        status: int | None = None,
        code: str = "",
        detail: str = "",
    ) -> None:
        """Keep `summary` free of personal data; `status` is an HTTP status, `code` our code or a `foreign_code`.

        A code goes to logs, spans, metrics, dead letters and state: what has not the form of one becomes a fixed word.
        """
        code = code if not code or _CODE.fullmatch(code) else UNREADABLE_CODE
        marks = " ".join(part for part in (service or "", f"HTTP {status}" if status is not None else "", code) if part)
        super().__init__(f"{summary} ({marks})" if marks else summary)
        self.summary = summary
        self.service = service
        self.status = status
        self.code = code
        self.detail = detail


class ConfigurationError(ConnectorError):
    """Credentials, permissions, unknown columns: nobody's record is at fault. An administrator must act."""

    recovery = "configure"


LONGEST_PAUSE = timedelta(hours=1)
"""Whoever asks for a longer one is asked again after this: no answer stops the connector for good."""


class ThrottledError(ConnectorError):
    """The other side asks for patience. Waiting is not an attempt."""

    recovery = "wait"

    def __init__(self, summary: str, *, retry_after: timedelta, **marks: object) -> None:
        """`retry_after` is what the other side asked for, or our own guess; of it, `LONGEST_PAUSE` at the most."""
        super().__init__(summary, **marks)  # type: ignore[arg-type]  # forwards the parent's keywords
        self.retry_after = min(retry_after, LONGEST_PAUSE)


class TransientError(ConnectorError):
    """Network, time-out, 5xx: the same call may work later."""

    recovery = "retry"


class DataError(ConnectorError):
    """This one record cannot be written as it is. Repeating does not help; its owner must correct it."""

    recovery = "correct"


class NotFoundError(DataError):
    """The addressed row or contact does not exist (any more)."""


class ConflictError(ConnectorError):
    """Somebody else changed it in between (HTTP 412, a lost claim). Read again and plan again."""

    recovery = "reread"


class UnknownOutcomeError(ConnectorError):
    """The call may or may not have had its effect and must not be repeated blindly."""

    recovery = "ask"


def whereabouts(error: BaseException) -> str:
    """Say in one line which exception it was and where in the code, without its text: that may quote a person's data.

    For logs of defects, in the place of `log.exception`, which prints the text of the exception and of its causes.
    """
    name = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    return f"{name} {places(error.__traceback__)}".rstrip()


def places(trace: TracebackType | None) -> str:
    """Return the lines of code that an exception went through, the innermost last."""
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace))
