"""Twins of the ports around permissions and consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from shared.core.records import RecordKey
from shared.errors import ConnectorError
from shared.ports import BounceTask, EnvironmentVariable


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
