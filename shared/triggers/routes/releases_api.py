"""What an administrator lets pass, over HTTP: what the brake holds (decision 20), and refusals of an address."""

import azure.functions as func
from pydantic import ConfigDict, Field

from shared.composition import app
from shared.domain.planning.binding import MassChange
from shared.domain.values.addresses import address_text
from shared.domain.values.values import is_email
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import RequestModel, read_body

_USAGE = (
    'Send {"kinds": ["erasure"], "hours": 4}: 1 to 24 hours (1 if you leave it out), and one or several of '
    f"{', '.join(MassChange)}."
)


class _Release(RequestModel):
    """Which kinds pass, and for how many hours."""

    kinds: frozenset[MassChange] = Field(min_length=1)
    hours: int = Field(default=1, ge=1, le=24)


@http_function("brake")
async def brake(req: func.HttpRequest) -> func.HttpResponse:
    """Answer by kind with the limit, the count of the last hour, what is held since when, and the release."""
    del req
    return json_answer(await (await app.connector()).brake.state())


@http_function("release_brake")
async def release_brake(req: func.HttpRequest) -> func.HttpResponse:
    """Release held changes, and all changes of these kinds for some hours: {"kinds": ["erasure"], "hours": 4}."""
    wanted = read_body(req, _Release, usage=_USAGE)
    until = await (await app.connector()).release.begin(wanted.kinds, wanted.hours)
    return json_answer({"kinds": sorted(wanted.kinds), "releasedUntil": until.isoformat(timespec="seconds")})


_HOW = (
    'Send {"email": "…", "reference": "…"}: the reference leads to the person\'s request, for instance a ticket. '
    'With "subjects": ["opt-out"] only these are lifted, as `refusedAtAddress` of GET /api/explain names them.'
)


class _Lift(RequestModel):
    """The address, a reference to the request, and the subjects; without subjects: all of them."""

    model_config = ConfigDict(hide_input_in_errors=True)

    email: str = Field(min_length=3, max_length=254)
    reference: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/#-]{0,39}$")
    subjects: list[str] = Field(default=[], min_length=1, max_length=100)


@http_function("lift_refusals")
async def lift_refusals(req: func.HttpRequest) -> func.HttpResponse:
    """Lift refusals of an address; its records are processed again. Refusals of Spotler itself stay."""
    wanted = read_body(req, _Lift, usage=_HOW)
    email = address_text(wanted.email)
    if not is_email(email):
        return problem(400, f"The e-mail address is not valid. {_HOW}")
    connector = await app.connector()
    lifted = await connector.refusal_lifting.lift(email, wanted.subjects, reference=wanted.reference)
    return json_answer({"lifted": list(lifted.subjects), "records": [str(key) for key in lifted.records]})
