"""The table of kinds, in the order of work."""

from collections.abc import Sequence
from typing import Any

from shared.installation.components.access.application_users import ApplicationUsers
from shared.installation.components.access.roles import Roles
from shared.installation.components.events.endpoints import Endpoints
from shared.installation.components.events.steps import Steps
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.columns import Columns
from shared.installation.components.schema.keys import Keys
from shared.installation.components.schema.lookups import Lookups
from shared.installation.components.schema.status_reasons import StatusReasons
from shared.installation.components.schema.tables import Tables
from shared.installation.components.solution.membership import StandardTables
from shared.installation.components.solution.publishers import Publishers, Solutions
from shared.installation.components.variables import Variables
from shared.installation.components.web_resources import WebResources
from shared.installation.desired.state import DesiredState


def kinds(desired: DesiredState, pages: Sequence[ComponentKind[Any, Any]] = ()) -> tuple[ComponentKind[Any, Any], ...]:
    """Return all kinds, in the order of `Kind`. `pages` are those of `pages/table.py`."""
    solution = desired.solution.name
    found: list[ComponentKind[Any, Any]] = [
        Publishers(),
        Solutions(),
        StandardTables(solution),
        Tables(),
        Columns(solution),
        StatusReasons(solution),
        Keys(),
        Lookups(),
        Variables(),
        WebResources(),
        Roles(),
        ApplicationUsers(),
        Endpoints(),
        Steps(desired.endpoint_name),
        *pages,
    ]
    order = list(Kind)
    return tuple(sorted(found, key=lambda kind: order.index(kind.kind)))
