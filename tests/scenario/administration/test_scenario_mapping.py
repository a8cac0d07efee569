"""MAP-01, MAP-04, MAP-32, C-33, C-41: administrators change the mapping, over HTTP and from a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
import pytest_asyncio

from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.sizes import LARGEST
from shared.domain.mapping.formats.yaml_format import from_yaml
from tests.programs.processes import Ended, run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.privacy import MARK
from tests.scenario.world import World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

_JOB_TITLE = "  - spotler: jobTitle\n    contact: jobtitle\n    lead: jobtitle\n\n"
_FIRST_NAME = "    contact: firstname\n"


def without_birthday(text: str) -> str:
    """Take the row of Birthday, which is protected, from a mapping."""
    begin = text.index("  - spotler: birthday\n")
    return text[:begin] + text[text.index("  - spotler:", begin + 1) :]


@dataclass(frozen=True)
class Administrator:
    """Somebody who may change the mapping."""

    world: World

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
        """Call the mapping's HTTP functions."""
        connector = self.world.connector
        headers = {"x-functions-key": connector.master} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        async with httpx.AsyncClient(base_url=connector.url, timeout=30) as http:
            return await http.request(method, f"/api/mapping{path}", content=body, headers=headers)

    async def text(self) -> str:
        """The live mapping."""
        return (await self.call("GET", "")).text

    async def apply(self, text: str) -> dict[str, Any]:
        """Make a mapping live."""
        answer = await self.call("PUT", "?by=consultant&comment=because", text.encode())
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()
        return changed

    async def type(self, *words: str) -> Ended:
        """Run `python -m shared mapping …` with the connector's settings."""
        return await run(("mapping", *words), {**SYSTEM, **self.world.connector.settings})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose mapping is changed."""
    async with open_world(tmp_path_factory.mktemp("mapping")) as opened:
        await opened.connector.start()
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def administrator(own_world: World) -> AsyncIterator[Administrator]:
    """Begins and ends with the first version's text."""
    somebody = Administrator(own_world)
    yield somebody
    answer = await somebody.call("POST", "/rollback/1")
    assert answer.status_code == 200, answer.text


async def test_a_change_is_used_at_once_by_whoever_applied_it(administrator: Administrator) -> None:
    world = administrator.world
    text = (await administrator.text()).replace(_FIRST_NAME, "    contact: '@concat(lastname, \", \", firstname)'\n")

    await administrator.apply(text)
    person = await world.synchronised()

    contact = await world.in_spotler(person)
    assert contact["properties"]["firstName"] == f"Achter{MARK}, Voor{MARK}"


async def test_map_31_after_a_change_a_resync_brings_it_to_records_that_nobody_saves(
    administrator: Administrator,
) -> None:
    world = administrator.world
    person = await world.synchronised()
    await administrator.apply((await administrator.text()).replace(_FIRST_NAME, "    contact: lastname\n"))

    answer = await world.connector.call("POST", "/api/resync", {"table": "contact"})

    assert answer.is_success
    await world.in_spotler(person, lambda contact: contact["properties"]["firstName"] == f"Achter{MARK}")


async def test_map_34_rows_that_were_deleted_stay_deleted_when_settings_are_saved_and_the_connector_starts_again(
    administrator: Administrator,
) -> None:
    without = (await administrator.text()).replace(_JOB_TITLE, "")
    await administrator.apply(without)

    await administrator.world.connector.restart(ANONYMIZE_WHEN_INACTIVE="false")

    assert await administrator.text() == without


async def test_default_rows_come_back_on_request(administrator: Administrator) -> None:
    before = from_yaml(await administrator.text())
    await administrator.apply((await administrator.text()).replace(_JOB_TITLE, ""))

    answer = await administrator.call("POST", "/defaults")

    assert answer.status_code == 200
    after = from_yaml(await administrator.text())
    assert {row.property_name: row for row in after.rows} == {row.property_name: row for row in before.rows}


async def test_the_history_tells_which_versions_were_live_and_by_whom(administrator: Administrator) -> None:
    applied = await administrator.apply((await administrator.text()).replace(_JOB_TITLE, ""))

    versions = (await administrator.call("GET", "/history")).json()["versions"]

    newest, oldest = versions[0], versions[-1]
    assert (newest["version"], newest["by"], newest["comment"]) == (applied["version"], "consultant", "because")
    assert (oldest["version"], oldest["by"]) == (1, "first-activation")


async def test_an_old_version_can_still_be_read(administrator: Administrator) -> None:
    first = await administrator.text()
    await administrator.apply(first.replace(_JOB_TITLE, ""))

    answer = await administrator.call("GET", "?version=1")

    assert answer.text == first
    assert answer.headers["etag"] == '"1"'


async def test_a_workbook_that_comes_back_unchanged_is_the_same_mapping(administrator: Administrator) -> None:
    answer = await administrator.call("GET", "?format=xlsx")

    assert read_file(answer.content, "default") == from_yaml(await administrator.text())
    offered = openpyxl.load_workbook(io.BytesIO(answer.content))["Spotler"]["A"]
    assert "mobileNumber" in {cell.value for cell in offered}


async def test_a_workbook_with_a_formula_is_refused_with_its_cell(administrator: Administrator) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO((await administrator.call("GET", "?format=xlsx")).content))
    workbook["default"]["B3"] = "=1+1"
    buffer = io.BytesIO()
    workbook.save(buffer)

    answer = await administrator.call("PUT", "", buffer.getvalue())

    assert answer.status_code == 422
    assert answer.json()["details"] == [{"place": "default!B3", "text": "a formula; a mapping holds texts only"}]


async def test_a_mapping_of_columns_that_do_not_exist_never_becomes_live(administrator: Administrator) -> None:
    before = await administrator.text()

    answer = await administrator.call("PUT", "", before.replace(_FIRST_NAME, "    contact: dh_nickname\n").encode())

    assert answer.status_code == 409
    errors = [finding for finding in answer.json()["findings"] if finding["severity"] == "error"]
    assert [(error["code"], error["table"]) for error in errors] == [("unknown-column", "contact")]
    assert await administrator.text() == before


async def test_map_33_the_row_of_birthday_goes_only_when_somebody_says_so_by_its_code(
    administrator: Administrator,
) -> None:
    before = await administrator.text()
    without = without_birthday(before).encode()

    unnamed = await administrator.call("PUT", "", without)
    misnamed = await administrator.call("PUT", "?accept=unknown-property", without)
    assert (unnamed.status_code, misnamed.status_code) == (409, 409)
    assert unnamed.json()["error"].endswith("take for what it is: accept=protected-row.")
    assert "its row must not be deleted" in unnamed.json()["findings"][0]["text"]
    assert await administrator.text() == before

    named = await administrator.call("PUT", "?accept=protected-row", without)
    assert named.status_code == 200


async def test_a_change_made_on_an_old_version_is_refused(administrator: Administrator) -> None:
    text = await administrator.text()
    await administrator.apply(text.replace(_JOB_TITLE, ""))

    answer = await administrator.call("PUT", "", text.encode(), If_Match='"1"')

    assert answer.status_code == 412
    assert "the change was made on version 1" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "", b"rows: [", 422),
        ("PUT", "", b"x" * (LARGEST + 1), 413),
        ("PUT", "?accept=everything", None, 400),
        ("PUT", "?by=Noor%20de%20Vries", None, 400),
        ("GET", "?version=99", b"", 404),
        ("GET", "?format=docx", b"", 400),
        ("POST", "/rollback/99", b"", 404),
        ("POST", "/rollback/last", b"", 400),
        ("POST", "/preview?records=contact:1", b"", 400),
    ],
)
async def test_a_call_that_cannot_work_says_why(
    administrator: Administrator, method: str, path: str, body: bytes | None, status: int
) -> None:
    content = (await administrator.text()).encode() if body is None else body

    answer = await administrator.call(method, path, content)

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]


async def test_nobody_without_a_key_reads_or_changes_the_mapping(administrator: Administrator) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/defaults"), ("POST", "/preview"), ("GET", "/history")):
        answer = await administrator.world.connector.call(method, f"/api/mapping{path}", b"", key="wrong")
        assert answer.status_code == 401


async def test_a_check_without_a_body_looks_at_the_live_mapping(administrator: Administrator) -> None:
    answer = await administrator.call("POST", "/check")

    assert answer.status_code == 200
    assert [(finding["severity"], finding["code"]) for finding in answer.json()["findings"]] == [
        ("note", "unseen-changes")
    ]


async def test_a_preview_shows_the_caller_what_would_change_and_changes_nothing(administrator: Administrator) -> None:
    world = administrator.world
    person = await world.synchronised()
    text = (await administrator.text()).replace(_FIRST_NAME, "    contact: lastname\n")
    written = await world.spotler.requests()

    answer = await administrator.call("POST", f"/preview?records=contact:{person.id}", text.encode())

    report = answer.json()
    assert (report["lookedAt"], report["differing"], report["fields"]) == (1, 1, {"firstName": 1})
    (sample,) = report["sample"]
    assert sample["changed"] == {"firstName": {"before": f"Voor{MARK}", "after": f"Achter{MARK}"}}
    assert await world.spotler.requests() == written


async def test_a_preview_tells_who_would_lose_every_permission(administrator: Administrator) -> None:
    world = administrator.world
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: "Newsletter" in permissions(contact))
    leaving = "version: 1\nfilters: {contact: empty(emailaddress1)}\noutside: clearPermissions\n"
    text = (await administrator.text()).replace("version: 1\n", leaving)

    answer = await administrator.call("POST", f"/preview?records=contact:{person.id}", text.encode())

    report = answer.json()
    assert report["actions"] == {"unchanged -> write (filtered)": 1}
    assert [one["changed"] for one in report["sample"]] == [{}]


# -------------------------------------------------------------------------------------------------------- the terminal


async def test_the_terminal_exports_a_workbook_and_applies_it_again(
    administrator: Administrator, tmp_path: Path
) -> None:
    path = tmp_path / "mapping.xlsx"
    exported = await administrator.type("export", str(path))
    workbook = openpyxl.load_workbook(path)
    sheet = workbook["default"]
    (row,) = [cell.row for cell in sheet["A"] if cell.value == "jobTitle"]
    sheet.delete_rows(row)
    workbook.save(path)

    applied = await administrator.type("apply", str(path), "--by", "consultant")

    assert (exported.code, applied.code) == (0, 0), applied
    assert applied.output.rstrip().endswith("is live.")
    assert "jobTitle" not in await administrator.text()


async def test_the_terminal_shows_history_and_differences_and_rolls_back(administrator: Administrator) -> None:
    first = await administrator.text()
    await administrator.apply(first.replace(_JOB_TITLE, ""))

    changes = await administrator.type("diff")
    back = await administrator.type("rollback", "1")
    history = await administrator.type("history", "--json")

    assert "-  - spotler: jobTitle" in changes.output
    assert back.code == 0
    assert json.loads(history.output)["versions"][0]["comment"] == "rollback to version 1"
    assert await administrator.text() == first


async def test_the_terminal_checks_previews_and_says_what_is_wrong(
    administrator: Administrator, tmp_path: Path
) -> None:
    person = await administrator.world.synchronised()
    path = tmp_path / "mapping.yaml"
    path.write_text((await administrator.text()).replace(_FIRST_NAME, "    contact: lastname\n"), encoding="utf-8")
    preview = await administrator.type("preview", str(path), "--record", f"contact:{person.id}")
    path.write_text(path.read_text(encoding="utf-8").replace("contact: lastname", "contact: dh_nickname"))
    checked = await administrator.type("check", str(path))
    path.write_text("version: 1\nrows:\n- {spotler: a, contact: 'a('}\n")
    refused = await administrator.type("apply", str(path))
    nobody = await administrator.type("preview", str(path), "--record", "contact:1")

    assert preview.code == 0
    assert "1 of 1 records would differ." in preview.output
    assert f"'Voor{MARK}'" in preview.output
    assert checked.code == 1
    assert "dh_nickname" in checked.output
    assert (refused.code, refused.output) == (1, "")
    assert "error: row 1 contact: 'a(', position 3" in refused.complaint
    assert "'contact:1' is no record: write its table and id" in nobody.complaint


async def test_map_33_the_terminal_takes_a_warning_by_its_code_too(
    administrator: Administrator, tmp_path: Path
) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(without_birthday(await administrator.text()), encoding="utf-8")

    refused = await administrator.type("apply", str(path), "--accept", "unknown-property")
    nothing = await administrator.type("apply", str(path), "--accept", "everything")
    applied = await administrator.type("apply", str(path), "--accept", "protected-row")

    assert refused.code == 1
    assert "take for what it is: --accept protected-row." in refused.output
    assert nothing.code == 2
    assert "'everything' is no code of a finding: write one of" in nothing.complaint
    assert applied.code == 0, applied


async def test_the_terminal_turns_a_workbook_into_yaml_for_git(administrator: Administrator, tmp_path: Path) -> None:
    path = tmp_path / "mapping.xlsx"
    await administrator.type("export", str(path))

    imported = await administrator.type("import", str(path))

    assert imported.output == await administrator.text()


async def test_map_35_the_terminal_says_when_the_steps_must_follow_the_mapping(
    administrator: Administrator, tmp_path: Path
) -> None:
    path = tmp_path / "mapping.yaml"
    hint = "python -m shared install --only steps"
    path.write_text(await administrator.text(), encoding="utf-8")
    same = await administrator.type("apply", str(path), "--accept", "protected-row")
    changed = (await administrator.text()).replace(_FIRST_NAME, "    contact: nickname\n")
    path.write_text(changed, encoding="utf-8")
    taken = ("--accept", "protected-row", "--accept", "column-without-step")
    applied = await administrator.type("apply", str(path), *taken)

    assert (same.code, applied.code) == (0, 0), applied
    assert hint not in same.output
    assert "nickname" in applied.output
    assert hint in applied.output
