"""Commands (`appactions`): one row for each table and place that a command of `infra/dataverse/commands/` names."""

from __future__ import annotations

import json
from dataclasses import dataclass as plain
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.forms.specification import Need
from shared.installation.pages.languages import STRICT, Languages


class Place(StrEnum):
    """The command bars that a command may be in."""

    FORM = "form"
    GRID = "grid"


@dataclass(frozen=True, config=STRICT)
class CommandText:
    """A command as a file writes it. `icon` is the name of one of the client's own icons."""

    key: str
    tables: tuple[str, ...]
    place: Place
    label: Texts
    tooltip: Texts
    icon: str
    script: str
    function: str
    needs: Need | None = None

    def expand(self) -> tuple[Command, ...]:
        """Return one command for each table."""
        return tuple(Command(self, table) for table in self.tables)


@dataclass(frozen=True, config=STRICT)
class CommandsFile:
    """One file of `infra/dataverse/commands/`."""

    commands: tuple[CommandText, ...]


@plain(frozen=True)
class Command:
    """A command of one table."""

    text: CommandText
    table: str

    @property
    def unique_name(self) -> str:
        """The name by which a later run finds the command; it begins with the publisher's prefix."""
        return f"dh__{self.text.key.replace('.', '_')}!{self.table}!{_LOCATIONS[self.text.place]}"


def command_row(command: Command, table_metadata_id: UUID, languages: Languages) -> dict[str, Any]:
    """Return the body that creates a command, without its script. What is fixed after the creation: `FIXED`."""
    text = command.text
    return {
        "name": f"dh.{text.key}.{command.table}",
        "uniquename": command.unique_name,
        "context": 1,
        "contextvalue": command.table,
        "ContextEntity@odata.bind": f"/entities({table_metadata_id})",
        "location": _LOCATIONS[text.place],
        "type": 0,
        "origin": 0,
        "buttonlabeltext": languages.name(text.label),
        "buttontooltiptitle": languages.name(text.label),
        "buttontooltipdescription": languages.name(text.tooltip),
        "fonticon": f"$clientsvg:{text.icon}",
        "sequence": SEQUENCE,
        "onclickeventtype": 2,
        "onclickeventjavascriptfunctionname": text.function,
        "onclickeventjavascriptparameters": json.dumps(_PARAMETERS[text.place], separators=(",", ":")),
        "visibilitytype": 0,
        "hidden": False,
        "isdisabled": False,
    }


FIXED = frozenset({"name", "uniquename", "context", "contextvalue", "ContextEntity@odata.bind", "location", "origin"})
"""Members of the body that no later change may send."""

SEQUENCE = 1000100190
"""Just before the commands of the system, which lie around 1000100200."""

_LOCATIONS = {Place.FORM: 0, Place.GRID: 1}
_PRIMARY_CONTROL, _SELECTED_CONTROL, _SELECTED_REFERENCES = 5, 12, 24
_PARAMETERS = {
    Place.FORM: [{"type": _PRIMARY_CONTROL, "value": None}],
    Place.GRID: [{"type": _SELECTED_CONTROL, "value": None}, {"type": _SELECTED_REFERENCES, "value": None}],
}
