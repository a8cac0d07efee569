"""The table of kinds, in the order of work."""

from typing import Any

from shared.installation.components.kind import ComponentKind
from shared.installation.components.solution.membership import StandardTables
from shared.installation.components.solution.publishers import Publishers, Solutions
from shared.installation.desired.state import DesiredState


def kinds(desired: DesiredState) -> tuple[ComponentKind[Any, Any], ...]:
    """Return all kinds, in the order of `Kind`."""
    found: list[ComponentKind[Any, Any]] = [
        Publishers(),
        Solutions(),
        StandardTables(desired.solution.name),
    ]
    order = list(type(found[0].kind))
    return tuple(sorted(found, key=lambda kind: order.index(kind.kind)))
