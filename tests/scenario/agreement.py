"""Compares Dataverse and Spotler by the rules that the users know, without a look at what the connector remembers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from shared.adapters.dataverse.records.tables import INFO_STATUS, JOB_STATUS, JOBS
from shared.domain.records.records import SyncStatus
from tests.scenario.world import World, permissions

_FIELDS = {
    "firstname": "firstName",
    "lastname": "lastName",
    "jobtitle": "jobTitle",
    "address1_city": "city",
    "mobilephone": "mobileNumber",
}
_PERMISSIONS = "dh_spotlerpermission_customer_contact"

Row = Mapping[str, Any]


async def disagreements(world: World) -> list[str]:
    """Say, by id, where the sides differ: contacts of Dataverse that Spotler lacks or has otherwise, and the reverse.

    For contacts that refuse no mail, with well-formed Dutch values. The rows of status and jobs are looked at, too.
    """
    columns = "contactid,emailaddress1,statecode,donotemail,donotbulkemail," + ",".join(_FIELDS)
    expand = f"dh_SpotlerInfo($select=statuscode),{_PERMISSIONS}($select=dh_name,dh_subscribed)"
    rows = (await world.dynamics.read(f"contacts?$select={columns}&$expand={expand}"))["value"]
    jobs = (await world.dynamics.read(f"{JOBS}?$select=dh_spotlerjobid,statuscode"))["value"]
    contacts = {one["properties"].get("email", ""): one for one in await world.spotler.contacts()}
    wanted = [row for row in rows if row["statecode"] == 0 and row["emailaddress1"] and not row["donotemail"]]
    by_address: defaultdict[str, list[Row]] = defaultdict(list)
    for row in wanted:
        by_address[row["emailaddress1"]].append(row)
    return [
        *(f"{one['externalId']} is in Spotler only" for email, one in contacts.items() if email not in by_address),
        *(f"{row['contactid']} is not in Spotler" for row in wanted if row["emailaddress1"] not in contacts),
        *(
            f"{row['contactid']} differs in {difference}"
            for email, (row,) in ((email, rows) for email, rows in by_address.items() if len(rows) == 1)
            if email in contacts
            for difference in _differences(row, contacts[email])
        ),
        *(f"the status of {row['contactid']} is wrong" for row in rows if not _is_succeeded(row)),
        *(f"job {job['dh_spotlerjobid']} is stuck" for job in jobs if not JOB_STATUS[job["statuscode"]].is_final),
    ]


def _differences(row: Row, contact: Row) -> list[str]:
    names = [name for name, there in _FIELDS.items() if row[name] != contact["properties"].get(there)]
    given = {one["dh_name"] for one in row[_PERMISSIONS] if one["dh_subscribed"]}
    given -= {one["dh_name"] for one in row[_PERMISSIONS] if not one["dh_subscribed"]}
    if permissions(dict(contact)) != (set() if row["donotbulkemail"] else given):
        names.append("permissions")
    return names


def _is_succeeded(row: Row) -> bool:
    info = row["dh_SpotlerInfo"]
    return info is not None and INFO_STATUS[info["statuscode"]] is SyncStatus.SUCCEEDED
