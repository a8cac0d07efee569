"""The standard tables in the solution, each without its own components.

Without this, a lookup that is created with the solution's header drags the whole standard table into the solution.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, StandardTable
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_TABLE: Final = 1
"""The component type of a table."""


class StandardTables(ComponentKind[StandardTable, Row]):
    """Membership of the standard tables; with `needs: sales`, only where they exist."""

    kind = Kind.STANDARD_TABLE
    holds_data = True  # it holds the tables, so it stays as long as they do

    def __init__(self, solution: str) -> None:
        self._solution = solution

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[StandardTable]:
        """Return the standard tables that exist."""
        return [table for table in desired.standard_tables if organisation.has(table.name)]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[StandardTable], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the tables of the solution."""
        of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, self._solution)
        solutions = await client.rows("solutions", select="solutionid", filter=of_that_name)
        members: dict[UUID, Row] = {}
        for solution in solutions:
            components = await client.rows(
                "solutioncomponents",
                select="solutioncomponentid,objectid,componenttype",
                filter=odata.all_of(
                    odata.compare("_solutionid_value", ODataComparison.EQUAL, UUID(solution["solutionid"])),
                    odata.compare("componenttype", ODataComparison.EQUAL, _TABLE),
                ),
            )
            members |= {UUID(row["objectid"]): row for row in components}
        ids = {table.name: organisation.tables[table.name].metadata_id for table in wanted}
        return {name: members[identifier] for name, identifier in ids.items() if identifier in members}

    def differences(self, wanted: StandardTable, found: Row, organisation: Organisation) -> Sequence[str]:
        """Return nothing: a table is a member or not."""
        return ()

    async def create(self, client: CustomizationClient, wanted: StandardTable, organisation: Organisation) -> None:
        """Add the table to the solution."""
        await client.outside_the_solution().act(
            "AddSolutionComponent",
            {
                "ComponentId": str(organisation.tables[wanted.name].metadata_id),
                "ComponentType": _TABLE,
                "SolutionUniqueName": self._solution,
                "AddRequiredComponents": False,
                "DoNotIncludeSubcomponents": True,
            },
        )

    async def change(
        self, client: CustomizationClient, wanted: StandardTable, found: Row, organisation: Organisation
    ) -> None:
        """Do nothing: nothing differs."""

    async def remove(self, client: CustomizationClient, wanted: StandardTable, found: Row) -> None:
        """Take the table out of the solution; the table stays."""
        await client.outside_the_solution().act(
            "RemoveSolutionComponent",
            {
                "SolutionComponent": {
                    "@odata.type": "Microsoft.Dynamics.CRM.solutioncomponent",
                    "solutioncomponentid": found["objectid"],  # the id of the component itself, not of its row
                },
                "ComponentType": _TABLE,
                "SolutionUniqueName": self._solution,
            },
        )
