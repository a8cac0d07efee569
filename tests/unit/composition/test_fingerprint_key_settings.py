"""Which fingerprint keys are accepted: no placeholder, nothing that could be guessed, and never the same one twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.composition.settings import load_settings
from shared.domain.records.fingerprint_keys import key_problem
from shared.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
GOOD, OTHER = "bXk3nQ-9fLw2_TzP0vRa", "7Jd_kq0WmZ-x41LsYb8c"


@pytest.fixture(params=["azure tables", "embedded"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STATE_STORAGE", "UseDevelopmentStorage=true" if request.param == "azure tables" else "")
    return str(request.param)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("<at least 16 random characters; keep them>", "placeholder"),
        ("{{fingerprint-key-goes-here}}", "placeholder"),
        ("$(FingerprintKeyOfTheVault)", "placeholder"),
        ("a" * 16, "different characters"),
        ("abcabcabcabcabcabcabcabc", "different characters"),
        ("Q7-tiny", "shorter than 16"),
    ],
)
def test_a_poor_key_is_refused_in_words_that_do_not_repeat_it(
    store: str, key: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", key)
    with pytest.raises(ConfigurationError, match=rf"FINGERPRINT_KEY.*{words}") as refusal:
        load_settings()
    assert key not in str(refusal.value)


def test_a_random_key_is_accepted(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", GOOD)
    assert load_settings().fingerprint_key.get_secret_value() == GOOD


@pytest.mark.parametrize("key", ["", " " * 20])
def test_the_embedded_store_needs_none_and_azure_tables_do(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", key)
    load_settings()
    monkeypatch.setenv("STATE_STORAGE", "UseDevelopmentStorage=true")
    with pytest.raises(ConfigurationError, match="FINGERPRINT_KEY is missing or shorter than 16"):
        load_settings()


def test_the_former_key_may_be_a_poor_one(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one to get rid of."""
    monkeypatch.setenv("FINGERPRINT_KEY", GOOD)
    monkeypatch.setenv("FINGERPRINT_KEY_PREVIOUS", "<at least 16 random characters; keep them>")
    load_settings()


@pytest.mark.parametrize(("key", "former"), [(GOOD, GOOD), ("", GOOD), (GOOD, "Q7-tiny")])
def test_a_former_key_is_one_and_another_one_follows_it(
    store: str, key: str, former: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", key)
    monkeypatch.setenv("FINGERPRINT_KEY_PREVIOUS", former)
    with pytest.raises(ConfigurationError, match="FINGERPRINT_KEY"):
        load_settings()


def test_the_sample_has_no_key_that_is_accepted() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    assert key_problem(sample["FINGERPRINT_KEY"])
