"""Echoes: a contact with nothing new for its record is not processed; a permission that rose is always news."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.consent.changes import BULK_EMAIL
from shared.domain.merging.echo import is_echo
from shared.domain.planning.binding import Binding
from shared.domain.records.marketing_contact import MarketingContact, PropertyValue, SetOption
from tests.connector_twin import CATALOGUE, RULES
from tests.unit.domain.planning.test_planning import ANN, CONTACT_ID, record, synced

ON = SetOption(1, enabled=True)


def contact(*options: SetOption, **values: PropertyValue) -> MarketingContact:
    properties = {"email": "ann@example.com", "firstName": "Ann", "permissions": options, **values}
    return MarketingContact(CONTACT_ID, "e1", properties)


def agreed(*, newsletter: bool) -> Binding:
    return replace(synced(record({"Newsletter": newsletter})), initial_merge_done=True)


def is_news(one: MarketingContact, binding: Binding) -> bool:
    return not is_echo(one, ANN, binding, RULES, CATALOGUE)


def test_a_contact_as_both_sides_agreed_is_an_echo() -> None:  # C-44
    assert not is_news(contact(ON), agreed(newsletter=True))


def test_a_permission_that_rose_is_news() -> None:  # PERM-08
    assert is_news(contact(ON), agreed(newsletter=False))


def test_a_permission_that_is_on_is_news_while_all_mail_is_refused_at_the_address() -> None:  # PERM-08
    refused = replace(agreed(newsletter=True), refused=frozenset({BULK_EMAIL}))
    assert is_news(contact(ON), refused)


def test_a_contact_before_the_first_merge_is_news() -> None:
    assert is_news(contact(ON), replace(agreed(newsletter=True), initial_merge_done=False))
