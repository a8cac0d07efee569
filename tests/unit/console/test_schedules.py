"""The page *Connection* says when a timer runs in words."""

from __future__ import annotations

import pytest

from shared.composition.setting_groups.schedules import SCHEDULES
from shared.console.rendering.locale import Locale
from shared.console.rendering.schedules import schedule_in_words

EN, NL = Locale("en"), Locale("nl")


@pytest.mark.parametrize(
    ("expression", "english", "dutch"),
    [
        ("0 * * * * *", "every minute", "elke minuut"),
        ("0 */15 * * * *", "every 15 minutes", "elke 15 minuten"),
        ("0 5/15 * * * *", "every 15 minutes", "elke 15 minuten"),
        ("0 0 * * * *", "every hour", "elk uur"),
        ("0 20 * * * *", "every hour, at minute 20", "elk uur, op minuut 20"),
        ("0 0 */6 * * *", "every 6 hours", "elke 6 uur"),
        ("0 0 2 * * *", "daily at 02:00 (Amsterdam)", "dagelijks om 02:00 (Amsterdam)"),
        ("0 0 6,18 * * *", "daily at 06:00 and 18:00 (Amsterdam)", "dagelijks om 06:00 en 18:00 (Amsterdam)"),
        (
            "0 30 8 * * 1-5",
            "Monday to Friday at 08:30 (Amsterdam)",
            "maandag tot en met vrijdag om 08:30 (Amsterdam)",
        ),
    ],
)
def test_a_usual_schedule_has_words(expression: str, english: str, dutch: str) -> None:
    assert [schedule_in_words(expression, "Europe/Amsterdam", one) for one in (EN, NL)] == [english, dutch]


@pytest.mark.parametrize(
    "expression",
    [
        "0 */7 * * * *",
        "0 20/15 * * * *",
        "30 * * * * *",
        "0 0 4 1 * *",
        "0 0 4 * * 0",
        "0 */15 * * * 1",
        "0 0 25 * * *",
    ],
)
def test_a_schedule_that_words_would_get_wrong_has_none(expression: str) -> None:
    assert schedule_in_words(expression, "UTC", EN) == ""


@pytest.mark.parametrize("expression", SCHEDULES.values(), ids=SCHEDULES)
def test_every_default_has_words(expression: str) -> None:
    assert schedule_in_words(expression, "Europe/Amsterdam", NL)
