"""Words to tell a history in: who has which address, who is saved, what a contact is subscribed to."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.records.records import PersonTable
from tests.histories.machine import TwoWayHistories

CONTACT, LEAD = PersonTable.CONTACT, PersonTable.LEAD
ANN, BEN, CAS = "ann@example.com", "Ben@example.com", "cas@example.com"


def begin(
    history: TwoWayHistories, *, newsletter: bool | None = None, offers: bool = False, takes_in: bool = False
) -> None:
    has_defaults = newsletter is not None
    history.begin(newsletter=bool(newsletter), offers=offers, defaults=has_defaults, takes_in=takes_in)


def options(history: TwoWayHistories, address: str) -> Mapping[str, bool]:
    contact = history.world.profile(address)
    assert contact is not None
    return contact.options


def save(
    history: TwoWayHistories,
    address: str,
    table: PersonTable = CONTACT,
    *,
    newsletter: bool | None = None,
    full: bool = False,
) -> None:
    history.create(table=table, address=address, newsletter=newsletter, is_full=full)
