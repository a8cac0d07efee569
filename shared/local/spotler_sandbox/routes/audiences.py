"""Audiences and temporary lists."""

from __future__ import annotations

from pydantic import Field

from shared.local.spotler_sandbox.account.audiences import (
    BATCH_LIMIT,
    Audience,
    AudienceRefusedError,
    UnknownContactsError,
)
from shared.local.spotler_sandbox.account.temporary_lists import TemporaryList
from shared.local.spotler_sandbox.http.operation import Body, Call, Ignored, Operation
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply, invalid


class AudienceBody(Body):
    """An audience as written; dates are read-only. The rules for audiences check empty names and ids (417)."""

    external_id: str
    name: str
    description: str | None = None
    create_date: Ignored = None
    change_date: Ignored = None
    last_contact_added_at: Ignored = None
    last_contact_removed_at: Ignored = None
    last_sync_date: Ignored = None


class Contacts(Body):
    """External ids of contacts."""

    contacts: list[str]


class TemporaryListBody(Body):
    """A temporary list as created."""

    external_temporary_list_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    contacts: list[str] = Field(default_factory=list)


def create_audience(call: Call) -> Reply:
    """Create an audience; a broken rule is 417."""
    body = call.body(AudienceBody)
    try:
        audience = call.account.audiences.create(body.external_id, body.name, body.description)
    except AudienceRefusedError as error:
        raise _refusal(error) from error
    return _document(call, audience)


def get_audience(call: Call) -> Reply:
    """Read one audience, without its members."""
    return _document(call, _audience(call))


def update_audience(call: Call) -> Reply:
    """Change name and description; the id in the path must be the id in the body."""
    audience = _audience(call)
    body = call.body(AudienceBody)
    if body.external_id != audience.external_id:
        raise invalid("externalId differs from the path")
    try:
        call.account.audiences.rename(audience, body.name, body.description)
    except AudienceRefusedError as error:
        raise _refusal(error) from error
    return _document(call, audience)


def delete_audience(call: Call) -> Reply:
    """Delete an audience that nothing depends on."""
    try:
        call.account.audiences.delete(_audience(call))
    except AudienceRefusedError as error:
        raise _refusal(error) from error
    return Reply()


def add_to_audience(call: Call) -> Reply:
    """Add up to 2500 contacts, all or none."""
    body = _batch(call)
    audience = _audience(call)
    try:
        call.account.audiences.add(audience, body.contacts)
    except UnknownContactsError as error:
        extra = {"externalContactIds": list(error.external_ids)}
        raise ApiError(404, ErrorType.CONTACT_NOT_FOUND, "contacts not found", extra=extra) from error
    return Reply()


def remove_from_audience(call: Call) -> Reply:
    """Remove up to 2500 contacts. Without a body the audience is emptied, as by the service."""
    if not call.payload:
        call.account.audiences.clear(_audience(call))
        return Reply()
    body = _batch(call)
    call.account.audiences.remove(_audience(call), body.contacts)
    return Reply()


def temporary_lists(call: Call) -> Reply:
    """List all temporary lists."""
    dates = call.settings.native_dates
    return Reply(200, [entry.document(dates) for entry in call.account.temporary_lists.all.values()], root="templists")


def create_temporary_list(call: Call) -> Reply:
    """Create a temporary list with all contacts, or none."""
    body = call.body(TemporaryListBody)
    call.account.temporary_lists.create(body.external_temporary_list_id, body.name, body.contacts)
    return Reply()


def add_to_temporary_list(call: Call) -> Reply:
    """Add all contacts or none."""
    listed = _temporary_list(call)
    call.account.temporary_lists.add(listed, call.body(Contacts).contacts)
    return Reply()


def delete_temporary_list(call: Call) -> Reply:
    """Delete a temporary list that is not in use."""
    call.account.temporary_lists.delete(_temporary_list(call))
    return Reply()


def _audience(call: Call) -> Audience:
    audience = call.account.audiences.all.get(call.path["audienceId"])
    if audience is None:
        raise ApiError(404, None)
    return audience


def _temporary_list(call: Call) -> TemporaryList:
    listed = call.account.temporary_lists.all.get(call.path["temporaryListId"])
    if listed is None:
        raise ApiError(404, ErrorType.RESOURCE_NOT_FOUND, "temporary list not found")
    return listed


def _batch(call: Call) -> Contacts:
    body = call.body(Contacts)
    if len(body.contacts) > BATCH_LIMIT:
        raise ApiError(413, None)
    return body


def _document(call: Call, audience: Audience) -> Reply:
    return Reply(200, audience.document(call.settings.native_dates), root="audience")


def _refusal(error: AudienceRefusedError) -> ApiError:
    # The service documents no body for this status; the reason stays in the exception.
    return ApiError(417, None, str(error))


OPERATIONS = (
    Operation("audience.create", "POST", "/audience", create_audience, AudienceBody, licensed=True),
    Operation("audience.get", "GET", "/audience/{audienceId}", get_audience, licensed=True),
    Operation("audience.update", "PUT", "/audience/{audienceId}", update_audience, AudienceBody, licensed=True),
    Operation("audience.delete", "DELETE", "/audience/{audienceId}", delete_audience, licensed=True),
    Operation("audience.add", "POST", "/audience/{audienceId}/contact", add_to_audience, Contacts, licensed=True),
    Operation(
        "audience.remove", "DELETE", "/audience/{audienceId}/contact", remove_from_audience, Contacts, licensed=True
    ),
    Operation("templist.list", "GET", "/templist", temporary_lists),
    Operation("templist.create", "POST", "/templist", create_temporary_list, TemporaryListBody),
    Operation("templist.add", "POST", "/templist/{temporaryListId}", add_to_temporary_list, Contacts),
    Operation("templist.delete", "DELETE", "/templist/{temporaryListId}", delete_temporary_list),
)
