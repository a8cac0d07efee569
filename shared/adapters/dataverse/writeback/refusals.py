"""Turns an error of a write into an error text that the record's owner can use.

Dataverse's message may quote a value, so it stays in `detail`; only names of columns are taken from it.
"""

import re
from collections.abc import Collection
from http import HTTPStatus

from shared.adapters.dataverse.web_api.faults import DUPLICATE_DETECTED, TAKEN_KEY
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.phrase import Phrase
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    DataError,
    NotFoundError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)

_WORD = re.compile(r"[a-z][a-z0-9_]*")


def refusal(error: ConnectorError, columns: Collection[str]) -> ConnectorError:
    """Return the error of the record for an error of its write. `columns` are those that were written.

    A missing privilege concerns this record only: rows of other owners, and other columns, may be writable.
    """
    match error:
        case DataError() if isinstance(error, NotFoundError) or error.status is None:  # gone, or nothing was sent
            return error
        case ConfigurationError() if error.status == HTTPStatus.FORBIDDEN:
            return _restated(error, DataverseCause.NOT_WRITABLE(), columns)
        case DataError() if error.code == TAKEN_KEY:
            return _restated(error, DataverseCause.ALTERNATE_KEY(), columns)
        case DataError() if error.code == DUPLICATE_DETECTED:
            return _restated(error, DataverseCause.DUPLICATE_RULE(), ())
        case DataError():
            return _restated(error, DataverseCause.RECORD_REFUSED(), columns)
        case _:
            return error


def worst(errors: Collection[ConnectorError]) -> ConnectorError | None:
    """Return the error to report: first one that waiting or repeating cures. A repetition raises the others again."""
    return min(errors, key=_rank, default=None)


def _rank(error: ConnectorError) -> int:
    match error:
        case ThrottledError() | TransientError() | UnknownOutcomeError():
            return 0
        case ConflictError():
            return 1
        case _:
            return 2


def _restated(error: ConnectorError, text: Phrase, columns: Collection[str]) -> DataError:
    named = set(_WORD.findall(error.detail.casefold()))
    blamed = sorted(named & set(columns))
    return DataError(
        DataverseCause.OF_COLUMNS(text=text, columns=tuple(blamed)) if blamed else text,
        service=error.service,
        status=error.status,
        code=error.code,
        detail=error.detail,
    )
