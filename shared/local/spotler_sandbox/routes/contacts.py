"""Contacts: read, write, bulk insert, end of life, and the subscription call."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, RootModel

from shared.local.spotler_sandbox.account.contacts import ContactInput, Inactivity, WriteCode, WriteRefusedError
from shared.local.spotler_sandbox.http.operation import Body, Call, Ignored, Operation
from shared.local.spotler_sandbox.http.parts import not_modelled
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply, invalid

BULK_LIMIT = 100
SWITCH_KEYS = {"bit", "enabled", "description"}

# A single call has no error type for a contact without a usable channel.
ERROR_TYPES = {
    WriteCode.PROPERTY_INVALID: ErrorType.INVALID_PROPERTY,
    WriteCode.CONTACT_ALREADY_EXISTS: ErrorType.CONTACT_ALREADY_EXISTS,
    WriteCode.CONTACT_OPTOUT: ErrorType.CONTACT_OPTOUT,
    WriteCode.NO_ACTIVE_CHANNEL: ErrorType.INVALID_STATE,
}


class AnyContact(Body):
    """A contact as written. Read-only fields, `channels` among them, may be sent and are ignored."""

    external_id: str | None = None
    properties: dict[str, Any] = Field(default_factory=dict)
    test_group: bool | None = None
    channels: Ignored = None
    created: Ignored = None
    encrypted_id: Ignored = None
    last_changed: Ignored = None
    temporary: Ignored = None

    def as_input(self) -> ContactInput:
        """Return the input for the account.

        An empty external id is none. ApiError 501 for an option with unmodelled keys.
        """
        for name, value in self.properties.items():
            for option in value if isinstance(value, list) else ():
                if isinstance(option, dict) and (unknown := option.keys() - SWITCH_KEYS):
                    raise not_modelled(f"the key '{min(unknown)}' of an option of '{name}'")
        return ContactInput(self.external_id or None, self.properties, self.test_group)


class IdentifiedContact(AnyContact):
    """A contact with a required external id."""

    external_id: str = Field(min_length=1)


class OwnId(RootModel[str]):
    """The external id of the path, as one client sends it in a body that is not needed."""


class Insert(Body):
    """`POST /contact`."""

    update: bool = False
    purge: bool = False
    contact: IdentifiedContact


class Update(Body):
    """`PUT /contact/{externalId}`; `update` is not needed and has no effect."""

    update: Ignored = None
    purge: bool = False
    contact: AnyContact


class BulkInsert(Body):
    """`POST /contact/list`."""

    update: bool = False
    purge: bool = False
    contacts: list[IdentifiedContact]


class BulkSize(Body):
    """The same with unread contacts: their number is checked first."""

    model_config = ConfigDict(extra="ignore")

    contacts: list[Any]


def get(call: Call) -> Reply:
    """Read one contact, or the shell of an anonymised one if the account keeps shells."""
    contact = call.account.contacts.shell(call.path["externalId"]) or call.contact()
    return Reply(200, contact.document(call.account.catalogue, call.settings.native_dates), root="contact")


def insert(call: Call) -> Reply:
    """Create a contact; with `update`, create or change it."""
    body = call.body(Insert)
    try:
        call.account.contacts.insert(body.contact.as_input(), update=body.update, purge=body.purge)
    except WriteRefusedError as error:
        raise _refusal(error) from error
    return Reply()


def update(call: Call) -> Reply:
    """Change one contact. Its external id cannot be changed: 400."""
    contact = call.contact()
    body = call.body(Update)
    if body.contact.external_id not in {None, contact.external_id}:
        raise invalid("externalId differs from the path")
    try:
        call.account.contacts.update(contact, body.contact.as_input(), purge=body.purge)
    except WriteRefusedError as error:
        raise _refusal(error) from error
    return Reply()


def insert_list(call: Call) -> Reply:
    """Write up to 100 contacts; each has an outcome of its own."""
    if len(call.body(BulkSize).contacts) > BULK_LIMIT:
        raise invalid(f"at most {BULK_LIMIT} contacts")
    body = call.body(BulkInsert)
    inputs = [(contact.external_id, contact.as_input()) for contact in body.contacts]
    return Reply(200, [_outcome(call, who, given, body) for who, given in inputs], root="results")


def properties(call: Call) -> Reply:
    """Describe the fields of a contact."""
    return Reply(200, [entry.document() for entry in call.account.catalogue.properties.values()], root="properties")


def anonymize(call: Call) -> Reply:
    """Erase one contact; a second call finds no contact, unless the account keeps a shell."""
    _check_own_id(call)
    if call.account.contacts.shell(call.path["externalId"]) is None:
        call.account.contacts.anonymize(call.contact())
    return Reply()


def inactivate(call: Call) -> Reply:
    """Make one contact inactive."""
    _check_own_id(call)
    call.account.contacts.inactivate(call.contact(), Inactivity.MANUAL)
    return Reply()


def subscribe(call: Call) -> Reply:
    """Write at the person's own request; the external id may be absent."""
    try:
        call.account.contacts.subscribe(call.body(AnyContact).as_input())
    except WriteRefusedError as error:
        raise _refusal(error) from error
    return Reply()


def _outcome(call: Call, external_id: str, given: ContactInput, body: BulkInsert) -> dict[str, str]:
    try:
        call.account.contacts.insert(given, update=body.update, purge=body.purge)
    except WriteRefusedError as error:
        return {"externalId": external_id, "code": str(error.code), "message": str(error)}
    return {"externalId": external_id, "code": str(WriteCode.OK), "message": ""}


def _check_own_id(call: Call) -> None:
    """Accept a body that repeats the id of the path. ApiError 501."""
    if call.payload and call.body(OwnId).root != call.path["externalId"]:
        raise not_modelled("a body with another id than the path")


def _refusal(error: WriteRefusedError) -> ApiError:
    return ApiError(400, ERROR_TYPES[error.code], str(error))


OPERATIONS = (
    Operation("contact.bulk", "POST", "/contact/list", insert_list, BulkInsert, json_only=True),
    Operation("contact.properties", "GET", "/contact/properties/list", properties),
    Operation("contact.anonymize", "PUT", "/contact/anonymize/{externalId}", anonymize, OwnId),
    Operation("contact.inactivate", "PUT", "/contact/inactivate/{externalId}", inactivate, OwnId),
    Operation("contact.insert", "POST", "/contact", insert, Insert),
    Operation("contact.get", "GET", "/contact/{externalId}", get),
    Operation("contact.update", "PUT", "/contact/{externalId}", update, Update),
    Operation("subscription.subscribe", "POST", "/subscription/subscribe", subscribe, AnyContact),
)
