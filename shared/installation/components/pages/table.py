"""The table of kinds that users see as pages."""

from typing import Any

from shared.installation.components.kind import ComponentKind
from shared.installation.components.pages.apps import Apps
from shared.installation.components.pages.kinds import Charts, Commands, Dashboards, OwnForms, Views
from shared.installation.components.pages.tabs import Keep, Tabs
from shared.installation.pages.reading import Customisation


def page_kinds(
    customisation: Customisation, keep: Keep, left_out: frozenset[str] = frozenset()
) -> tuple[ComponentKind[Any, Any], ...]:
    """Return the kinds. `keep` stores the originals of forms of others; forms named in `left_out` get no tab."""
    return (
        Views(customisation),
        Charts(customisation),
        OwnForms(customisation),
        Tabs(customisation, keep, left_out),
        Commands(customisation),
        Dashboards(customisation),
        Apps(customisation),
    )
