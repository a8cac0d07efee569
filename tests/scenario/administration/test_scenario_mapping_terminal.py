"""MAP-04, MAP-32, MAP-33, MAP-35: administrators change the mapping from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from tests.scenario.administration.mapping_acts import FIRST_NAME, JOB_TITLE, Administrator, without_birthday
from tests.scenario.privacy import MARK

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    await administrator.apply(first.replace(JOB_TITLE, ""))

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
    path.write_text((await administrator.text()).replace(FIRST_NAME, "    contact: lastname\n"), encoding="utf-8")
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
    changed = (await administrator.text()).replace(FIRST_NAME, "    contact: nickname\n")
    path.write_text(changed, encoding="utf-8")
    taken = ("--accept", "protected-row", "--accept", "column-without-step")
    applied = await administrator.type("apply", str(path), *taken)

    assert (same.code, applied.code) == (0, 0), applied
    assert hint not in same.output
    assert "nickname" in applied.output
    assert hint in applied.output
