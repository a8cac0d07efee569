"""A setting that is wrong is named, with what is expected."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationError
from shared.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("POLL_SCHEDULE", "every quarter", "six fields, the seconds first, such as"),
        ("ON_DELETE", "erase", "'anonymize', 'blank', 'permissionsOff' or 'nothing'"),
        ("SPOTLER_CONCURRENCY", "many", "a valid integer"),
        ("DATAVERSE_URL", "http://contoso.crm4.dynamics.com", "must begin with https://"),
    ],
)
def test_a_wrong_setting_is_told_with_what_is_expected(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    text = str(raised.value)
    assert name in text
    assert expected in text
    assert "Value error" not in text
    assert "pattern" not in text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MASS_ERASURE_LIMIT", "-1", "greater than or equal to 0"),
        ("MASS_MISSING_LIMIT", "10001", "less than or equal to 10000"),
        ("MASS_CHANGE_LIMIT", "many", "a valid integer"),
        ("MASS_CHANGE_PERCENT", "0", "greater than or equal to 1"),
    ],
)
def test_a_limit_of_the_brake_that_makes_no_sense_is_refused(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    assert name in str(raised.value)
    assert expected in str(raised.value)
