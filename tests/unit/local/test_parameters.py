"""Every route reads the query parameters that the table of routes names, each once, and refuses all others by name."""

from __future__ import annotations

import json
from http import HTTPStatus

import azure.functions as func
import pytest
from pydantic import BaseModel, ConfigDict

from shared.local.commands.local_settings import ROOT
from shared.local.functions_host.index import HttpTrigger, index_functions, load_app
from shared.triggers.http.access import ROUTES
from shared.triggers.http.requests import BadRequestError, read_body

FUNCTIONS = {one.name: one.call for one in index_functions(load_app(ROOT)) if isinstance(one.trigger, HttpTrigger)}
PARTS = {"table": "contact", "id": "6d81597f-0f9f-e711-8122-000d3aa2331c", "version": "1"}

every_route = pytest.mark.parametrize("name", ROUTES)


async def answer(name: str, query: str) -> tuple[int, str]:
    """Call a function; what comes behind the check of its parameters may fail, nothing is in reach."""
    params = dict(part.partition("=")[::2] for part in query.split("&"))
    request = func.HttpRequest(
        ROUTES[name].method.value,
        f"https://app.example/api/{ROUTES[name].path}?{query}",
        params=params,
        route_params=PARTS,
        body=b"!",
    )
    response = await FUNCTIONS[name](request)
    return response.status_code, json.loads(response.get_body()).get("error", "")


@every_route
async def test_a_parameter_that_a_route_does_not_read_is_refused_by_its_name(name: str) -> None:
    status, text = await answer(name, "surprise=1")

    assert status == HTTPStatus.BAD_REQUEST
    assert "There is no query parameter surprise" in text
    assert (", ".join(ROUTES[name].query) or "none") in text


@every_route
async def test_a_parameter_in_other_letters_is_another_one(name: str) -> None:
    for one in ROUTES[name].query:
        assert f"no query parameter {one.upper()}" in (await answer(name, f"{one.upper()}=1"))[1]


@every_route
async def test_a_parameter_that_is_given_twice_is_refused(name: str) -> None:
    for one in ROUTES[name].query:
        status, text = await answer(name, f"{one}=1&{one}=2")

        assert status == HTTPStatus.BAD_REQUEST
        assert f"{one} is given twice" in text


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    table: str = ""
    hours: int = 1
    inner: Inner = Inner()
    several: list[Inner] = []


def post(body: str) -> func.HttpRequest:
    return func.HttpRequest("POST", "https://app.example/api/resync", body=body.encode())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"table": "contact", "table": "lead"}', "table"),
        ('{"table": "contact", "t\\u0061ble": "contact"}', "table"),
        ('{"hours": 1, "hours": 4}', "hours"),
        ('{"hours": ' + "9" * 5000 + ', "hours": 4}', "hours"),
        ('{"inner": {"name": "a", "name": "b"}}', "name"),
        ('{"several": [{"name": "a"}, {"name": "a", "name": "b"}]}', "name"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_by_its_name(body: str, named: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        read_body(post(body), Body, usage="Send one table.")

    assert f"{named} is given twice" in refused.value.text or "Send one table" in refused.value.text


def test_the_same_key_in_two_objects_is_fine() -> None:
    read = read_body(post('{"inner": {"name": "a"}, "several": [{"name": "a"}, {"name": "a"}]}'), Body, usage="")

    assert len(read.several) == 2
