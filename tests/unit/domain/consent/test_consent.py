"""Changes of consent as values, and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from shared.domain.consent.changes import (
    BULK_EMAIL,
    OPT_OUT,
    ConsentAct,
    ConsentChange,
    ConsentSource,
    ConsentState,
    permission,
    sortable,
)
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.csv_text import csv_header, csv_lines

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CHANGE = ConsentChange(
    NOON, ANN, "e-1", permission(4), ConsentState.NO, ConsentState.YES, ConsentSource.DATAVERSE_ROW, "c-1"
)


def test_a_moment_sorts_as_text_whatever_its_zone_and_its_fraction() -> None:
    moments = [NOON + timedelta(microseconds=step) for step in (0, 1, 10, 1_000_000)]
    assert sorted(map(sortable, reversed(moments))) == [sortable(moment) for moment in moments]
    assert sortable(NOON.astimezone(timezone(timedelta(hours=2)))) == sortable(NOON) == "2026-11-24T12:00:00.000000Z"


def test_a_change_that_is_recorded_again_later_is_the_same() -> None:
    assert replace(CHANGE, at=NOON + timedelta(minutes=5)).digest == CHANGE.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(CHANGE, record=RecordKey(PersonTable.LEAD, ANN.id)),
        replace(CHANGE, external_id="e-2"),
        replace(CHANGE, subject=permission(8)),
        replace(CHANGE, subject=BULK_EMAIL),
        replace(CHANGE, old=ConsentState.UNKNOWN),
        replace(CHANGE, new=ConsentState.NO),
        replace(CHANGE, source=ConsentSource.JOB),
        replace(CHANGE, correlation="c-2"),
    ],
)
def test_a_change_of_anything_else_is_another_one(other: ConsentChange) -> None:
    assert other.digest != CHANGE.digest


def test_without_a_correlation_the_time_distinguishes_changes() -> None:
    anonymous = replace(CHANGE, correlation="")
    assert replace(anonymous, at=NOON + timedelta(minutes=5)).digest != anonymous.digest


@pytest.mark.parametrize("subject", ["Newsletter", "permissions", "permissions:", "ann@example.com", "my list:4", ""])
def test_a_subject_is_an_id_and_never_a_name(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        replace(CHANGE, subject=subject)


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        replace(CHANGE, at=NOON.replace(tzinfo=None))


def test_an_act_contains_the_differences_only() -> None:
    act = ConsentAct(NOON, ANN, "e-1", ConsentSource.FIRST_MEETING, "c-1")
    changes = act.changes(
        {"permissions:1": True, "permissions:2": None, "permissions:8": True, OPT_OUT: False},
        {
            "permissions:1": True,
            "permissions:2": True,
            "permissions:4": False,
            OPT_OUT: True,
        },
    )
    assert [(one.subject, one.old, one.new) for one in changes] == [
        ("permissions:2", ConsentState.UNKNOWN, ConsentState.YES),
        ("permissions:4", ConsentState.UNKNOWN, ConsentState.NO),
        (OPT_OUT, ConsentState.NO, ConsentState.YES),
    ]
    assert {(one.at, one.record, one.source, one.correlation) for one in changes} == {
        (NOON, ANN, ConsentSource.FIRST_MEETING, "c-1")
    }


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(cell: str) -> None:
    text = csv_header(["a", "b"]) + csv_lines(["a", "b"], [{"a": cell, "b": 'plain, "quoted"'}])
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert header == ["a", "b"]
    assert row[0].startswith("'")
    assert row[0].replace("'", "") == cell
    assert row[1] == 'plain, "quoted"'
