"""The condition operators of the simulated Dataverse: periods that move with the clock, wildcards, several choices."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType
from shared.local.dataverse_sandbox.organisation.errors import WebApiError
from shared.local.dataverse_sandbox.organisation.privileges import Rights
from shared.local.dataverse_sandbox.queries import conditions
from shared.local.dataverse_sandbox.queries.conditions import QueryContext
from shared.local.dataverse_sandbox.rows.store import RowRef

MOMENT = Column("createdon", ColumnType.DATE_TIME)
DAY = Column("birthdate", ColumnType.DATE_TIME, behavior="DateOnly", date_only=True)
FLOATING = Column("meeting", ColumnType.DATE_TIME, behavior="TimeZoneIndependent")
TEXT = Column("lastname", ColumnType.STRING)
CHOICES = Column("interests", ColumnType.MULTI_SELECT)
NOON = datetime(2024, 3, 13, 12, 0, tzinfo=UTC)  # a Wednesday


def passes(operator: str, value: str | None, *operands: str, column: Column = MOMENT, zone: str = "UTC") -> bool:
    now = QueryContext(NOON, RowRef("systemuser", "u"), Rights("u"), ZoneInfo(zone))
    return conditions.test(operator, column, operands, now)(value)


@pytest.mark.parametrize(
    ("operator", "first", "last"),
    [
        ("today", "2024-03-13", "2024-03-13"),
        ("yesterday", "2024-03-12", "2024-03-12"),
        ("tomorrow", "2024-03-14", "2024-03-14"),
        ("this-week", "2024-03-10", "2024-03-16"),
        ("last-week", "2024-03-03", "2024-03-09"),
        ("next-week", "2024-03-17", "2024-03-23"),
        ("this-month", "2024-03-01", "2024-03-31"),
        ("last-month", "2024-02-01", "2024-02-29"),
        ("next-month", "2024-04-01", "2024-04-30"),
        ("this-year", "2024-01-01", "2024-12-31"),
        ("last-year", "2023-01-01", "2023-12-31"),
        ("next-year", "2025-01-01", "2025-12-31"),
    ],
)
def test_a_period_holds_its_first_and_last_day_and_no_other(operator: str, first: str, last: str) -> None:
    before, after = datetime.fromisoformat(first).toordinal() - 1, datetime.fromisoformat(last).toordinal() + 1
    outside = [datetime.fromordinal(day).date().isoformat() for day in (before, after)]
    for column, start, end in ((MOMENT, "T00:00:00Z", "T23:59:59Z"), (DAY, "", "")):
        assert passes(operator, f"{first}{start}", column=column)
        assert passes(operator, f"{last}{end}", column=column)
        assert not passes(operator, f"{outside[0]}{end}", column=column)
        assert not passes(operator, f"{outside[1]}{start}", column=column)
    assert not passes(operator, None)


@pytest.mark.parametrize(
    ("operator", "operands", "value", "holds"),
    [
        ("last-x-days", ("3",), "2024-03-10T00:00:00Z", True),
        ("last-x-days", ("3",), "2024-03-09T23:59:59Z", False),
        ("last-x-days", ("3",), "2024-03-13T12:00:01Z", False),
        ("next-x-days", ("1",), "2024-03-14T23:59:59Z", True),
        ("next-x-days", ("1",), "2024-03-15T00:00:00Z", False),
        ("last-x-hours", ("2",), "2024-03-13T10:00:00Z", True),
        ("last-x-hours", ("2",), "2024-03-13T09:59:59Z", False),
        ("last-x-months", ("1",), "2024-02-13T00:00:00Z", True),
        ("last-x-months", ("1",), "2024-02-12T23:59:59Z", False),
        ("olderthan-x-months", ("1",), "2024-02-13T11:59:59Z", True),
        ("olderthan-x-months", ("1",), "2024-02-13T12:00:00Z", False),
        ("on", ("2024-03-13",), "2024-03-13T23:59:59Z", True),
        ("on-or-before", ("2024-03-13",), "2024-03-14T00:00:00Z", False),
        ("on-or-after", ("2024-03-13",), "2024-03-13T00:00:00Z", True),
    ],
)
def test_spans_begin_and_end_where_they_should(
    operator: str, operands: tuple[str, ...], value: str, *, holds: bool
) -> None:
    assert passes(operator, value, *operands) is holds


@pytest.mark.parametrize(
    ("operator", "operands"), [("today", ()), ("on", ("2024-03-13",)), ("this-week", ()), ("last-x-days", ("4",))]
)
def test_days_are_those_of_the_time_zone_of_the_organisation(operator: str, operands: tuple[str, ...]) -> None:
    first = {"today": 13, "on": 13, "this-week": 10, "last-x-days": 9}[operator]
    late_evening_in_utc = f"2024-03-{first - 1:02}T23:30:00Z"  # half past midnight in Amsterdam
    assert not passes(operator, late_evening_in_utc, *operands)
    assert passes(operator, late_evening_in_utc, *operands, zone="Europe/Amsterdam")
    assert not passes(operator, late_evening_in_utc, *operands, column=FLOATING, zone="Europe/Amsterdam")


@pytest.mark.parametrize(
    ("operator", "pattern", "name", "holds"),
    [
        ("contains", "a%e", "Meander", True),
        ("contains", "a%e", "Menda", False),
        ("begins-with", "m_a", "Meander", True),
        ("begins-with", "m_e", "Meander", False),
        ("ends-with", "[c-e]er", "Meander", True),
        ("ends-with", "[^c-e]er", "Meander", False),
        ("like", "%[%]%", "100% wool", True),
        ("like", "%[%]%", "wool", False),
        ("like", "[z-a]", "m", False),
        ("contains", "(a|b)", "a", False),
        ("contains", "[", "a[b", True),
    ],
)
def test_wildcards_work_in_every_operator_on_text(operator: str, pattern: str, name: str, *, holds: bool) -> None:
    assert passes(operator, name, pattern, column=TEXT) is holds


def test_choices_are_looked_for_among_several() -> None:
    assert passes("contain-values", "1,12", "12", column=CHOICES)
    assert not passes("contain-values", "1,12", "2", column=CHOICES)
    assert passes("not-contain-values", "1,12", "2", column=CHOICES)
    assert passes("eq", "1,12", "1,12", column=CHOICES)


@pytest.mark.parametrize(
    ("operator", "column", "status"),
    [
        ("this-month", TEXT, 400),
        ("contain-values", TEXT, 400),
        ("is", TEXT, 400),
        ("under", TEXT, 501),
        ("eq-or-above", TEXT, 501),
        ("eq-userteams", TEXT, 501),
        ("ne-businessid", TEXT, 501),
        ("last-x-fiscal-periods", MOMENT, 501),
        ("in-fiscal-period-and-year", MOMENT, 501),
    ],
)
def test_operators_that_do_not_fit_are_400_and_those_not_simulated_501(
    operator: str, column: Column, status: int
) -> None:
    with pytest.raises(WebApiError, match=operator) as refused:
        passes(operator, None, "1", column=column)
    assert refused.value.status == status


@pytest.mark.parametrize(("operator", "operands"), [("today", ("1",)), ("last-x-days", ()), ("last-x-days", ("0",))])
def test_operators_of_dates_take_the_values_that_they_take(operator: str, operands: tuple[str, ...]) -> None:
    with pytest.raises(WebApiError):
        passes(operator, None, *operands)
