"""The settings of mailings, as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.composition.engagement import engagement_policy
from shared.composition.settings import Settings, load_settings
from shared.domain.engagement.weights import Preset
from shared.engagement.choices import ResponseKind
from shared.errors import ConfigurationError


def test_without_settings_mailings_are_read_and_stored_within_limits() -> None:
    policy = engagement_policy(Settings(), is_on=True)
    assert (policy.is_on, policy.stores_sent, policy.writes_campaigns, policy.writes_activities) == (
        True,
        True,
        True,
        False,
    )
    assert policy.responses == {ResponseKind.CLICKS, ResponseKind.BOUNCES, ResponseKind.UNSUBSCRIBES}
    assert (policy.memory, policy.most_activities) == (timedelta(days=365), 5000)
    assert policy.rules.weights.mark == "1-b2b"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("none", set()),
        ("Opens, clicks", {ResponseKind.OPENS, ResponseKind.CLICKS}),
        ("", {ResponseKind.CLICKS, ResponseKind.BOUNCES, ResponseKind.UNSUBSCRIBES}),
    ],
)
def test_bulk_07_kinds_of_responses_are_words_in_any_case_or_none(
    text: str, kinds: set[ResponseKind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREATE_CAMPAIGN_RESPONSES", text)
    assert engagement_policy(load_settings(), is_on=True).responses == kinds


@pytest.mark.parametrize(
    ("name", "value"),
    [("CREATE_CAMPAIGN_RESPONSES", "opens, likes"), ("ENGAGEMENT_WEIGHTS", "b2d"), ("SUSPECT_SECONDS", "-1")],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_retention_of_zero_keeps_for_ever_and_a_synchronisation_that_is_off_reads_nothing() -> None:
    settings = Settings.model_validate({"interaction_retention_days": 0, "engagement_weights": Preset.LONG_CYCLE})
    policy = engagement_policy(settings, is_on=False)
    assert (policy.memory, policy.is_on) == (None, False)
    assert policy.rules.weights.half_life == timedelta(days=90)
