"""What the connector stores about one person, for administrators: export (GDPR 15) and erasure (GDPR 17)."""

from http import HTTPStatus
from typing import Annotated

import azure.functions as func
from pydantic import BeforeValidator, ConfigDict, Field

from shared.composition import app
from shared.domain.records.records import RecordKey
from shared.domain.values.values import is_email
from shared.errors import ConflictError
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, read_body

_EXPORT = (
    'Send {"record": "contact:…"}, the table and the id of the row; with "email": "…" refusals at this address '
    "are found, too."
)
_FORGET = (
    f'{_EXPORT} With "althoughSynchronised": true a record is forgotten that is still synchronised: its next save '
    "stores it anew."
)


class _Person(RequestModel):
    """A record, and a former address of it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    record: Annotated[RecordKey, BeforeValidator(RecordKey.parse)]
    email: str = Field(default="", max_length=254)


class _Forget(_Person):
    """The same, and whether to forget a record that is still synchronised."""

    although_synchronised: bool = Field(default=False, alias="althoughSynchronised")


@http_function("export_person")
async def export_person(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with everything that is stored about a record, as a file."""
    wanted = read_body(req, _Person, usage=_EXPORT)
    email = _email(wanted, _EXPORT)
    person_data = (await app.administration()).person_data
    name = f"{wanted.record.table}-{wanted.record.id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return json_answer(await person_data.export(wanted.record, email), headers=headers)


@http_function("forget_person")
async def forget_person(req: func.HttpRequest) -> func.HttpResponse:
    """Forget a record, and answer with what was done; 409 while it is synchronised or claimed."""
    wanted = read_body(req, _Forget, usage=_FORGET)
    email = _email(wanted, _FORGET)
    person_data = (await app.administration()).person_data
    try:
        done = await person_data.forget(wanted.record, email, although_synchronised=wanted.although_synchronised)
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer({"record": str(wanted.record), **done.as_json()})


def _email(wanted: _Person, usage: str) -> str:
    email = wanted.email.strip()
    if email and not is_email(email):
        raise BadRequestError(f"The e-mail address is not valid. {usage}")
    return email
