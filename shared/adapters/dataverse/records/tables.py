"""Names in Dataverse: tables, sets, keys and the option values of the connector's own columns (`docs/tables.md`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.features.automations import AutomationKind
from shared.domain.features.lists import ListKind
from shared.domain.records.jobs import JobStatus
from shared.domain.records.records import PersonTable, SyncStatus

INFO, INFOS = "dh_spotlerinfo", "dh_spotlerinfos"
INFO_LOOKUP = "dh_SpotlerInfo"
PERMISSION, PERMISSIONS = "dh_spotlerpermission", "dh_spotlerpermissions"
JOB, JOBS = "dh_spotlerjob", "dh_spotlerjobs"
AUTOMATIONS = "dh_spotlerautomations"
LIST, LIST_MEMBER = "list", "listmember"
LISTS, LIST_MEMBERS = "lists", "listmembers"
POSTS, TASKS, USERS = "posts", "tasks", "systemusers"
VARIABLES, VARIABLE_VALUES = "environmentvariabledefinitions", "environmentvariablevalues"

ACTIVE, INACTIVE = 0, 1


@dataclass(frozen=True, slots=True)
class TableNames:
    """A person table: its set in the Web API, its key, and the collection of its Spotler Permission rows."""

    entity_set: str
    key: str
    permissions: str


PEOPLE: Mapping[PersonTable, TableNames] = {
    PersonTable.CONTACT: TableNames("contacts", "contactid", "dh_spotlerpermission_customer_contact"),
    PersonTable.LEAD: TableNames("leads", "leadid", "dh_spotlerpermission_lead"),
    PersonTable.ACCOUNT: TableNames("accounts", "accountid", "dh_spotlerpermission_customer_account"),
}

INFO_STATES: Mapping[SyncStatus, tuple[int, int]] = {
    SyncStatus.PROCESSING: (ACTIVE, 1),
    SyncStatus.SUCCEEDED: (ACTIVE, 480000000),
    SyncStatus.FAILED: (ACTIVE, 480000001),
    SyncStatus.DISABLED: (INACTIVE, 2),
    SyncStatus.OPT_OUT: (INACTIVE, 480000002),
}
"""State and status reason of a Spotler Info row. The defaults are Processing and Disabled, so that the ordinary buttons
Activate and Deactivate mean "start afresh" and "leave this person alone" (STA-03..STA-05)."""

JOB_STATES: Mapping[JobStatus, tuple[int, int]] = {
    JobStatus.QUEUED: (ACTIVE, 1),
    JobStatus.IN_PROGRESS: (ACTIVE, 480000000),
    JobStatus.COMPLETED: (INACTIVE, 2),
    JobStatus.FAILED: (INACTIVE, 480000001),
}
"""State and status reason of a Spotler Job row (JOB-25)."""

INFO_STATUS: Mapping[int, SyncStatus] = {reason: status for status, (_, reason) in INFO_STATES.items()}
JOB_STATUS: Mapping[int, JobStatus] = {reason: status for status, (_, reason) in JOB_STATES.items()}

AUTOMATION_STATES: Mapping[bool, tuple[int, int]] = {True: (ACTIVE, 1), False: (INACTIVE, 2)}
"""State and status reason of a Spotler Automation row; it is inactive if Spotler no longer publishes it."""

AUTOMATION_KINDS: Mapping[AutomationKind, int] = {
    AutomationKind.AUTOMATION: 480000000,
    AutomationKind.CAMPAIGN: 480000001,
}
"""Option values of `dh_kind`."""

LIST_TABLES: Mapping[int, PersonTable] = {1: PersonTable.ACCOUNT, 2: PersonTable.CONTACT, 4: PersonTable.LEAD}
"""The table of a marketing list's members, by `createdfromcode`."""

LIST_KINDS: Mapping[int, ListKind] = {480000000 + number: kind for number, kind in enumerate(ListKind)}
"""Option values of `dh_spotlerlistkind`: audience, temporary, static."""
