"""Twins of the ports around permissions and consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.dataverse import BounceTask, EnvironmentVariable, NamedPermission, NamedPermissionPage
from tests.twins import Faults


class TwinVariables:
    """Variables by schema name, and by display name; `asked` counts requests."""

    def __init__(self, **values: str | None) -> None:
        self.values = values
        self.display_names: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.broken: ConnectorError | None = None
        self.asked: list[str] = []

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        self.asked.append(schema_name)
        if self.broken:
            raise self.broken
        name = schema_name if schema_name in self.values else self.display_names.get(display_name, "")
        if name not in self.values:
            return None
        return EnvironmentVariable(UUID(int=1), name, self.values[name], None, self.defaults.get(name, ""))

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        self.values[variable.schema_name] = value


class TwinBounceTasks:
    """Tasks in Dataverse: created once with their id, closed by us or by a person, gone with their record."""

    def __init__(self, *, exists: Callable[[RecordKey], bool] = lambda _key: True) -> None:
        self.exists = exists
        self.tasks: dict[UUID, BounceTask] = {}
        self.open: set[UUID] = set()
        self.broken: ConnectorError | None = None
        self.created: list[int] = []
        self.completed: list[int] = []

    def task_of(self, key: RecordKey) -> BounceTask:
        """The one open task of a record."""
        (task,) = (task for task in self.tasks.values() if task.key == key and task.id in self.open)
        return task

    def open_tasks(self) -> list[RecordKey]:
        return sorted(self.tasks[identifier].key for identifier in self.open)

    async def create(self, tasks: Sequence[BounceTask]) -> Sequence[UUID]:
        if self.broken:
            raise self.broken
        self.created.append(len(tasks))
        there: list[UUID] = []
        for task in tasks:
            if not self.exists(task.key):
                continue
            if task.id not in self.tasks:
                self.tasks[task.id] = task
                self.open.add(task.id)
            there.append(task.id)
        return there

    async def complete(self, ids: Sequence[UUID]) -> None:
        if self.broken:
            raise self.broken
        self.completed.append(len(ids))
        self.open -= set(ids)


class TwinPermissionRows:
    """Spotler Permission rows: name, when they were created, and when they were written last."""

    def __init__(self, clock: Clock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.rows: dict[UUID, NamedPermission] = {}
        self.created: dict[UUID, datetime] = {}
        self.protected: set[UUID] = set()
        self.requests = 0

    def add(self, *names: str) -> list[UUID]:
        ids = [UUID(int=len(self.rows) + 1 + number) for number in range(len(names))]
        for identifier, name in zip(ids, names, strict=True):
            self.rows[identifier] = NamedPermission(identifier, name, self.clock.now())
            self.created[identifier] = self.clock.now()
        return ids

    def names(self) -> list[str]:
        return [row.name for row in self.rows.values()]

    def touch(self, identifier: UUID) -> None:
        self.rows[identifier] = replace(self.rows[identifier], modified_on=self.clock.now())

    async def named(
        self, name: str, *, created_before: datetime | None, after: str | None, limit: int
    ) -> NamedPermissionPage:
        self.requests += 1
        await self.faults.pass_by()
        found = [
            row
            for row in sorted(self.rows.values(), key=lambda row: row.id)
            if row.name.casefold() == name.casefold()
            and (created_before is None or self.created[row.id] < created_before)
        ]
        begin = int(after or 0)  # by number: a page that lost rows meanwhile skips others
        more = len(found) > begin + limit
        return NamedPermissionPage(found[begin : begin + limit], str(begin + limit) if more else None)

    async def rename(self, ids: Sequence[UUID], name: str) -> frozenset[UUID]:
        self.requests += 1
        await self.faults.pass_by()
        for identifier in ids:
            if identifier not in self.protected:
                self.rows[identifier] = NamedPermission(identifier, name, self.clock.now())
        await self.faults.pass_by()
        return self.protected & {*ids}

    async def in_use(self, names: Sequence[str]) -> frozenset[str]:
        self.requests += 1
        used = {row.name.casefold() for row in self.rows.values()}
        return frozenset(name for name in names if name.casefold() in used)
