"""Tasks about e-mail addresses that do not work (BNC-09, BNC-10, C-14), a batch at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY
from shared.adapters.dataverse.web_api.operations import Annotation, Retrieve, Row
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.values import clipped
from shared.errors import ConnectorError, DataError, NotFoundError
from shared.ports.dataverse import BounceTask

_KEY, _OWNER = "activityid", "_ownerid_value"
_OPEN = 0
_COMPLETED: Mapping[str, Any] = {"statecode": 1, "statuscode": 5}
_CATEGORY = {"category": "Spotler", "subcategory": "Bounce"}
"""Views and dashboards find the tasks by these values (BNC-10)."""

_SUBJECT_LENGTH, _DESCRIPTION_LENGTH = 200, 2000
_REGARDING = {
    PersonTable.CONTACT: "regardingobjectid_contact_task",
    PersonTable.LEAD: "regardingobjectid_lead_task",
    PersonTable.ACCOUNT: "regardingobjectid_account_task",
}
_OWNERS = {"systemuser": "systemusers", "team": "teams"}

Owner = str | None


class DataverseBounceTasks:
    """Implements the port `BounceTasks`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def create(self, tasks: Sequence[BounceTask]) -> Sequence[UUID]:
        """Read the owners in one request, and create the tasks in another one; return the ids of the tasks.

        If Dataverse refuses an owner, for instance a disabled user, a third request creates the task for the
        connector's own user; it is on the record's timeline all the same.
        """
        owners = await self._owners(task.key for task in tasks)
        waiting = [task for task in tasks if task.key in owners]
        existing, refused, errors = await self._create(waiting, owners)
        if refused:
            more, _, errors_again = await self._create(refused, {})
            existing, errors = [*existing, *more], [*errors, *errors_again]
        if errors:
            raise errors[0]
        return existing

    async def complete(self, ids: Sequence[UUID]) -> None:
        """Complete those that are open, in two requests; tasks that a person has closed are left alone."""
        if not ids:
            return
        (rows,) = await self._client.retrieve_many([Retrieve(tables.TASKS, _KEY, ids, (_KEY, "statecode"))])
        still_open = [UUID(row[_KEY]) for row in rows if row["statecode"] == _OPEN]
        updates = [operations.update(tables.TASKS, identifier, _COMPLETED) for identifier in still_open]
        for result in await self._client.batch(updates) if updates else ():
            if result.error is not None and not isinstance(result.error, NotFoundError):
                raise result.error

    async def _owners(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Owner]:
        """Return the owners of the records that exist, as paths for `@odata.bind`."""
        by_table: dict[PersonTable, list[UUID]] = {}
        for key in dict.fromkeys(keys):
            by_table.setdefault(key.table, []).append(key.id)
        if not by_table:
            return {}
        requests = [
            Retrieve(tables.PEOPLE[table].entity_set, tables.PEOPLE[table].key, ids, (tables.PEOPLE[table].key, _OWNER))
            for table, ids in by_table.items()
        ]
        answers = await self._client.retrieve_many(requests, annotations=[Annotation.LOOKUP_TABLE])
        return {
            RecordKey(table, UUID(row[tables.PEOPLE[table].key])): _owner(row)
            for table, rows in zip(by_table, answers, strict=True)
            for row in rows
        }

    async def _create(
        self, tasks: Sequence[BounceTask], owners: Mapping[RecordKey, Owner]
    ) -> tuple[list[UUID], list[BounceTask], list[ConnectorError]]:
        """Return the ids of the tasks that exist now, the tasks refused with their owner, and the errors."""
        existing: list[UUID] = []
        refused: list[BounceTask] = []
        errors: list[ConnectorError] = []
        results = await self._client.batch([_operation(task, owners.get(task.key)) for task in tasks]) if tasks else []
        for task, result in zip(tasks, results, strict=True):
            match result.error:
                case None:
                    existing.append(task.id)
                case ConnectorError(code=code) if code == DUPLICATE_KEY:
                    existing.append(task.id)
                case DataError() if owners.get(task.key) is not None:
                    refused.append(task)
                case NotFoundError():
                    pass  # the record was deleted in between
                case error:
                    errors.append(error)
        return existing, refused, errors


def _owner(row: Row) -> Owner:
    identifier = row.get(_OWNER)
    entity_set = _OWNERS.get(row.get(f"{_OWNER}@{Annotation.LOOKUP_TABLE}", ""))
    return odata.row(entity_set, UUID(identifier)) if identifier and entity_set else None


def _operation(task: BounceTask, owner: Owner) -> operations.WebApiOperation:
    """Create a task with a fixed id: Dataverse refuses a repetition as a duplicate."""
    record = odata.row(tables.PEOPLE[task.key.table].entity_set, task.key.id)
    row = {
        _KEY: str(task.id),
        "subject": clipped(task.subject, _SUBJECT_LENGTH),
        "description": clipped(task.description, _DESCRIPTION_LENGTH),
        **_CATEGORY,
        f"{_REGARDING[task.key.table]}@odata.bind": f"/{record}",
    }
    if owner is not None:
        row["ownerid@odata.bind"] = f"/{owner}"
    return operations.create(tables.TASKS, row, key=_KEY)
