"""Texts of settings: empty, blank, in quotes, in capitals, with invisible characters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.composition.settings import Settings, load_settings
from shared.domain.consent.bounce_text import Language
from shared.domain.features.lists import ListKind
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.planning.rules import EndAction
from shared.domain.records.records import PersonTable
from shared.errors import ConfigurationError
from shared.local.commands.run import read_local_settings
from shared.triggers.timers.timer_function import schedule

NAMES = {field.alias or name.upper(): name for name, field in Settings.model_fields.items()}
WHOLE_NUMBERS = [name for name, key in NAMES.items() if Settings.model_fields[key].annotation is int]
DEFAULTS = Settings.model_construct()
EMPTY = ["", " ", "\n", "\r\n", "\t \n", "\u00a0", "\ufeff"]


def refusal() -> str:
    with pytest.raises(ConfigurationError) as raised:
        load_settings()
    return str(raised.value)


@pytest.mark.parametrize("value", EMPTY, ids=ascii)
@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_is_there_and_empty_means_its_default(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert getattr(load_settings(), NAMES[name]) == getattr(DEFAULTS, NAMES[name])


@pytest.mark.parametrize("value", EMPTY, ids=ascii)
def test_an_empty_schedule_runs_a_timer_by_default(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_SCHEDULE", value)
    assert schedule("poll_schedule") == DEFAULTS.poll_schedule


WRAPPINGS = ["{}\n", "{}\r\n", " {} ", "\t{}", "\ufeff{}", "\u200b{}\u200b", "\u00a0{}", "{}\x07"]
URL = "https://contoso.crm4.dynamics.com"


@pytest.mark.parametrize("wrapping", WRAPPINGS, ids=ascii)
@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        ("DATAVERSE_URL", URL, URL),
        ("DATAVERSE_TENANT_ID", "7f0c", "7f0c"),
        ("DATAVERSE_CLIENT_ID", "7f0c", "7f0c"),
        ("SYNC_ENABLED", "false", False),
        ("SPOTLER_CONCURRENCY", "7", 7),
        ("ON_DELETE", "nothing", EndAction.NOTHING),
        ("SYNC_TABLES", "contact, lead", frozenset({PersonTable.CONTACT, PersonTable.LEAD})),
        ("POLL_SCHEDULE", "0 */5 * * * *", "0 */5 * * * *"),
        ("MAPPING_FILE", "mapping.yaml", Path("mapping.yaml")),
        ("SERVICE_BUS__fullyQualifiedNamespace", "x.servicebus.windows.net", "x.servicebus.windows.net"),
    ],
)
def test_invisible_characters_around_a_value_are_dropped(
    wrapping: str, name: str, value: str, meaning: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrapping.format(value))
    assert getattr(load_settings(), NAMES[name]) == meaning


@pytest.mark.parametrize("wrapping", ["{}\n", " {}", "\ufeff{}"], ids=ascii)
@pytest.mark.parametrize("name", ["SPOTLER_SECRET", "DATAVERSE_CLIENT_SECRET", "SERVICE_BUS", "STATE_STORAGE"])
def test_a_secret_that_was_pasted_with_its_line_end_is_the_secret(
    name: str, wrapping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", "sixteen characters")
    monkeypatch.setenv(name, wrapping.format("s3cr~t._=/+"))
    assert getattr(load_settings(), NAMES[name]).get_secret_value() == "s3cr~t._=/+"


@pytest.mark.parametrize("name", ["FINGERPRINT_KEY", "DATAVERSE_CERTIFICATE_PASSWORD"])
@pytest.mark.parametrize("value", ["a key of many words\n", "'in quotes, and long'"], ids=ascii)
def test_a_secret_that_may_hold_anything_stays_as_it_is(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another fingerprint key would write every record again."""
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(), NAMES[name]).get_secret_value() == value


@pytest.mark.parametrize("quotes", ["''", '""', "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\u00ab\u00bb"])
@pytest.mark.parametrize(
    ("name", "value"), [("SPOTLER_SECRET", "s3cret"), ("DATAVERSE_URL", URL), ("ON_DELETE", "blank")]
)
def test_a_value_in_quotes_is_refused_by_name_and_never_shown(
    name: str, value: str, quotes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"{quotes[0]}{value}{quotes[1]}\n")
    text = refusal()

    assert f"{name} stands in quotes" in text
    assert value not in text


@pytest.mark.parametrize(
    "value", ["two words", "two\nlines", "en\u2013dash", "zero\u200bwidth", "sch\u00f6n"], ids=ascii
)
@pytest.mark.parametrize("name", ["SPOTLER_KEY", "SPOTLER_SECRET", "DATAVERSE_CLIENT_ID", "DATAVERSE_CLIENT_SECRET"])
def test_an_impossible_credential_is_refused_by_name_and_never_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    text = refusal()

    assert f"{name} holds a blank, a line end or a character that no key has" in text
    assert value not in text


@pytest.mark.parametrize("name", ["SPOTLER_KEY", "SPOTLER_SECRET", "DATAVERSE_CLIENT_ID", "DATAVERSE_TENANT_ID"])
def test_placeholders_of_the_sample_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "<tenant id>")
    assert f"{name} is still what the sample has" in refusal()


def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTLER_KEY", "two words")
    monkeypatch.setenv("ON_DELETE", "'blank'")

    assert {"SPOTLER_KEY", "ON_DELETE"} <= set(refusal().replace(".", " ").split())


@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        ("SYNC_ENABLED", "FALSE", False),
        ("ON_DELETE", "PermissionsOff", EndAction.PERMISSIONS_OFF),
        ("ON_INACTIVE", "BLANK", EndAction.BLANK),
        ("NEW_SUBSCRIBER_TARGET", "Contact", ImportTarget.CONTACT),
        ("SPOTLER_LIST_KIND", "Temporary", ListKind.TEMPORARY),
        ("BOUNCE_TASK_LANGUAGE", "NL", Language.DUTCH),
        ("SYNC_TABLES", "Contact,LEAD", frozenset({PersonTable.CONTACT, PersonTable.LEAD})),
        ("NEW_SUBSCRIBER_MATCH", "EMailAddress1, BirthDate", ("emailaddress1", "birthdate")),
    ],
)
def test_capitals_do_not_matter_in_words(
    name: str, value: str, meaning: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(), NAMES[name]) == meaning


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SYNC_TABLES", ",", "names nothing"),
        ("SYNC_TABLES", "contacts", "'contact', 'lead'"),
        ("NEW_SUBSCRIBER_MATCH", " , ", "names nothing"),
        ("ENVIRONMENT", "Production EU", "small letters and digits"),
        ("STATE_TABLE", "my-table", "letters and digits"),
        ("VARIABLE_PREFIX", "d", "2 to 8 letters"),
        ("NEW_SUBSCRIBER_MATCH", "e-mail", "logical names"),
        ("POLL_SCHEDULE", "*/15 * * * *", "six fields"),
        *((name, "1.000", "a whole number") for name in WHOLE_NUMBERS),
        ("MASS_ERASURE_LIMIT", "1,000", "a valid integer"),
        ("SYNC_ENABLED", "aan", "boolean"),
    ],
)
def test_a_meaningless_value_is_refused_by_name_with_the_expected_one(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    text = refusal()

    assert name in text
    assert expected in text


def test_a_settings_file_with_a_byte_order_mark_and_nulls_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"Values": {"SPOTLER_KEY": None, "SYNC_ENABLED": False}}), encoding="utf-8-sig")
    environment = {"SPOTLER_URL": ""}

    read_local_settings(path, environment)

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.spotler_key == ""
    assert not settings.sync_enabled
