"""The installed solution as a file, for environments that take solution files alone (C-34).

`ExportSolution` answers the file at once. Microsoft's way for large solutions, `ExportSolutionAsync`, is not needed:
this one has some tables, pages and scripts, and no code. Source: Microsoft's pages "ExportSolution Action" and
"Solution staging, with asynchronous import and export".
"""

import base64
import binascii
import io
import zipfile
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.solution.publishers import version_numbers
from shared.installation.desired.state import Solution
from shared.installation.pages.xml import parse
from shared.installation.preflight import export_privileges, refuse_missing_privileges
from shared.installation.wire.customization_client import CustomizationClient

_MANIFEST: Final = "solution.xml"


class Package(Enum):
    """The two kinds of solution files, by the end of their names."""

    UNMANAGED = ""
    MANAGED = "_managed"


@dataclass(frozen=True, slots=True)
class SolutionFile:
    """A solution file: a zip with a manifest, the customisations and the web resources."""

    solution: str
    version: str
    package: Package
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The name that Power Apps gives such a file: `SpotlerConnector_1_0_0_1_managed.zip`."""
        return f"{self.solution}_{self.version.replace('.', '_')}{self.package.value}.zip"


async def exportable(client: CustomizationClient, solution: Solution) -> Row:
    """Return the row of the solution.

    Raises ConfigurationError if the solution is not installed, or is a managed one, which Dataverse does not export.
    """
    of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, solution.name)
    rows = await client.rows("solutions", select="solutionid,version,ismanaged", filter=of_that_name)
    if not rows:
        raise ConfigurationError(
            f"The solution {solution.name} is not installed here: run `python -m shared install` first",
            service=Service.DATAVERSE,
        )
    if rows[0].get("ismanaged"):
        raise ConfigurationError(
            f"The solution {solution.name} is installed here as a managed one, which Dataverse does not export: export "
            "it in an environment in which `python -m shared install` has made it",
            service=Service.DATAVERSE,
        )
    return rows[0]


async def export_solution(
    client: CustomizationClient, solution: Solution, found: Row, package: Package
) -> SolutionFile:
    """Raise the version of the solution, which is `found`, and export what is published of it.

    An import changes an environment only if the version is a higher one. Raises ConfigurationError for a missing
    privilege and an unreadable file.
    """
    await refuse_missing_privileges(client, (await client.who_am_i()).user_id, await export_privileges(client))
    version = next_version(found["version"], solution.version)
    outside = client.outside_the_solution()
    await outside.change(f"solutions({found['solutionid']})", {"version": version})
    request = {"SolutionName": solution.name, "Managed": package is Package.MANAGED}
    answer = await outside.ask("ExportSolution", request)
    file = SolutionFile(solution.name, version, package, _decoded(answer.get("ExportSolutionFile")))
    _refuse_another(file)
    return file


def next_version(found: str, least: str) -> str:
    """Return the version with its last number raised by one; the first three are at least those of `least`."""
    *release, revision = max(version_numbers(found), version_numbers(least))
    return ".".join(map(str, (*release, revision + 1)))


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:
        return b""


def _refuse_another(file: SolutionFile) -> None:
    """Raise ConfigurationError if the answer is no solution file of this solution, version and kind."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            manifest = parse(archive.read(_MANIFEST).decode("utf-8-sig"), _MANIFEST).find("SolutionManifest")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        manifest = None
    told = () if manifest is None else tuple(manifest.findtext(name) for name in ("UniqueName", "Version", "Managed"))
    if told != (file.solution, file.version, str(int(file.package is Package.MANAGED))):
        raise ConfigurationError(
            f"Dataverse answered no solution file of {file.solution} {file.version}: export it by hand (Power Apps, "
            "Solutions, Export)",
            service=Service.DATAVERSE,
        )
