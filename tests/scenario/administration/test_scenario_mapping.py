"""MAP-01, MAP-04, MAP-31..MAP-34, C-33, C-41: administrators change the mapping over HTTP."""

from __future__ import annotations

import io

import openpyxl
import pytest

from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.sizes import LARGEST
from shared.domain.mapping.formats.yaml_format import from_yaml
from tests.scenario.administration.mapping_acts import FIRST_NAME, JOB_TITLE, Administrator, without_birthday
from tests.scenario.privacy import MARK
from tests.scenario.world import permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_change_is_used_at_once_by_whoever_applied_it(administrator: Administrator) -> None:
    world = administrator.world
    text = (await administrator.text()).replace(FIRST_NAME, "    contact: '@concat(lastname, \", \", firstname)'\n")

    await administrator.apply(text)
    person = await world.synchronised()

    contact = await world.in_spotler(person)
    assert contact["properties"]["firstName"] == f"Achter{MARK}, Voor{MARK}"


async def test_map_31_after_a_change_a_resync_brings_it_to_records_that_nobody_saves(
    administrator: Administrator,
) -> None:
    world = administrator.world
    person = await world.synchronised()
    await administrator.apply((await administrator.text()).replace(FIRST_NAME, "    contact: lastname\n"))

    answer = await world.connector.call("POST", "/api/resync", {"table": "contact"})

    assert answer.is_success
    await world.in_spotler(person, lambda contact: contact["properties"]["firstName"] == f"Achter{MARK}")


async def test_map_34_rows_that_were_deleted_stay_deleted_when_settings_are_saved_and_the_connector_starts_again(
    administrator: Administrator,
) -> None:
    without = (await administrator.text()).replace(JOB_TITLE, "")
    await administrator.apply(without)

    await administrator.world.connector.restart(ANONYMIZE_WHEN_INACTIVE="false")

    assert await administrator.text() == without


async def test_default_rows_come_back_on_request(administrator: Administrator) -> None:
    before = from_yaml(await administrator.text())
    await administrator.apply((await administrator.text()).replace(JOB_TITLE, ""))

    answer = await administrator.call("POST", "/defaults")

    assert answer.status_code == 200
    after = from_yaml(await administrator.text())
    assert {row.property_name: row for row in after.rows} == {row.property_name: row for row in before.rows}


async def test_the_history_tells_which_versions_were_live_and_by_whom(administrator: Administrator) -> None:
    applied = await administrator.apply((await administrator.text()).replace(JOB_TITLE, ""))

    versions = (await administrator.call("GET", "/history")).json()["versions"]

    newest, oldest = versions[0], versions[-1]
    assert (newest["version"], newest["by"], newest["comment"]) == (applied["version"], "consultant", "because")
    assert (oldest["version"], oldest["by"]) == (1, "first-activation")


async def test_an_old_version_can_still_be_read(administrator: Administrator) -> None:
    first = await administrator.text()
    await administrator.apply(first.replace(JOB_TITLE, ""))

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

    answer = await administrator.call("PUT", "", before.replace(FIRST_NAME, "    contact: dh_nickname\n").encode())

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
    await administrator.apply(text.replace(JOB_TITLE, ""))

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
    text = (await administrator.text()).replace(FIRST_NAME, "    contact: lastname\n")
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
