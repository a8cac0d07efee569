"""A bundle carries what the connector does, and nothing that belongs to one environment or is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.administration.mapping_service import MappingChange
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.settings import Settings
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.errors import ConfigurationError
from shared.local.bundles import folder
from shared.local.bundles.bundle import Bundle, PastVersion, difference
from shared.local.bundles.carried import CARRIED, ONE_PLACE, carried, carried_of
from shared.local.bundles.environments import MappingResult
from shared.local.bundles.promotion import Promotion, promote

MAPPING = to_yaml(load_mapping(DEFAULT_MAPPING))
HISTORY = (PastVersion(7, "2026-05-01T12:00:00+00:00", "consultant", "no titles", MAPPING),)
BUNDLE = Bundle(MAPPING, {"RECONCILE": "false"}, {"spotlerpermissionsenabledbydefault": "[All]"}, HISTORY)
CHANGE = MappingChange(by="consultant")


@dataclass
class FakeEnvironment:
    """Writes down what it is told; `refuses` the mapping."""

    refuses: bool = False
    told: list[object] = field(default_factory=list)

    async def bundle(self) -> Bundle:
        return BUNDLE

    async def apply_mapping(self, text: str, change: MappingChange) -> MappingResult:
        self.told.append(("mapping", text, change.by, change.base))
        return MappingResult(0 if self.refuses else 8, ("error no-column: a finding",))

    async def apply_settings(self, wanted: Mapping[str, str], removed: frozenset[str]) -> str:
        self.told.append(("settings", dict(wanted), set(removed)))
        return "settings"

    async def apply_defaults(self, wanted: Mapping[str, str]) -> str:
        self.told.append(("defaults", dict(wanted)))
        return "defaults"


def test_no_secret_and_nothing_of_one_environment_is_carried() -> None:
    secret = {name for name, one in Settings.model_fields.items() if one.annotation is SecretStr}

    assert not secret & set(CARRIED)
    assert {"spotler_key", "dataverse_url", "dataverse_client_id", "environment", "state_table"} <= ONE_PLACE
    assert {name for name in CARRIED if name.endswith(("_key", "_secret", "_url", "_id", "_ids"))} == set()
    assert set(Settings.model_fields) == set(CARRIED) | secret | ONE_PLACE


def test_settings_that_have_their_default_are_left_out() -> None:
    assert carried_of({"RECONCILE": "true", "SYNC_TABLES": "lead,contact", "SPOTLER_SECRET": "s"}) == {
        "SYNC_TABLES": "contact,lead"
    }


def test_what_is_carried_gives_the_same_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "ON_DELETE": "blank", "NEW_SUBSCRIBER_MATCH": "emailaddress1,telephone1", "MASS_CHANGE_PERCENT": "30",
        "BOUNCE_TASK_LANGUAGE": "nl", "SCHEDULE_TIME_ZONE": "Europe/Amsterdam", "TELEMETRY_SAMPLING": "0.5",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    assert carried(Settings()) == values
    assert carried_of(values) == values


def test_settings_of_this_process_do_not_get_into_those_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE", "false")

    assert carried_of({}) == {}


def test_a_folder_gives_the_bundle_back(tmp_path: Path) -> None:
    folder.write(BUNDLE, tmp_path)

    assert folder.read(tmp_path) == BUNDLE
    history = (tmp_path / "history" / "000007.yaml").read_text()
    assert history.startswith("# at: '2026-05-01T12:00:00+00:00'\n# by: consultant\n# comment: no titles\n")
    assert history.endswith(MAPPING)


def test_writing_twice_changes_no_byte_and_keeps_no_file_of_another_history(tmp_path: Path) -> None:
    folder.write(BUNDLE, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    folder.write(BUNDLE, tmp_path)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == before
    folder.write(replace(BUNDLE, history=()), tmp_path)
    assert list((tmp_path / "history").iterdir()) == []


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("settings.yaml", "SPOTLER_SECRET: abc", "does not carry SPOTLER_SECRET"),
        ("settings.yaml", "DATAVERSE_URL: https://x", "does not carry DATAVERSE_URL"),
        ("settings.yaml", "MASS_CHANGE_PERCENT: '400'", "MASS_CHANGE_PERCENT"),
        ("settings.yaml", "RECONCILE: false", "with quotes"),
        ("settings.yaml", "- a", "names and texts"),
        ("settings.yaml", "a: [", "no YAML"),
        ("defaults.yaml", "spotlerpermissions: x", "no default spotlerpermissions"),
        ("mapping.yaml", "rows: 7", "mapping.yaml cannot be used"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    folder.write(BUNDLE, tmp_path)
    (tmp_path / file).write_text(text)

    with pytest.raises(ConfigurationError, match=complaint):
        folder.read(tmp_path)


def test_a_folder_without_the_files_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bundle export"):
        folder.read(tmp_path)


def test_the_difference_shows_lines_part_by_part_and_never_the_history() -> None:
    other = replace(BUNDLE, settings={"RECONCILE": "false", "ON_DELETE": "blank"}, history=())

    lines = difference(BUNDLE, other, "live", "bundle")

    assert lines[:2] == ["--- live/settings.yaml", "+++ bundle/settings.yaml"]
    assert "+ON_DELETE: blank" in lines
    assert difference(BUNDLE, replace(BUNDLE, history=()), "live", "bundle") == []


async def test_only_what_differs_is_applied() -> None:
    target, said = FakeEnvironment(), []
    wanted = replace(BUNDLE, settings={"ON_DELETE": "blank"})

    assert await promote(wanted, BUNDLE, target, CHANGE, said.append) is Promotion.DONE
    assert target.told == [("settings", {"ON_DELETE": "blank"}, {"RECONCILE"})]


async def test_a_promotion_says_how_to_go_back() -> None:
    target, said = FakeEnvironment(), []

    await promote(replace(BUNDLE, mapping="other"), BUNDLE, target, CHANGE, said.append)

    assert target.told == [("mapping", "other", "consultant", 7)]
    assert said[-1] == "Version 8 of the mapping is live; a rollback to version 7 goes back"


async def test_a_refused_mapping_stops_the_promotion_before_the_settings() -> None:
    target, said = FakeEnvironment(refuses=True), []
    wanted = replace(BUNDLE, mapping="other", settings={}, defaults={})

    assert await promote(wanted, BUNDLE, target, CHANGE, said.append) is Promotion.REFUSED
    assert [one[0] for one in target.told] == ["mapping"]
    assert said == ["error no-column: a finding"]
