"""Reads what users shall see from `infra/dataverse/`: forms, views, charts, commands, the app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from shared.errors import ConfigurationError
from shared.installation.desired.reading import FOLDER
from shared.installation.pages.forms.specification import FormsFile, OwnForm, OwnTab
from shared.installation.pages.hub.commands import Command, CommandsFile
from shared.installation.pages.hub.specification import Hub
from shared.installation.pages.queries.charts import Chart, ChartsFile
from shared.installation.pages.queries.views import View, ViewsFile
from shared.installation.yaml_files import read_yaml

_File = TypeVar("_File")


@dataclass(frozen=True)
class Customisation:
    """Everything that users of Dynamics see of the connector."""

    tabs: tuple[OwnTab, ...]
    forms: tuple[OwnForm, ...]
    views: tuple[View, ...]
    charts: tuple[Chart, ...]
    commands: tuple[Command, ...]
    hub: Hub


def read_customisation(folder: Path = FOLDER) -> Customisation:
    """Read all files. Raises ConfigurationError, naming file and place, for what cannot be read."""
    forms = _read_all(folder / "forms", FormsFile)
    hub = _read(folder / "app" / "hub.yaml", Hub)
    return Customisation(
        tabs=tuple(file.tab for file in forms if file.tab is not None),
        forms=tuple(form for file in forms for form in file.forms),
        views=tuple(view for file in _read_all(folder / "views", ViewsFile) for view in file.expand()),
        charts=tuple(chart for file in _read_all(folder / "charts", ChartsFile) for chart in file.charts),
        commands=tuple(
            command
            for file in _read_all(folder / "commands", CommandsFile)
            for text in file.commands
            for command in text.expand()
        ),
        hub=hub,
    )


def _read_all(folder: Path, kind: type[_File]) -> list[_File]:
    return [_read(path, kind) for path in sorted(folder.glob("*.yaml"))]


def _read(path: Path, kind: type[_File]) -> _File:
    try:
        return TypeAdapter(kind).validate_python(read_yaml(path))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}, {place}: {first['msg']}") from error
