"""MAP-19: a row whose related table may not be read rests, its record says so, and everything else goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.dataverse.metadata.refused_tables import lacks
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.records.table_schema import ReadRight, TableReach
from shared.errors import TransientError
from tests.connector_twin import MAPPING, RULES, ConnectorTwin, person
from tests.unit.domain.mapping.check.checking import found
from tests.unit.engine.guards.test_circuits import health_of

OWNER = "ownerid(systemuser).fullname"
REFUSED = {OWNER: lacks("prvReadUser", "systemuser")}


def with_owner(**options: Any) -> Rules:
    """The mapping of the twins, and the owner's name in the field for a hobby."""
    rows = [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "hobby", "contact": OWNER}]
    added = read_mapping({"version": 1, "rows": rows, **options})
    return replace(RULES, mapping=replace(MAPPING, rows=(*MAPPING.rows, added.rows[1]), filters=added.filters))


async def synchronised(rules: Rules) -> tuple[ConnectorTwin, RecordKey]:
    """Somebody whose owner is Olga, in both systems, before the role lost its privilege."""
    twin = ConnectorTwin(rules)
    ann = twin.crm.create(**person(address1_city="Delft", **{OWNER: "Olga", "permissions": {"Newsletter": True}}))
    await twin.sync(ann)
    assert twin.contact_of("ann@example.com").values["hobby"] == "Olga"
    return twin, ann


def refuse(twin: ConnectorTwin, key: RecordKey) -> None:
    """Read the record as the connector may, from now on: without the row of its owner."""
    record = twin.crm.people[key]
    values = {name: value for name, value in record.values.items() if name != OWNER}
    twin.crm.people[key] = replace(record, values=values, unread=REFUSED)


def grant(twin: ConnectorTwin, key: RecordKey, name: str) -> None:
    record = twin.crm.people[key]
    twin.crm.people[key] = replace(record, values={**record.values, OWNER: name}, unread={})


def text(twin: ConnectorTwin, key: RecordKey) -> str:
    status = twin.crm.people[key].status
    assert status is not None
    assert status.status is SyncStatus.SUCCEEDED
    return status.reason


# ------------------------------------------------------------------------------------------------------------- records


@pytest.mark.parametrize("unmapped", list(Unmapped))
async def test_spotler_keeps_what_it_has_and_the_rest_of_the_record_travels(unmapped: Unmapped) -> None:
    twin, ann = await synchronised(replace(with_owner(), unmapped=unmapped))
    refuse(twin, ann)
    twin.crm.edit(ann, address1_city="Gouda")

    await twin.sync(ann)

    values = twin.contact_of("ann@example.com").values
    assert (values["hobby"], values["city"]) == ("Olga", "Gouda")


async def test_the_record_says_what_is_left_out_until_the_role_is_repaired() -> None:
    twin, ann = await synchronised(with_owner())
    refuse(twin, ann)
    await twin.sync(ann)
    assert f"Left out: {OWNER} (Spotler's hobby) may not be read: the connector's role" in text(twin, ann)
    assert "lacks prvReadUser for systemuser" in text(twin, ann)

    grant(twin, ann, "Pia")
    await twin.sync(ann)

    assert "Left out" not in text(twin, ann)
    assert twin.contact_of("ann@example.com").values["hobby"] == "Pia"


async def test_a_new_record_is_created_without_the_value_and_says_so() -> None:
    twin = ConnectorTwin(with_owner())
    ann = twin.crm.create(**person())
    refuse(twin, ann)

    await twin.sync(ann)

    assert "hobby" not in twin.contact_of("ann@example.com").values
    assert "Left out" in text(twin, ann)


@pytest.mark.parametrize("refusal", [{"donotbulkemail": True}, {"donotemail": True}, {"statecode": 1}])
async def test_refusals_travel_all_the_same(refusal: dict[str, Any]) -> None:
    twin, ann = await synchronised(with_owner())
    refuse(twin, ann)
    twin.crm.edit(ann, **refusal)

    await twin.sync(ann)

    contacts = twin.platform.having("ann@example.com")
    assert not any(contact.options.get("permissions:1") for contact in contacts)
    assert bool(contacts) is ("donotbulkemail" in refusal)


async def test_rows_of_options_that_may_not_be_read_are_no_withdrawals() -> None:
    twin, ann = await synchronised(with_owner())
    record = twin.crm.people[ann]
    why = lacks("prvReaddh_spotlerpermission", "dh_spotlerpermission")
    twin.crm.people[ann] = replace(record, permissions=(), unread={"@map(permissions)": why})

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options["permissions:1"] is True


async def test_a_filter_that_may_not_be_read_ends_nothing() -> None:
    twin, ann = await synchronised(with_owner(filters={"contact": f'{OWNER} = "Olga"'}))
    refuse(twin, ann)
    twin.crm.edit(ann, address1_city="Gouda")

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").values["city"] == "Delft"
    status = twin.crm.people[ann].status
    assert status is not None
    assert status.reason_code == "filter-unreadable"


# --------------------------------------------------------------------------------------------------------------- check


NOTHING, SOME = ReadRight("prvReadUser", TableReach.NOTHING), ReadRight("prvReadUser", TableReach.SOME)


def of_rights(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.code in {Code.TABLE_REFUSED, Code.TABLE_PARTLY_REFUSED, Code.RIGHTS_UNKNOWN}]


def checked(source: str, **surroundings: Any) -> list[Finding]:
    return of_rights(found({"spotler": "firstName", "contact": source}, **surroundings))


@pytest.mark.parametrize("source", [OWNER, f"firstname;{OWNER}", f'@concat(firstname, " ", {OWNER})'])
def test_the_check_names_the_row_the_table_the_privilege_and_the_cure(source: str) -> None:
    (finding,) = checked(source, rights={"systemuser": NOTHING})

    assert (finding.severity, finding.code, finding.row) == (Severity.ERROR, Code.TABLE_REFUSED, 2)
    for word in (OWNER, "systemuser", "prvReadUser", "Spotler Service"):
        assert word in finding.text


def test_a_privilege_for_some_rows_is_a_warning() -> None:
    (finding,) = checked(OWNER, rights={"systemuser": SOME})

    assert (finding.severity, finding.code, finding.row) == (Severity.WARNING, Code.TABLE_PARTLY_REFUSED, 2)
    assert "prvReadUser" in finding.text


def test_a_table_filter_is_checked_as_well() -> None:
    options = {"filters": {"contact": f"not empty({OWNER})"}}

    (finding,) = checked("firstname", rights={"systemuser": NOTHING}, options=options)

    assert (finding.severity, finding.code, finding.row, finding.table) == ("error", Code.TABLE_REFUSED, 0, "contact")


def test_missing_privilege_lists_leave_a_note() -> None:
    (finding,) = checked(OWNER, rights=None)

    assert (finding.severity, finding.code) == (Severity.NOTE, Code.RIGHTS_UNKNOWN)
    assert "systemuser" in finding.text


@pytest.mark.parametrize(
    ("source", "rights"),
    [
        (OWNER, {"systemuser": ReadRight("prvReadUser", TableReach.ALL)}),
        (OWNER, {}),
        ("firstname", None),
        ("firstname", {"systemuser": NOTHING}),
    ],
)
def test_otherwise_nothing_is_said(source: str, rights: Any) -> None:
    assert checked(source, rights=rights) == []


# -------------------------------------------------------------------------------------------------------------- health


async def refused_users() -> dict[str, str]:
    return {"systemuser": "prvReadUser"}


async def no_answer() -> dict[str, str]:
    raise TransientError("No answer")


async def test_health_names_the_tables_and_is_not_healthy() -> None:
    report = await health_of(ConnectorTwin(), refused_users).check()

    assert report["mapping"]["refusedTables"] == {"systemuser": "prvReadUser"}
    assert report["healthy"] is False


async def test_a_question_without_an_answer_is_no_refused_table() -> None:
    report = await health_of(ConnectorTwin(), no_answer).check()

    assert report["mapping"]["refusedTables"] == {"unknown": "No answer"}
    assert report["healthy"] is True
