"""What Dataverse refused of one record, in words: columns are named, values never."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.dataverse.web_api.faults import fault
from shared.adapters.dataverse.writeback.refusals import refusal, worst
from shared.errors import ConflictError, ConnectorError, DataError, NotFoundError, ThrottledError, TransientError


def answer(status: int, code: str, message: str) -> ConnectorError:
    body = f'{{"error": {{"code": "{code}", "message": "{message}"}}}}'
    return fault("PATCH contacts", status, {}, body.encode())


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (answer(400, "0x80040203", "Attribute 'jobtitle' cannot be NULL."), "Dataverse refused the record: jobtitle"),
        (answer(400, "0x80040265", "Job title Baker is on strike"), "Dataverse refused the record"),
        (
            answer(403, "0x80040220", "Principal lacks write on attribute jobtitle of Geheim"),
            "The connector's role in Dataverse may not write this record: jobtitle",
        ),
        (
            answer(412, "0x80040333", "A duplicate exists"),
            "A duplicate detection rule of Dataverse objects: merge the duplicates, or change the rule",
        ),
    ],
)
def test_a_refusal_names_the_column_and_never_the_value(error: ConnectorError, text: str) -> None:
    told = refusal(error, {"jobtitle", "firstname"})
    assert isinstance(told, DataError)
    assert told.summary == text
    assert told.detail == error.detail
    assert "Geheim" not in str(told)


def test_an_error_that_is_no_refusal_stays_unchanged() -> None:
    for error in (answer(404, "0x80040217", "gone"), answer(412, "0x80060882", "old"), answer(401, "", "")):
        assert refusal(error, {"jobtitle"}) is error


def test_the_error_that_repeating_may_mend_is_reported_first() -> None:
    throttled = ThrottledError("wait", retry_after=timedelta(seconds=1))
    assert worst([DataError("a"), NotFoundError("b"), ConflictError("c"), throttled]) is throttled
    conflict = ConflictError("c")
    assert worst([DataError("a"), conflict]) is conflict
    assert isinstance(worst([DataError("a"), TransientError("b")]), TransientError)
    assert worst([]) is None
