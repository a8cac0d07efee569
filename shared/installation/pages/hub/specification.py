"""What `infra/dataverse/app/hub.yaml` says: the app, its site map, and its dashboard."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.forms.specification import Need
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import STRICT


@dataclass(frozen=True, config=STRICT)
class App:
    """The model-driven app; `roles` are names of the security roles that may open it (UI-03)."""

    unique_name: str
    name: Texts
    description: Texts
    icon: str
    roles: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class Page:
    """An entry of the navigation: the rows of a table, a dashboard, or an own web resource of type HTML."""

    id: str
    title: Texts
    table: str | None = None
    dashboard: str | None = None
    web_page: str | None = None
    needs: Need | None = None

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if [self.table, self.dashboard, self.web_page].count(None) != 2:  # noqa: PLR2004
            raise ValueError(f"the page {self.id} needs either a table, a dashboard or a web page")
        return self


@dataclass(frozen=True, config=STRICT)
class Group:
    """Pages under a heading."""

    id: str
    title: Texts
    pages: tuple[Page, ...]


@dataclass(frozen=True, config=STRICT)
class Area:
    """Groups that the navigation shows together."""

    id: str
    title: Texts
    groups: tuple[Group, ...]


@dataclass(frozen=True, config=STRICT)
class Tile:
    """A part of the dashboard: the rows of a view, or a chart of them."""

    name: str
    title: Texts
    table: str
    view: str
    chart: str | None = None


@dataclass(frozen=True, config=STRICT)
class Dashboard:
    """Tiles in rows, beside each other within a row."""

    key: str
    name: Texts
    rows: Annotated[tuple[tuple[Tile, ...], ...], Field(min_length=1)]

    @property
    def id(self) -> UUID:
        """The id that the dashboard is created with."""
        return stable_id("dashboard", self.key)


@dataclass(frozen=True, config=STRICT)
class Hub:
    """The whole file."""

    app: App
    site_map: tuple[Area, ...]
    dashboard: Dashboard
