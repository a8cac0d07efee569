"""Forms: their pages, entries and results."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shared.local.spotler_sandbox.account.contacts import ContactInput, WriteRefusedError
from shared.local.spotler_sandbox.activity.forms import (
    FIELDS,
    FORM_ENCRYPTED_ID,
    FORM_FIELD,
    FORM_ID,
    SIGN_UP_FORM,
    OutputFormat,
    OutputMode,
    Page,
    confirmation,
)
from shared.local.spotler_sandbox.http.operation import Body, Call, Operation
from shared.local.spotler_sandbox.http.parts import not_modelled
from shared.local.spotler_sandbox.http.wire import SERVER_ZONE, ApiError, ErrorType, Format, Period, Reply, invalid

SUB_TYPES = ("normal", "subscribe", "unSubscribe", "editProfile")
STATES = ("draft", "proof", "final")


class PageBody(Body):
    """`POST /form/{formId}`."""

    post_url: str = Field(min_length=1)
    enc_id: str | None = None
    extra_params: None = None
    output_format: OutputFormat = OutputFormat.HTML
    output_mode: OutputMode = OutputMode.TABLES
    prefilled_values: dict[str, list[str]] = Field(default_factory=dict)


class EntryBody(Body):
    """`POST /form/result/{formId}`."""

    post_url: str = Field(min_length=1)
    output_format: OutputFormat = OutputFormat.HTML
    output_mode: OutputMode = OutputMode.TABLES
    form_params: dict[str, list[str]]


def forms(call: Call) -> Reply:
    """List the forms, optionally of one kind or state."""
    wanted = {"formSubType": call.query.choice("formSubType", *SUB_TYPES)}
    wanted["formState"] = call.query.choice("formState", *STATES)
    _pass_over_habits(call)
    fits = all(value in {None, SIGN_UP_FORM[name]} for name, value in wanted.items())
    return Reply(200, [SIGN_UP_FORM] if fits else [], root="forms")


def page(call: Call) -> Reply:
    """Return the form, with the values of a contact if one is named."""
    _check_form(call)
    query = call.query
    _pass_over_habits(call)
    found = Page(
        query.text("postUrl"),
        OutputFormat(query.choice("outputFormat", *OutputFormat) or OutputFormat.HTML),
        OutputMode(query.choice("outputMode", *OutputMode) or OutputMode.TABLES),
        _known_of(call, query.optional("encId")),
    )
    return Reply(200, found.document(), root="form")


def filled_page(call: Call) -> Reply:
    """Return the form with the values of the body."""
    _check_form(call)
    body = call.body(PageBody)
    values = _known_of(call, body.enc_id) | _first_values("prefilledValues", body.prefilled_values)
    return Reply(200, Page(body.post_url, body.output_format, body.output_mode, values).document(), root="form")


def enter(call: Call) -> Reply:
    """Sign a person up; an invalid entry is returned as a page with the reason."""
    _check_form(call)
    body = call.body(EntryBody)
    given = dict(body.form_params)
    if given.pop(FORM_FIELD, [FORM_ENCRYPTED_ID]) != [FORM_ENCRYPTED_ID]:
        raise invalid(f"{FORM_FIELD} is of another form")
    values = {name: value for name, value in _first_values("formParams", given).items() if value}
    again = Page(body.post_url, body.output_format, body.output_mode, values, complaint="E-mail address is required")
    if "email" not in values:
        return Reply(200, again.document(), root="form")
    try:
        contact = call.account.contacts.subscribe(ContactInput(None, values))
    except WriteRefusedError as error:
        refused = Page(body.post_url, body.output_format, body.output_mode, values, complaint=str(error))
        return Reply(200, refused.document(), root="form")
    call.account.form_entries.add(contact, values)
    return Reply(200, confirmation(), root="form")


def results(call: Call) -> Reply:
    """List the entries; the sandbox has completed entries only."""
    _check_form(call)
    if call.query.optional("completed") not in {None, "true"}:
        raise not_modelled("the query parameter 'completed' with another value than true")
    period = Period(_moment(call, "startDate"), _moment(call, "endDate"))
    dates = call.settings.native_dates
    return Reply(200, [entry.result(dates) for entry in call.account.form_entries.within(period)], root="results")


def result(call: Call) -> Reply:
    """Return one entry."""
    _check_form(call)
    entry = call.account.form_entries.find(_number(call.path["resultId"]))
    if entry is None:
        raise ApiError(404, ErrorType.FORMRESULT_NOT_FOUND, "form result not found")
    return Reply(200, entry.result(call.settings.native_dates), root="result")


def _pass_over_habits(call: Call) -> None:
    """Accept and ignore, as the service does, the parameters that the vendor's own plugin adds to each query."""
    for name in ("rest", "method", "arg1"):
        call.query.without_effect(name)


def _check_form(call: Call) -> None:
    if _number(call.path["formId"]) != FORM_ID:
        raise ApiError(404, ErrorType.FORM_NOT_FOUND, "form not found")


def _known_of(call: Call, encrypted_id: str | None) -> dict[str, str]:
    """Return the values of a contact for the form; none without a contact."""
    contact = None if encrypted_id is None else call.account.contacts.with_encrypted_id(encrypted_id)
    known = {} if contact is None else contact.properties
    return {name: str(known[name]) for name in FIELDS if name in known}


def _first_values(where: str, given: dict[str, list[str]]) -> dict[str, str]:
    """Take one value for each field of the form. ApiError 501 for another field or more values."""
    for name, values in given.items():
        if name not in FIELDS:
            raise not_modelled(f"the key '{where}.{name}' of the body")
        if len(values) > 1:
            raise not_modelled(f"the key '{where}.{name}' of the body with several values")
    return {name: value for name, values in given.items() for value in values}


def _moment(call: Call, name: str) -> datetime | None:
    """Read `yyyyMMdd`, with `HHmmss` behind it or without, in Dutch time."""
    text = call.query.optional(name)
    if text is None:
        return None
    try:
        moment = datetime.strptime(text, "%Y%m%d" if len(text) == len("yyyyMMdd") else "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError as error:
        raise invalid(f"{name} is no date like yyyyMMddHHmmss") from error
    return moment.replace(tzinfo=SERVER_ZONE)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


OPERATIONS = (
    Operation("form.list", "GET", "/form/list", forms),
    Operation("form.results", "GET", "/form/result/{formId}", results),
    Operation("form.result", "GET", "/form/result/{formId}/{resultId}", result),
    Operation("form.enter", "POST", "/form/result/{formId}", enter, EntryBody, frozenset(Format)),
    Operation("form.get", "GET", "/form/{formId}", page),
    Operation("form.get-filled", "POST", "/form/{formId}", filled_page, PageBody),
)
