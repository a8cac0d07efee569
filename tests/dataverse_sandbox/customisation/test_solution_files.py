"""ExportSolution answers a zip with what is published of a solution."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege
from tests.dataverse_sandbox.customisation.definitions import column, table
from tests.dataverse_sandbox.session import Dataverse

IN_IT = {"MSCRM.SolutionUniqueName": "Boats"}


@pytest.fixture
def boats(dataverse: Dataverse) -> Dataverse:
    """An organisation with a solution that has a table, a column of contacts and a script."""
    dataverse.restart(snapshot=None)
    publisher = dataverse.create(
        "publishers", uniquename="b", friendlyname="B", customizationprefix="new", customizationoptionvalueprefix=20000
    )
    of = {"publisherid@odata.bind": f"/publishers({publisher})"}
    dataverse.create("solutions", uniquename="Boats", friendlyname="Boats", version="1.0.0.3", **of)
    contact = dataverse.get("EntityDefinitions(LogicalName='contact')", **{"$select": "MetadataId"})["MetadataId"]
    shell = {"ComponentId": contact, "ComponentType": 1, "DoNotIncludeSubcomponents": True}
    post(dataverse, "AddSolutionComponent", {**shell, "AddRequiredComponents": False, "SolutionUniqueName": "Boats"})
    post(dataverse, "EntityDefinitions", table("new_Boat"))
    attributes = "EntityDefinitions(LogicalName='contact')/Attributes"
    post(dataverse, attributes, column("String", "new_Sail", MaxLength=9))
    script = {"name": "new_a.js", "displayname": "A", "webresourcetype": 3, "content": encoded("first")}
    post(dataverse, "webresourceset", script)
    return dataverse


def post(dataverse: Dataverse, path: str, body: dict[str, Any]) -> None:
    """Create a part of the solution, or call an action."""
    answer = dataverse.http.post(path, json=body, headers={} if path == "AddSolutionComponent" else IN_IT)
    assert answer.is_success, answer.text


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def exported(dataverse: Dataverse, *, managed: bool = False) -> zipfile.ZipFile:
    answer = dataverse.http.post("ExportSolution", json={"SolutionName": "Boats", "Managed": managed})
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(base64.b64decode(answer.json()["ExportSolutionFile"])))


def document(archive: zipfile.ZipFile, name: str) -> Element:
    return fromstring(archive.read(name))


@pytest.mark.parametrize("managed", [False, True])
def test_the_manifest_names_the_solution_its_publisher_and_its_components(boats: Dataverse, *, managed: bool) -> None:
    boats.http.post("PublishAllXml", json={})
    manifest = document(exported(boats, managed=managed), "solution.xml")

    told = {name: manifest.findtext(f"SolutionManifest/{name}") for name in ("UniqueName", "Version", "Managed")}
    assert told == {"UniqueName": "Boats", "Version": "1.0.0.3", "Managed": str(int(managed))}
    assert manifest.findtext("SolutionManifest/Publisher/CustomizationPrefix") == "new"
    roots = [(one.get("type"), one.get("schemaName"), one.get("behavior")) for one in manifest.iter("RootComponent")]
    assert roots == [("1", "contact", "1"), ("1", "new_boat", "0"), ("61", "new_a.js", "0")]


def test_a_whole_table_has_everything_and_another_only_its_own_columns(boats: Dataverse) -> None:
    entities = document(exported(boats), "customizations.xml").iter("Entity")
    by_name = {entity.findtext("Name"): entity for entity in entities}

    assert [one.findtext("LogicalName") for one in by_name["Contact"].iter("attribute")] == ["new_sail"]
    assert by_name["Contact"].find("FormXml") is None
    assert {"new_boatid", "new_name", "statuscode"} <= {
        one.findtext("LogicalName") for one in by_name["new_Boat"].iter("attribute")
    }
    assert [forms.get("type") for forms in by_name["new_Boat"].iter("forms")] == ["main", "card"]
    assert len(list(by_name["new_Boat"].iter("savedquery"))) == 6


def test_only_what_is_published_is_in_the_file(boats: Dataverse) -> None:
    assert not [name for name in exported(boats).namelist() if name.startswith("WebResources/")]

    boats.http.post("PublishAllXml", json={})
    (script,) = boats.values("webresourceset", **{"$filter": "name eq 'new_a.js'"})
    boats.http.patch(f"webresourceset({script['webresourceid']})", json={"content": encoded("second")})

    archive = exported(boats)
    (file,) = [name for name in archive.namelist() if name.startswith("WebResources/")]
    assert archive.read(file) == b"first"


def test_an_export_needs_its_privilege(dataverse: Dataverse) -> None:
    dataverse.restart(snapshot=None, privileges={"sandbox": frozenset({Privilege(Access.WRITE, "solution")})})

    answer = dataverse.http.post("ExportSolution", json={"SolutionName": "Default", "Managed": False})

    assert answer.status_code == 403
    assert "prvExportCustomization" in answer.text
