"""The errors of the connector, classified by what to do next (`docs/errors.md` lists each with its cure).

`str(error)` is safe to log: it has the service, the operation and codes. Text from the other side may quote a person's
data: it is in `detail`, for the CRM row of that person and never for a log.
"""

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
"""Codes: the connector's own, names of exceptions, Dataverse's `0x80040217`, Spotler's `CONTACT_ALREADY_EXISTS`,
statuses."""


class Service(StrEnum):
    """The service that answered."""

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
    """Return a code from a service; UNREADABLE_CODE for a malformed code, "" for none.

    A proxy may have written the answer of a service, and the answer may quote a person's data.
    """
    if text is None or text == "":
        return ""
    return text if isinstance(text, str) and _FOREIGN[service].fullmatch(text) else UNREADABLE_CODE


class ConnectorError(Exception):
    """An expected error. Subclasses determine what to do next."""

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
        """Keep `summary` free of personal data; `status` is an HTTP status, `code` an own code or a `foreign_code`.

        A code goes to logs, spans, metrics, dead letters and state; a malformed code becomes a fixed word.
        """
        code = code if not code or _CODE.fullmatch(code) else UNREADABLE_CODE
        marks = " ".join(part for part in (service or "", f"HTTP {status}" if status is not None else "", code) if part)
        super().__init__(f"{summary} ({marks})" if marks else summary)
        self.summary = summary
        self.marks = marks
        self.service = service
        self.status = status
        self.code = code
        self.detail = detail


class ConfigurationError(ConnectorError):
    """Wrong credentials, permissions or columns, independent of the record. An administrator must act."""

    recovery = "configure"


LONGEST_PAUSE = timedelta(hours=1)
"""After a longer requested pause the service is asked again anyway: no answer stops the connector for good."""


class ThrottledError(ConnectorError):
    """The other side asks for a pause. Waiting is not an attempt."""

    recovery = "wait"

    def __init__(self, summary: str, *, retry_after: timedelta, **marks: object) -> None:
        """`retry_after` is the requested pause, or an estimate; at most `LONGEST_PAUSE`."""
        super().__init__(summary, **marks)  # type: ignore[arg-type]  # forwards the parent's keywords
        self.retry_after = min(retry_after, LONGEST_PAUSE)


class TransientError(ConnectorError):
    """Network, time-out, 5xx: the same call may work later."""

    recovery = "retry"


class DataError(ConnectorError):
    """This one record cannot be written as it is. Repeating does not help; its owner must correct it."""

    recovery = "correct"


class NotFoundError(DataError):
    """The addressed row or contact does not exist."""


class ConflictError(ConnectorError):
    """Another writer was faster (HTTP 412, a lost claim). Read again and plan again."""

    recovery = "reread"


class UnknownOutcomeError(ConnectorError):
    """The call may or may not have had its effect and must not be repeated blindly."""

    recovery = "ask"


def whereabouts(error: BaseException) -> str:
    """Return the type and the place in the code of an exception, without its text, which may quote a person's data.

    Replaces `log.exception` for defects: that logs the texts of the exception and of its causes.
    """
    name = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    return f"{name} {places(error.__traceback__)}".rstrip()


def places(trace: TracebackType | None) -> str:
    """Return the lines of code that an exception went through, the innermost last."""
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace))
