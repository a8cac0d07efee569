"""A plot of growth begins at 0, adds up, and counts in hours for two days and in days for longer."""

from datetime import UTC, datetime, timedelta

from shared.console.rendering.growth import growth

BEGUN = datetime(2026, 5, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_lines_add_up_hour_by_hour() -> None:
    added = [(BEGUN, (3, 1)), (BEGUN + 2 * HOUR, (2, 0))]
    found = growth(("Opened", "Clicked"), BEGUN, BEGUN + 2.5 * HOUR, added)
    assert [step.sums for step in found.steps] == [(0, 0), (3, 1), (3, 1), (5, 1)]
    assert [curve.name for curve in found.curves] == ["Opened", "Clicked"]
    assert found.is_in_hours
    assert [grid.value for grid in found.grid] == [0, 2, 5]


def test_after_two_days_a_step_is_a_day_and_few_have_a_label() -> None:
    found = growth(("Opened",), BEGUN, BEGUN + 42 * DAY, [(BEGUN + 30 * HOUR, (1200,))])
    assert (found.is_in_hours, len(found.steps)) == (False, 43)
    assert len(found.ticks) <= 6
    assert [step.sums[0] for step in found.steps[:4]] == [0, 0, 1200, 1200]
    assert found.grid[-1].value == 1200


def test_a_mailing_that_has_just_begun_has_a_line() -> None:
    found = growth(("Opened",), BEGUN, BEGUN, [(BEGUN, (1,))])
    assert [step.sums for step in found.steps] == [(0,), (1,)]
