"""Lists of contacts: changes, bounces, search; and the history of one contact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.local.spotler_sandbox.account.campaigns import CampaignMailing
from shared.local.spotler_sandbox.account.contacts import Contact
from shared.local.spotler_sandbox.account.properties import EMAIL, InvalidPropertyError, PropertyType
from shared.local.spotler_sandbox.activity.mailings import Event, Interaction, Letter, Mailing
from shared.local.spotler_sandbox.http.operation import Call, Operation
from shared.local.spotler_sandbox.http.parts import not_modelled
from shared.local.spotler_sandbox.http.wire import Reply, invalid, iso, native_date

HISTORY_PAGE_SIZE = 50
CONTACT_KEYS = frozenset({"externalId", "encryptedId", "testGroup", "created", "lastChanged", "temporary"})

Item = TypeVar("Item")


def updates(call: Call) -> Reply:
    """List the contacts that changed in a period, changes through the API included."""
    period = call.query.period()
    call.account.crowd.settle()
    return _feed(call, "contacts", call.account.contacts.changed(period), lambda contact: _document(call, contact))


def bounces(call: Call) -> Reply:
    """List the bounces of a period."""
    found = call.account.mailings.of_event(Event.BOUNCED, call.query.period())
    return _feed(call, "bounces", found, lambda interaction: _bounce(call, interaction))


def search(call: Call) -> Reply:
    """Find contacts by one equality, `property=value`; addresses are compared without regard to case."""
    name, value = call.query.equality("MPSearchQuery")
    call.query.integer("pageSize", minimum=1)
    if name in CONTACT_KEYS:
        raise not_modelled(f"a search by '{name}'")
    field = call.account.catalogue.properties.get(name)
    if field is None:
        raise invalid("MPSearchQuery must be property=value")
    if field.type is PropertyType.SET:
        raise not_modelled(f"a search by '{name}', which is a set,")
    return call.page("contacts", _matching(call, name, value), lambda contact: _document(call, contact))


def mailings(call: Call) -> Reply:
    """List the mailings of one contact."""
    return _history(call, "mailingHistories", lambda letter: isinstance(letter.mailing, Mailing), _mailing)


def campaign_mailings(call: Call) -> Reply:
    """List the campaign messages of one contact."""
    return _history(call, "campaignMailingHistories", lambda letter: letter.subscription is not None, _campaign_mailing)


def forms(call: Call) -> Reply:
    """List the form entries of one contact."""
    entries = call.account.form_entries.of_contact(call.contact())
    return call.page("formHistories", entries, lambda entry: entry.document())


def _feed(call: Call, name: str, items: Sequence[Item], document: Callable[[Item], Any]) -> Reply:
    """Answer a page; under the versioned prefix the answer is a bare array and needs no page size."""
    if call.versioned and call.query.optional("pageSize") is None:
        return Reply(200, [document(item) for item in items], root=name)
    call.query.integer("pageSize", minimum=1)
    page = call.page(name, items, document)
    return Reply(200, page.body[name], root=name) if call.versioned else page


def _document(call: Call, contact: Contact) -> dict[str, Any]:
    return contact.document(call.account.catalogue, call.settings.native_dates)


def _bounce(call: Call, interaction: Interaction) -> dict[str, Any]:
    return {
        "date": native_date(interaction.at, call.settings.native_dates),
        "type": str(interaction.bounce),
        "encryptedActId": interaction.mailing.encrypted_id,
        "contact": _document(call, interaction.contact),
    }


def _matching(call: Call, name: str, value: str) -> list[Contact]:
    if name == EMAIL:
        return call.account.contacts.with_email(value)
    try:
        wanted = call.account.catalogue.read({name: value})[name]
    except InvalidPropertyError as error:
        raise invalid(str(error)) from error
    return [contact for contact in call.account.contacts if contact.properties.get(name) == wanted]


def _history(
    call: Call,
    name: str,
    belongs: Callable[[Letter], bool],
    document: Callable[[Call, Letter], dict[str, Any]],
) -> Reply:
    """Answer a page of letters with their interactions; the size is fixed."""
    events = call.account.mailings.of_contact(call.contact())
    sent = [item for item in events if item.event is Event.SENT and belongs(item.letter)]
    call.query.without_effect("pageSize")

    def entry(item: Interaction) -> dict[str, Any]:
        same = [event for event in events if event.letter is item.letter]
        happened = {event.event for event in same}
        returned = [str(event.bounce) for event in same if event.bounce is not None]
        return {
            **document(call, item.letter),
            "sentDate": iso(item.at),
            "opened": Event.OPENED in happened,
            "clicked": Event.CLICKED in happened,
            **({"bounce": returned[-1]} if returned else {}),
        }

    return call.page(name, sent, entry, size=HISTORY_PAGE_SIZE)


def _mailing(call: Call, letter: Letter) -> dict[str, Any]:
    assert isinstance(letter.mailing, Mailing)
    return {"mailing": call.account.mailings.summary(letter.mailing)}


def _campaign_mailing(_call: Call, letter: Letter) -> dict[str, Any]:
    assert isinstance(letter.mailing, CampaignMailing)
    assert letter.subscription is not None
    return {"campaignMailing": letter.mailing.document(), "campaignSubscriptionId": letter.subscription.id}


OPERATIONS = (
    Operation("contact.updates", "GET", "/contact/updates/list", updates, json_only=True),
    Operation("contact.bounces", "GET", "/contact/bounces/list", bounces, json_only=True),
    Operation("contact.search", "GET", "/contact/search", search, json_only=True),
    Operation("contact.mailings", "GET", "/contact/{externalId}/mailings", mailings),
    Operation("contact.campaign-mailings", "GET", "/contact/{externalId}/campaign-mailings", campaign_mailings),
    Operation("contact.forms", "GET", "/contact/{externalId}/forms", forms),
)
