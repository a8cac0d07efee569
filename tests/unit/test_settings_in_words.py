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
