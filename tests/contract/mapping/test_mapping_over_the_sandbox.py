"""Checking, previewing and watching a mapping with both simulated services, over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.administration.live_mapping import LiveVersion
from shared.composition.administration import Administration, administer
from shared.composition.services import Services, open_services
from shared.composition.settings import Settings
from shared.composition.use_case_wiring import rules_of
from shared.composition.wiring import Connector, build
from shared.domain.features.schema_drift import SchemaChange, Shift
from shared.domain.mapping.findings import Code, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable, RecordKey
from shared.local import spotler_sandbox as spotler
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.sandbox.serving import serve
from shared.local.spotler_sandbox.account.catalogue import DEFAULT_CATALOGUE
from shared.local.spotler_sandbox.account.properties import Option, Property, PropertyType
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from tests.installed import installed_settings

ANN, BEN = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (11, 12))
MARK = "Zonnebloem"
ROWS: list[tuple[str, dict[str, Any]]] = [
    (
        "contact",
        {
            "contactid": str(ANN.id),
            "firstname": MARK,
            "jobtitle": "Gardener",
            "gendercode": 2,
            "emailaddress1": "ann@example.com",
            "address1_city": "Delft",
        },
    ),
    (
        "contact",
        {"contactid": str(BEN.id), "firstname": "Ben", "emailaddress1": "ben@example.com", "mobilephone": "no"},
    ),
]
EMAIL = {"spotler": "email", "contact": "emailaddress1"}
FIRST_NAME = {"spotler": "firstName", "contact": "firstname"}
JOB_TITLE = {"spotler": "jobTitle", "contact": "jobtitle"}


@dataclass(frozen=True)
class Opened:
    services: Services
    connector: Connector
    administration: Administration


@asynccontextmanager
async def connector(
    folder: Path,
    *rows: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, Any] | None] | None = None,
    properties: tuple[Property, ...] = DEFAULT_CATALOGUE,
    filtering: Mapping[str, Any] | None = None,
) -> AsyncIterator[Opened]:
    """A connector with this mapping; `columns` are other than usual in Dataverse."""

    async def publish(message: ServiceEndpointMessage) -> None:
        pass

    crm = create_app(
        installed_settings(clients={"c": "s"}, changed_columns=columns or {}, filtering_columns=filtering or {}),
        publish,
        [
            (
                table,
                {name: value for name, value in row.items() if (columns or {}).get(f"{table}.{name}", {}) is not None},
            )
            for table, row in ROWS
        ],
    )
    platform = spotler.create_app(
        spotler.SpotlerSandboxSettings(consumer_key="k", consumer_secret="s", catalogue=properties)
    )
    async with serve(crm) as crm_at, serve(platform) as platform_at:
        settings = Settings(
            dataverse_url=crm_at.url,
            dataverse_authority=crm_at.url,
            dataverse_tenant_id="t",
            dataverse_client_id="c",
            dataverse_client_secret="s",
            spotler_url=f"{platform_at.url}{CURRENT_PREFIX}",
            spotler_key="k",
            spotler_secret="s",
            sync_tables="contact",
            local_folder=folder,
        )
        services = open_services(settings)
        try:
            version = LiveVersion(1, read_mapping({"version": 1, "rows": list(rows)}))
            rules = rules_of(settings, version, await services.keys.fingerprinter())
            built = build(services, services.mapped(version.mapping), settings, rules)
            yield Opened(services, built, administer(services, built, rules))
        finally:
            await services.close()


def _existing(table: str, row: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if columns.get(f"{table}.{name}", {}) is not None}


def _files_with(text: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def candidate(*rows: Mapping[str, Any], **options: Any) -> Any:
    return read_mapping({"version": 1, "rows": list(rows), **options})


# ---------------------------------------------------------------------------------------------------------------- check


async def test_a_mapping_is_checked_against_what_is_there(tmp_path: Path) -> None:
    filtering = {"contact": ["emailaddress1"]}
    async with connector(tmp_path, EMAIL, filtering=filtering) as opened:
        findings = await opened.administration.drift.check()
        found = {(finding.code, finding.severity) for finding in findings.findings}
    warned = (Code.COLUMN_WITHOUT_STEP, Code.PROTECTED_ROW, Code.PERMISSIONS_UNMAPPED)
    assert found == {(code, Severity.WARNING) for code in warned}


# -------------------------------------------------------------------------------------------------------------- preview


async def test_a_preview_counts_what_would_change_and_shows_before_and_after(tmp_path: Path) -> None:
    async with connector(tmp_path, EMAIL, FIRST_NAME) as opened:
        first_name = {"spotler": "firstName", "contact": "jobtitle;firstname"}
        new = candidate(EMAIL, first_name, {"spotler": "city", "contact": "address1_city"})
        report = await opened.administration.preview.sample(new)
    assert (report.looked_at, report.differing) == (2, 2)
    assert report.fields == {"firstName": 1, "city": 2}
    ann = next(one for one in report.sample if one.key == ANN)
    assert (ann.before.values["firstName"], ann.after.values["firstName"]) == (MARK, "Gardener")
    assert report.as_json()["sample"][0]["changed"]["city"]["after"] == "Delft"


async def test_a_preview_tells_who_would_leave_and_which_values_would_be_refused(tmp_path: Path) -> None:
    async with connector(tmp_path, EMAIL, FIRST_NAME) as opened:
        new = candidate(
            EMAIL,
            FIRST_NAME,
            {"spotler": "mobileNumber", "contact": "mobilephone"},
            filters={"contact": "empty(jobtitle)"},
        )
        report = await opened.administration.preview.records(new, [ANN, BEN])
    assert report.actions == {"write -> skipped": 1, "write -> write": 1}
    assert [(one.after.reason, one.changed) for one in report.sample if one.key == ANN] == [(Reason.FILTERED, ())]
    ((problem, times),) = report.refused.items()
    assert (problem.startswith("mobilephone"), times) == (True, 1)


async def test_a_preview_writes_nothing_and_keeps_values_to_its_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connector(tmp_path, EMAIL) as opened:
        report = await opened.administration.preview.sample(candidate(EMAIL, FIRST_NAME))
        assert await opened.services.platform.contact(str(ANN.id)) is None
    assert MARK in str(report.as_json())
    assert MARK not in repr(report) + caplog.text
    assert _files_with(MARK, tmp_path) == []


# ---------------------------------------------------------------------------------------------------------------- drift


async def test_the_report_of_drift_is_empty_while_both_sides_stay_as_they_are(tmp_path: Path) -> None:
    for _ in range(2):
        async with connector(tmp_path, EMAIL, FIRST_NAME) as opened:
            assert (await opened.administration.drift.check()).noticed == ()


async def test_a_deleted_column_is_noticed_and_spotler_keeps_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with connector(tmp_path, EMAIL, FIRST_NAME, JOB_TITLE) as opened:
        await opened.administration.drift.check()
        before = await opened.connector.explain.record(ANN)
    async with connector(tmp_path, EMAIL, FIRST_NAME, JOB_TITLE, columns={"contact.jobtitle": None}) as opened:
        report = await opened.administration.drift.check()
        after = await opened.connector.explain.record(ANN)
        health = await opened.administration.health.check()
    assert [one.change for one in report.noticed] == [SchemaChange("contact.jobtitle", Shift.DELETED)]
    assert Code.UNKNOWN_COLUMN in {finding.code for finding in report.findings}
    assert "jobTitle" in before["plan"]["properties"]
    assert "jobTitle" not in after["plan"]["properties"]
    assert health["mapping"]["drift"]["changes"][0]["what"] == "contact.jobtitle"
    assert "drift: contact.jobtitle deleted" in caplog.text


async def test_a_column_that_is_retyped_or_shortened_is_noticed(tmp_path: Path) -> None:
    async with connector(tmp_path, EMAIL, FIRST_NAME, JOB_TITLE) as opened:
        await opened.administration.drift.check()
    columns = {"contact.jobtitle": {"type": "String", "max": 20}, "contact.firstname": {"type": "Memo", "max": 50}}
    async with connector(tmp_path, EMAIL, FIRST_NAME, JOB_TITLE, columns=columns) as opened:
        report = await opened.administration.drift.check()
    assert {str(one.change) for one in report.noticed} == {
        "contact.jobtitle shortened (100 characters are now 20)",
        "contact.firstname retyped (String is now Memo)",
    }


async def test_options_that_come_go_and_change_their_label_are_noticed(tmp_path: Path) -> None:
    row = {"spotler": "profileField1", "contact": "gendercode"}
    async with connector(tmp_path, EMAIL, row) as opened:
        await opened.administration.drift.check()
    options = {"type": "Picklist", "options": {"2": "Woman", "3": "Other"}}
    async with connector(tmp_path, EMAIL, row, columns={"contact.gendercode": options}) as opened:
        report = await opened.administration.drift.check()
    assert {(one.change.what, one.change.shift) for one in report.noticed} == {
        ("contact.gendercode=1", Shift.OPTION_DELETED),
        ("contact.gendercode=2", Shift.OPTION_RENAMED),
        ("contact.gendercode=3", Shift.OPTION_ADDED),
    }


async def test_a_property_that_is_renamed_deleted_or_has_other_options_is_noticed(tmp_path: Path) -> None:
    rows = (EMAIL, FIRST_NAME, JOB_TITLE, {"spotler": "permissions", "contact": "@map(permissions)"})
    async with connector(tmp_path, *rows) as opened:
        await opened.administration.drift.check()
    kept = tuple(one for one in DEFAULT_CATALOGUE if one.name not in {"firstName", "jobTitle", "permissions"})
    changed = (
        Property("firstName", "Given name"),
        Property("job", "Job title"),
        Property("permissions", "Permissions", PropertyType.SET, (Option(1, "Newsletter"), Option(2, "Products"))),
    )
    async with connector(tmp_path, *rows, properties=(*kept, *changed)) as opened:
        report = await opened.administration.drift.check()
    assert {str(one.change) for one in report.noticed} == {
        "spotler.firstName renamed",
        "spotler.jobTitle deleted (perhaps it is now job)",
        "spotler.permissions:2 option-renamed",
        "spotler.permissions:4 option-deleted",
        "spotler.permissions:8 option-deleted",
    }


async def test_options_outside_the_mapping_are_left_alone(tmp_path: Path) -> None:
    async with connector(tmp_path, EMAIL, FIRST_NAME, JOB_TITLE) as opened:
        await opened.administration.drift.check()
    async with connector(tmp_path, EMAIL, FIRST_NAME, columns={"contact.jobtitle": None}) as opened:
        assert (await opened.administration.drift.check()).noticed == ()


async def test_a_change_stays_in_the_report_after_the_day_on_which_it_was_seen(tmp_path: Path) -> None:
    async with connector(tmp_path, EMAIL, JOB_TITLE) as opened:
        await opened.administration.drift.check()
    for _ in range(2):
        async with connector(tmp_path, EMAIL, JOB_TITLE, columns={"contact.jobtitle": None}) as opened:
            report = await opened.administration.drift.check()
    assert [one.change.what for one in report.noticed] == ["contact.jobtitle"]
