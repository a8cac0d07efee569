"""Forms and organisations for the tests of what users see in Dynamics."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.merging import merge_tab
from shared.installation.pages.forms.specification import FormKind, Handler, OwnTab
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import Languages
from shared.installation.pages.reading import read_customisation

SAMPLES = Path(__file__).parent / "samples" / "forms"
FORM = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")
CUSTOMISATION = read_customisation()
TABS = {table: tab for tab in CUSTOMISATION.tabs for table in tab.tables}
EXISTING = tuple(sorted(path.stem for path in SAMPLES.glob("*.xml")))
CHARTS = {chart.key: chart.id for chart in CUSTOMISATION.charts}
ON_LOAD = Handler(event="onload", library="dh_spotlerjob.js", function="SpotlerJob.onLoad")


def around(*, has_sales: bool = True, languages: Languages | None = None) -> Surroundings:
    """An organisation in which all views and quick view forms are installed."""
    return Surroundings(
        languages=languages or Languages(),
        views={view.key: view.id for view in CUSTOMISATION.views},
        forms={
            form.key: stable_id("form", form.key) for form in CUSTOMISATION.forms if form.kind is FormKind.QUICK_VIEW
        },
        has_sales=has_sales,
    )


def existing_form(name: str) -> str:
    """A form of somebody else, as Dataverse answers it."""
    return (SAMPLES / f"{name}.xml").read_text(encoding="utf-8")


def table_of(name: str) -> str:
    """The table of such a form."""
    return name.partition("_")[0]


def merged(formxml: str, table: str, tab: OwnTab | None = None) -> str:
    """The form with the tab of its table."""
    return merge_tab(formxml, tab or TABS[table], FORM, table, around())
