"""Checks of charts: `datadescription` and `presentationdescription`.

Source: `VisualizationDataDescription.xsd`, and Microsoft's page "Create a visualization (chart)". Codes are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.rows.store import Row, Store

_CODE = "0x80041010"


def check(store: Store, old: Row, changes: Mapping[str, Any]) -> None:
    """WebApiError 400 for a chart that Dataverse would refuse; `changes` are the written columns."""
    chart = {**old, **changes}
    table = store.schema.tables.get(str(chart.get("primaryentitytypecode")))
    if table is None:
        raise bad_request(
            f"The entity with a name = '{chart.get('primaryentitytypecode')}' was not found.", "0x80041102"
        )
    if old and chart["primaryentitytypecode"] != old["primaryentitytypecode"]:
        raise bad_request("The table of a chart cannot be changed.", _CODE)
    if changes.get("datadescription") is not None or not old:
        data = parsed(changes.get("datadescription"), "datadefinition", "datadescription", _CODE)
        entities = data.findall("fetchcollection/fetch/entity")
        if [one.get("name") for one in entities] != [table.name]:
            raise bad_request(f"The query of a chart of '{table.name}' must count rows of this table.", _CODE)
        for attribute in entities[0].findall("attribute"):
            if attribute.get("name") not in table.columns:
                raise bad_request(f"'{table.name}' entity doesn't contain attribute '{attribute.get('name')}'.", _CODE)
        aliases = {attribute.get("alias") for attribute in entities[0].iter("attribute")}
        for part in (*data.iter("category"), *data.iter("measure")):
            if part.get("alias") not in aliases:
                raise bad_request(f"The alias '{part.get('alias')}' is not in the query of the chart.", _CODE)
    if changes.get("presentationdescription") is not None or not old:
        parsed(changes.get("presentationdescription"), "Chart", "presentationdescription", _CODE)
