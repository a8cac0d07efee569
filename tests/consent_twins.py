"""Twins of the ports around permissions and consent."""

from __future__ import annotations

from uuid import UUID

from shared.errors import ConnectorError
from shared.ports import EnvironmentVariable


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
