"""Adds and renames options: a replaced column never changes them.

Source: Microsoft's page "Create and update choices using the Web API".
"""

from collections.abc import Iterable

from shared.installation.components.wording import label
from shared.installation.desired.state import Option
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient


async def write_options(
    client: CustomizationClient,
    column: tuple[str, str],
    differences: Iterable[tuple[Option, bool]],
    organisation: Organisation,
    solution: str,
) -> None:
    """Add the options that are missing (True), and rename the others; `column` is table and logical name."""
    table, name = column
    for option, missing in differences:
        body = {
            "EntityLogicalName": table,
            "AttributeLogicalName": name,
            "Value": option.value,
            "Label": label(option.label, organisation),
        }
        if missing:
            await client.act("InsertOptionValue", body | {"SolutionUniqueName": solution})
        else:
            await client.act("UpdateOptionValue", body | {"MergeLabels": True})
