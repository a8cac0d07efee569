"""Clients that other people wrote work against the sandbox: rows, links, pages, batches and metadata."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from PowerPlatform.Dataverse.aio.async_client import AsyncDataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.dataverse_sandbox.session import Dataverse, running
from tests.installed import installed_settings
from tests.programs.foreign import npm_package, play, pypi_package

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).with_name("foreign_clients")


@pytest.fixture
def dataverse() -> Iterator[Dataverse]:
    with running() as (server, url):
        session = Dataverse(server, url, installed_settings(alternate_keys={"account": [["accountnumber"]]}))
        yield session
        session.http.close()


def environment(dataverse: Dataverse) -> dict[str, str]:
    return {"DATAVERSE_URL": dataverse.origin, "DATAVERSE_TOKEN": dataverse.token()}


def test_dynamics_web_api_of_npm_works(dataverse: Dataverse) -> None:
    folder = npm_package("dynamics-web-api", "2.5.0")
    script = CLIENTS / "dynamics_web_api.mjs"
    seen = play(["node", str(script)], {**environment(dataverse), "CLIENT_FOLDER": str(folder)})
    refused = seen.pop("refused")
    assert seen == {
        "read": ["Ann Ant", "Contoso"],
        "single": "Bee",
        "filtered": [["Cat", "Ant"], 2],
        "paged": 3,
        "count": 3,
        "grouped": [[0, 3]],
        "fetched": ["Ant", "Bee", "Cat"],
        "updated": ["Poet", "Cook", None],
        "associated": 4,
        "batch": 2,
        "deleted": 404,
        "unknownView": 404,
        "table": ["Contact", "entityimage", ["listcontact_association"]],
        "choices": [1, 2],
        "relationship": "parentcustomerid",
        "choice": "budgetstatus",
        "whoAmI": "string",
    }
    assert refused[0] == 501
    assert "RetrieveInstalledLanguagePacks" in refused[1]


def test_dataverse_api_of_pypi_works(dataverse: Dataverse) -> None:
    folder = pypi_package("dataverse-api", "1.4.3")
    script = CLIENTS / "dataverse_api_client.py"
    seen = play([sys.executable, str(script)], {**environment(dataverse), "PYTHONPATH": str(folder)})
    assert seen == {
        "definition": ["contacts", "contactid", "entityimage"],
        "multiple": [True, True],
        "keys": {"account_accountnumber": ["accountnumber"]},
        "lookup": True,
        "read": ["E", "D", "C", "B", "A"],
        "expanded": "Contoso",
        "updated": 5,
        "upserted": ["Fabrikam"],
        "emptied": 2,
        "left": ["A", "B", "C"],
    }


class _Signed(AsyncTokenCredential):
    """A credential that has its token already."""

    def __init__(self, token: str) -> None:
        self._token = AccessToken(token, 2**31)

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return self._token

    async def close(self) -> None:
        """Nothing is open."""

    async def __aexit__(self, *_error: object) -> None:
        """Nothing is open."""


@pytest_asyncio.fixture
async def microsoft(dataverse: Dataverse) -> AsyncIterator[AsyncDataverseClient]:
    async with AsyncDataverseClient(dataverse.origin, _Signed(dataverse.token())) as client:
        yield client


async def test_the_asynchronous_client_of_microsoft_works(microsoft: AsyncDataverseClient) -> None:
    account = await microsoft.records.create("account", {"name": "Contoso"})
    ids = await microsoft.records.create(
        "contact",
        [{"lastname": name, "parentcustomerid_account@odata.bind": f"/accounts({account})"} for name in "ABCDE"],
    )
    row = await microsoft.records.retrieve(
        "contact", ids[0], select=["lastname"], expand=["parentcustomerid_account"], include_annotations="*"
    )
    assert row is not None
    assert (row["lastname"], row["parentcustomerid_account"]["name"]) == ("A", "Contoso")

    await microsoft.records.update("contact", ids[0], {"jobtitle": "Poet"})
    await microsoft.records.upsert("account", [UpsertItem({"accountnumber": "1"}, {"name": "Fabrikam"})])
    pages = microsoft.records.list_pages("contact", filter="lastname ne 'E'", orderby=["lastname desc"], page_size=3)
    assert [[one["lastname"] for one in page] async for page in pages] == [["D", "C", "B"], ["A"]]

    await microsoft.records.delete("contact", ids[0])
    assert await microsoft.records.retrieve("contact", ids[0]) is None
    await microsoft.records.delete("contact", ids[1:3])
    assert [one["lastname"] for one in await microsoft.records.list("contact", orderby=["lastname"])] == ["D", "E"]

    request = microsoft.batch.new()
    async with request.changeset() as changes:
        contact = changes.records.create("contact", {"lastname": "F"})
        changes.records.create("dh_spotlerpermission", {"dh_name": "N", "dh_CustomerId_contact@odata.bind": contact})
    result = await request.execute()
    assert (len(result.responses), result.has_errors) == (2, False)


async def test_the_asynchronous_client_of_microsoft_reads_metadata(microsoft: AsyncDataverseClient) -> None:
    table = await microsoft.tables.get("contact")
    assert table is not None
    assert (table["table_schema_name"], table["entity_set_name"]) == ("Contact", "contacts")
    relationship = await microsoft.tables.get_relationship("contact_customer_accounts")
    assert relationship is not None
    assert (relationship.referenced_entity, relationship.referencing_entity) == ("account", "contact")
    related = await microsoft.tables.list_table_relationships("contact")
    assert {"contact_customer_accounts", "listcontact_association"} <= {one["SchemaName"] for one in related}
    (key,) = await microsoft.tables.get_alternate_keys("account")
    assert key.key_attributes == ["accountnumber"]
    with pytest.raises(HttpError, match="not part of this simulation"):
        await microsoft.query.sql("SELECT fullname FROM contact")
