"""The publisher and the solution."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, Publisher, Solution
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_NUMBERS: Final = 4


class Publishers(ComponentKind[Publisher, Row]):
    """The publisher: its prefixes are permanent, so a publisher with others is refused."""

    kind = Kind.PUBLISHER
    holds_data = True  # it holds the tables, so it stays as long as they do

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Publisher]:
        """Return the one publisher."""
        return (desired.publisher,)

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Publisher], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the publisher. Raises ConfigurationError if it has other prefixes."""
        columns = "publisherid,uniquename,friendlyname,customizationprefix,customizationoptionvalueprefix"
        found: dict[str, Row] = {}
        for one in wanted:
            of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, one.name)
            for row in await client.rows("publishers", select=columns, filter=of_that_name):
                prefixes = (row["customizationprefix"], row["customizationoptionvalueprefix"])
                if prefixes != (one.prefix, one.option_prefix):
                    raise ConfigurationError(
                        f"The publisher {one.name} exists with the prefixes {prefixes[0]} and {prefixes[1]}; the "
                        f"connector needs {one.prefix} and {one.option_prefix}. Rename or delete that publisher",
                        service=Service.DATAVERSE,
                    )
                found[one.name] = row
        return found

    def differences(self, wanted: Publisher, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the display name."""
        return () if found["friendlyname"] == wanted.label else ("display name",)

    async def create(self, client: CustomizationClient, wanted: Publisher, organisation: Organisation) -> None:
        """Insert the publisher."""
        await client.outside_the_solution().create(
            "publishers",
            {
                "uniquename": wanted.name,
                "friendlyname": wanted.label,
                "description": wanted.description,
                "customizationprefix": wanted.prefix,
                "customizationoptionvalueprefix": wanted.option_prefix,
            },
        )

    async def change(
        self, client: CustomizationClient, wanted: Publisher, found: Row, organisation: Organisation
    ) -> None:
        """Set the display name."""
        path = f"publishers({found['publisherid']})"
        await client.outside_the_solution().change(path, {"friendlyname": wanted.label})

    async def remove(self, client: CustomizationClient, wanted: Publisher, found: Row) -> None:
        """Delete the publisher."""
        await client.outside_the_solution().remove(f"publishers({found['publisherid']})")


class Solutions(ComponentKind[Solution, Row]):
    """The solution. Deleting an unmanaged solution deletes no component."""

    kind = Kind.SOLUTION
    holds_data = True  # it holds the tables, so it stays as long as they do

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Solution]:
        """Return the one solution."""
        return (desired.solution,)

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Solution], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the solution."""
        found: dict[str, Row] = {}
        for one in wanted:
            of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, one.name)
            columns = "solutionid,uniquename,friendlyname,version"
            for row in await client.rows("solutions", select=columns, filter=of_that_name):
                found[one.name] = row
        return found

    def differences(self, wanted: Solution, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the display name, and whether the version is an older one: each export raises it (C-34)."""
        return [
            *(() if found["friendlyname"] == wanted.label else ("display name",)),
            *(("version",) if _is_older(found, wanted) else ()),
        ]

    async def create(self, client: CustomizationClient, wanted: Solution, organisation: Organisation) -> None:
        """Insert the solution of the publisher."""
        of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, wanted.publisher)
        (publisher,) = await client.rows("publishers", select="publisherid", filter=of_that_name)
        await client.outside_the_solution().create(
            "solutions",
            {
                "uniquename": wanted.name,
                "friendlyname": wanted.label,
                "version": wanted.version,
                "publisherid@odata.bind": f"/publishers({publisher['publisherid']})",
            },
        )

    async def change(
        self, client: CustomizationClient, wanted: Solution, found: Row, organisation: Organisation
    ) -> None:
        """Set the display name, and the version if it is an older one."""
        version = {"version": wanted.version} if _is_older(found, wanted) else {}
        path = f"solutions({found['solutionid']})"
        await client.outside_the_solution().change(path, {"friendlyname": wanted.label, **version})

    async def remove(self, client: CustomizationClient, wanted: Solution, found: Row) -> None:
        """Delete the solution; its components stay."""
        await client.outside_the_solution().remove(f"solutions({found['solutionid']})")


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the four numbers of a version; Dataverse allows two at least."""
    return (*map(int, version.split(".")), 0, 0)[:_NUMBERS]


def _is_older(found: Row, wanted: Solution) -> bool:
    return version_numbers(found["version"]) < version_numbers(wanted.version)
