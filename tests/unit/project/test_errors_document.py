"""Whoever meets a code in a log, on a record or in a queue finds it in `docs/errors.md`, with a cure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from shared import errors
from shared.adapters.dataverse.events.execution_context import EventRefusal
from shared.domain.features.automations import StartRefusal
from shared.domain.features.capabilities import CAPABILITY_OFF
from shared.domain.features.lists import LeftOut
from shared.domain.features.schema_drift import Shift
from shared.domain.mapping.findings import Code
from shared.domain.records.jobs import JobResult
from shared.domain.records.outcomes import Reason
from shared.errors import ConnectorError
from shared.inbound.reviews import ReviewReason

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "errors.md").read_text(encoding="utf-8")
ALL_IS_WELL = {Reason.CREATED, Reason.UPDATED, Reason.AGREED, Reason.RETURNED, Reason.LEAD_QUALIFIED}


def rows() -> Iterator[tuple[set[str], str]]:
    """The codes in the first cell of each row of a table, and its last cell."""
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (codes := set(re.findall(r"`([^`]+)`", cells[0]))):
            yield codes, cells[-1]


@pytest.mark.parametrize("codes", [Reason, JobResult, LeftOut, StartRefusal, Code, Shift, ReviewReason, EventRefusal])
def test_every_code_is_explained(codes: type[StrEnum]) -> None:
    known = set(re.findall(r"`([^`]+)`", DOCUMENT))
    assert {str(code) for code in codes} - {JobResult.OK} <= known
    assert CAPABILITY_OFF in known


def test_every_reason_that_somebody_may_want_to_change_has_a_cure() -> None:
    cures = {code: cure for codes, cure in rows() for code in codes}
    assert [reason for reason in Reason if reason not in ALL_IS_WELL and not cures.get(reason)] == []


def test_every_class_of_errors_is_explained() -> None:
    classes = {
        one.__name__
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, ConnectorError) and one is not ConnectorError
    }
    assert classes <= {code for codes, _ in rows() for code in codes}
