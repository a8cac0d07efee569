"""A wrong setting is named with the expected value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.messaging.servicebus import LOCK
from shared.composition.settings import SERVICE_BUS_LOCK, Settings, load_settings
from shared.errors import ConfigurationError
from shared.local.functions_host.host_json import HostJson

ROOT = Path(__file__).parents[3]
BUS = "Endpoint=sb://somewhere.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=a"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("POLL_SCHEDULE", "every quarter", "six fields, the seconds first, such as"),
        ("ON_DELETE", "erase", "'anonymize', 'blank', 'permissionsOff' or 'nothing'"),
        ("SPOTLER_CONCURRENCY", "many", "a valid integer"),
        ("DATAVERSE_URL", "http://contoso.crm4.dynamics.com", "must begin with https://"),
    ],
)
def test_a_wrong_setting_is_named_with_the_expected_value(
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


@pytest.mark.parametrize(("claim", "lock"), [("120", "60"), ("120", "120"), ("120", "121"), ("240", "280"), ("5", "3")])
def test_a_claim_that_outlives_the_locks_of_its_batch_is_refused(
    claim: str, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIM_SECONDS", claim)
    monkeypatch.setenv("LOCAL_LOCK_SECONDS", lock)
    with pytest.raises(
        ConfigurationError, match=rf"CLAIM_SECONDS \({claim}\) must be below LOCAL_LOCK_SECONDS \({lock}\)"
    ):
        load_settings()


def test_the_lock_of_the_embedded_queue_does_not_matter_with_service_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_BUS", BUS)
    monkeypatch.setenv("LOCAL_LOCK_SECONDS", "3")
    assert load_settings().queue_lock == SERVICE_BUS_LOCK


@pytest.mark.parametrize("claim", [2, 120, 240])
@pytest.mark.parametrize("bus", ["", BUS])
def test_work_that_a_call_begins_ends_well_within_the_locks_of_its_messages(
    claim: int, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_BUS", bus)
    monkeypatch.setenv("CLAIM_SECONDS", str(claim))
    settings = load_settings()

    assert settings.work_time > timedelta()
    assert settings.work_time + settings.claim_time + timedelta(seconds=20) <= settings.queue_lock


def test_the_defaults_agree_with_host_json() -> None:
    """A claim < the function's time-out = the lock of the queues = how long locks are renewed."""
    host = HostJson.read(ROOT / "host.json")
    settings = Settings.model_construct()

    assert settings.claim_time < SERVICE_BUS_LOCK
    assert settings.queue_lock == SERVICE_BUS_LOCK
    assert LOCK == SERVICE_BUS_LOCK
    assert host.function_timeout == SERVICE_BUS_LOCK
    assert host.extensions.service_bus.max_auto_lock_renewal_duration == SERVICE_BUS_LOCK
