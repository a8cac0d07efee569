"""The texts of a component in several languages: read, replaced, published, refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.dataverse_sandbox.customisation.test_customising import published
from tests.dataverse_sandbox.session import Dataverse

ENGLISH, DUTCH, GERMAN = 1033, 1043, 1031
TYPE = "Microsoft.Dynamics.CRM."


@pytest.fixture
def bilingual(dataverse: Dataverse) -> Dataverse:
    dataverse.restart(snapshot=None, languages=(ENGLISH, DUTCH))
    return dataverse


@pytest.fixture
def view(bilingual: Dataverse) -> str:
    found = next(row for row in bilingual.values("savedqueries") if row["returnedtypecode"] == "contact")
    return str(found["savedqueryid"])


def replaced(dataverse: Dataverse, view: str, texts: Mapping[int, str], column: str = "name") -> httpx.Response:
    labels = [{"@odata.type": f"{TYPE}LocalizedLabel", "Label": text, "LanguageCode": n} for n, text in texts.items()]
    moniker = {"@odata.type": f"{TYPE}savedquery", "savedqueryid": view}
    body = {"EntityMoniker": moniker, "AttributeName": column, "Labels": labels}
    return dataverse.http.post("SetLocLabels", json=body)


def texts(dataverse: Dataverse, view: str, *, unpublished: bool = True) -> dict[int, str]:
    query = {
        "@p1": json.dumps({"@odata.id": f"savedqueries({view})"}),
        "@p2": "'name'",
        "@p3": json.dumps(unpublished),
    }
    function = "RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)"
    answer: Any = dataverse.get(function, **query)
    return {one["LanguageCode"]: one["Label"] for one in answer["Label"]["LocalizedLabels"]}


def test_texts_are_saved_first_and_seen_after_their_publication(bilingual: Dataverse, view: str) -> None:
    before = texts(bilingual, view)

    assert replaced(bilingual, view, {ENGLISH: "Mine", DUTCH: "Van mij"}).status_code == 204

    assert texts(bilingual, view) == {ENGLISH: "Mine", DUTCH: "Van mij"}
    assert texts(bilingual, view, unpublished=False) == before
    published(bilingual, "<entities><entity>contact</entity></entities>")
    assert texts(bilingual, view, unpublished=False) == {ENGLISH: "Mine", DUTCH: "Van mij"}
    assert bilingual.get(f"savedqueries({view})")["name"] == "Mine"


def test_a_change_replaces_the_texts_of_all_languages_but_the_base_language(bilingual: Dataverse, view: str) -> None:
    replaced(bilingual, view, {ENGLISH: "Mine", DUTCH: "Van mij"})

    replaced(bilingual, view, {ENGLISH: "Yours"})

    assert texts(bilingual, view) == {ENGLISH: "Yours"}


def test_a_plain_change_writes_the_text_of_the_base_language_alone(bilingual: Dataverse, view: str) -> None:
    replaced(bilingual, view, {ENGLISH: "Mine", DUTCH: "Van mij"})

    assert bilingual.http.patch(f"savedqueries({view})", json={"name": "Yours"}).status_code == 204

    assert texts(bilingual, view) == {ENGLISH: "Yours", DUTCH: "Van mij"}


@pytest.mark.parametrize(
    ("given", "column"),
    [({GERMAN: "Meins"}, "name"), ({ENGLISH: "Mine"}, "fetchxml"), ({ENGLISH: "Mine"}, "no_column"), ({}, "name")],
)
def test_languages_that_the_organisation_lacks_and_columns_without_translations_are_refused(
    bilingual: Dataverse, view: str, given: dict[int, str], column: str
) -> None:
    before = texts(bilingual, view)

    assert replaced(bilingual, view, given, column).status_code == 400
    assert texts(bilingual, view) == before


def test_texts_are_customisations_that_a_lock_and_a_block_refuse(bilingual: Dataverse, view: str) -> None:
    for resistance, status in (({"locked": 1}, 429), ({"blocked": True}, 403)):
        bilingual.http.post(f"{bilingual.origin}/sandbox/customising", json=resistance).raise_for_status()
        assert replaced(bilingual, view, {ENGLISH: "Mine"}).status_code == status
