"""What shows a component keeps it from being deleted; charts and apps are checked."""

from __future__ import annotations

import pytest

from tests.dataverse_sandbox.customisation.definitions import TYPE, column, table
from tests.dataverse_sandbox.customisation.test_customising import APP, form_of, published, refused
from tests.dataverse_sandbox.session import Dataverse

UNPUBLISHED = f"{TYPE}RetrieveUnpublished"


@pytest.fixture
def bare(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(snapshot=None)
    return dataverse


CHART = {
    "name": "By city",
    "primaryentitytypecode": "contact",
    "datadescription": '<datadefinition><fetchcollection><fetch mapping="logical" aggregate="true">'
    '<entity name="contact"><attribute alias="number" name="contactid" aggregate="countcolumn" />'
    '<attribute groupby="true" alias="value" name="address1_city" /></entity></fetch></fetchcollection>'
    '<categorycollection><category alias="value"><measurecollection><measure alias="number" /></measurecollection>'
    "</category></categorycollection></datadefinition>",
    "presentationdescription": '<Chart><Series><Series ChartType="Bar" /></Series></Chart>',
}


def test_a_chart_is_published_with_its_table(bare: Dataverse) -> None:
    chart = bare.create("savedqueryvisualizations", **CHART)
    assert bare.values("savedqueryvisualizations") == []
    published(bare, "<entities><entity>contact</entity></entities>")
    assert [row["savedqueryvisualizationid"] for row in bare.values("savedqueryvisualizations")] == [chart]


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ('entity name="contact"', 'entity name="account"'),
        ('name="address1_city"', 'name="no_column"'),
        ('measure alias="number"', 'measure alias="other"'),
        ("</datadefinition>", ""),
    ],
)
def test_a_chart_that_counts_what_is_not_there_is_refused(bare: Dataverse, there: str, here: str) -> None:
    wrong = CHART | {"datadescription": CHART["datadescription"].replace(there, here)}
    assert refused(bare, "savedqueryvisualizations", wrong) == (400, "0x80041010")


def test_a_view_and_a_script_that_a_form_shows_can_be_deleted_after_its_publication_alone(bare: Dataverse) -> None:
    script = bare.create("webresourceset", name="new_a.js", displayname="a", webresourcetype=3, content="Lyo=")
    shown = next(view for view in bare.values("savedqueries") if view["returnedtypecode"] == "lead")
    own = {name: shown[name] for name in ("returnedtypecode", "querytype", "fetchxml", "layoutxml")}
    view = bare.create("savedqueries", name="Mine", **own)
    form = form_of(bare, "contact")
    cell = (
        '<cell id="{6d81597f-0f9f-e711-8122-000d3aa23001}"><control id="grid" '
        'classid="{E7A81278-8635-4D9E-8D4D-59480B391C5B}"><parameters>'
        f"<ViewId>{{{view}}}</ViewId><TargetEntityType>lead</TargetEntityType></parameters></control></cell>"
    )
    library = '<formLibraries><Library name="new_a.js" libraryUniqueId="{6d81597f-0f9f-e711-8122-000d3aa23002}" />'
    changed = (
        form["formxml"].replace("<row>", f"<row>{cell}", 1).replace("</form>", f"{library}</formLibraries></form>")
    )
    path = f"systemforms({form['formid']})"
    assert bare.http.patch(path, json={"formxml": changed}).status_code == 204
    used = (f"savedqueries({view})", f"webresourceset({script})")

    assert [refused(bare, one, {}, "DELETE") for one in used] == [(400, "0x8004f01f")] * 2
    published(bare, "<entities><entity>contact</entity></entities>")
    assert bare.http.patch(path, json={"formxml": form["formxml"]}).status_code == 204
    assert [refused(bare, one, {}, "DELETE") for one in used] == [(400, "0x8004f01f")] * 2
    published(bare, "<entities><entity>contact</entity></entities>")
    assert [bare.http.delete(one).status_code for one in used] == [204, 204]


def test_a_column_that_a_form_shows_is_not_deleted(bare: Dataverse) -> None:
    assert bare.http.post("EntityDefinitions", json=table("new_Boat")).status_code == 204
    attributes = "EntityDefinitions(LogicalName='new_boat')/Attributes"
    assert bare.http.post(attributes, json=column("String", "new_Text", MaxLength=9)).status_code == 204
    form = form_of(bare, "new_boat")
    control = '<control id="new_text" classid="{4273EDBD-AC1D-40D3-9FB2-095C621B552D}" datafieldname="new_text" />'
    cell = f'<row><cell id="{{6d81597f-0f9f-e711-8122-000d3aa23001}}">{control}</cell></row>'
    shown = {"formxml": form["formxml"].replace("<rows>", f"<rows>{cell}", 1)}
    assert bare.http.patch(f"systemforms({form['formid']})", json=shown).status_code == 204
    assert refused(bare, f"{attributes}(LogicalName='new_text')", {}, "DELETE") == (400, "0x8004f01f")


def test_the_unique_name_of_an_app_begins_with_the_prefix_of_its_solutions_publisher(bare: Dataverse) -> None:
    publisher = bare.create(
        "publishers",
        uniquename="tribe",
        friendlyname="Tribe",
        customizationprefix="tribe",
        customizationoptionvalueprefix=20000,
    )
    bare.create(
        "solutions",
        uniquename="Events",
        friendlyname="Events",
        version="1.0",
        **{"publisherid@odata.bind": f"/publishers({publisher})"},
    )
    for solution in ("Events", ""):
        headers = {"MSCRM.SolutionUniqueName": solution} if solution else {}
        answer = bare.http.post("appmodules", json=APP | {"uniquename": "hub"}, headers=headers)
        assert answer.status_code == 204, answer.text
    apps = bare.values(f"appmodules/{UNPUBLISHED}Multiple()")
    assert sorted(app["uniquename"] for app in apps) == ["new_hub", "tribe_hub"]
