"""The contacts of the account and the rules for writing them.

Deduplication (an account setting): the external id decides first, then the e-mail address.

* A write with a known external id updates that contact.
* A write with a new external id and a known address updates the contact with that address and overwrites its
  external id: the other system's next write by the old id finds nothing (the vendor warns of this).
* A write by a known external id whose new address belongs to another contact is refused as CONTACT_ALREADY_EXISTS:
  each address exists once, and the service never merges two existing contacts.
* With the rule on the external id alone, several contacts may share an address.

Every accepted write moves `lastChanged`, whether or not a value differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.local.spotler_sandbox.account.identifiers import Identifiers
from shared.local.spotler_sandbox.account.properties import (
    EMAIL,
    MOBILE,
    Catalogue,
    InvalidPropertyError,
    Scalar,
    Switches,
)
from shared.local.spotler_sandbox.http.wire import DateStyle, Period, native_date

SOFT_BOUNCE_LIMIT = 4


class Inactivity(StrEnum):
    """The reasons why a contact cannot be mailed."""

    HARD_BOUNCE = "HARD_BOUNCE"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    OPT_OUT = "OPT_OUT"
    MANUAL = "MANUAL"
    ANONYMIZED = "ANONYMIZED"


class OptOutUpsert(StrEnum):
    """The effect of a write to an inactive contact."""

    ACCEPT_WITHOUT_REACTIVATION = "accept"
    REFUSE = "refuse"


class Deduplication(StrEnum):
    """The account's rules for recognising a contact, in order."""

    EXTERNAL_ID_THEN_EMAIL = "external-id-then-email"
    EXTERNAL_ID = "external-id"


class AnonymizedGet(StrEnum):
    """The answer for the external id of an anonymised contact."""

    NOT_FOUND = "not-found"
    SHELL = "shell"


class WriteCode(StrEnum):
    """The outcome of one contact in a bulk call."""

    OK = "OK"
    PROPERTY_INVALID = "PROPERTY_INVALID"
    CONTACT_ALREADY_EXISTS = "CONTACT_ALREADY_EXISTS"
    CONTACT_OPTOUT = "CONTACT_OPTOUT"
    NO_ACTIVE_CHANNEL = "NO_ACTIVE_CHANNEL"


class WriteRefusedError(Exception):
    """A contact that cannot be written as asked; nothing has changed."""

    def __init__(self, code: WriteCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class TagScore:
    """A tag on a contact, spelled as it was first given, with its score."""

    name: str
    score: int = 0


@dataclass(slots=True, eq=False)
class Contact:
    """A person in Mail+. `enabled` holds the bits of each set that are on; `inactivity` None means active."""

    encrypted_id: str
    created: datetime
    last_changed: datetime
    external_id: str | None = None
    properties: dict[str, Scalar] = field(default_factory=dict)
    enabled: dict[str, frozenset[int]] = field(default_factory=dict)
    test_group: bool = False
    inactivity: Inactivity | None = None
    soft_bounces: int = 0
    tags: dict[str, TagScore] = field(default_factory=dict)

    @property
    def email(self) -> str | None:
        """The address as it was written."""
        address = self.properties.get(EMAIL)
        return None if address is None else str(address)

    def document(self, catalogue: Catalogue, dates: DateStyle) -> dict[str, Any]:
        """Return the JSON of `GET /contact/{externalId}`: empty properties left out, sets with every option."""
        sets = {
            entry.name: [
                {
                    "bit": option.bit,
                    "description": option.description,
                    "enabled": option.bit in self.enabled.get(entry.name, ()),
                }
                for option in entry.options
            ]
            for entry in catalogue.sets
        }
        reachable = self.inactivity is None
        return {
            **({} if self.external_id is None else {"externalId": self.external_id}),
            "created": native_date(self.created, dates),
            "encryptedId": self.encrypted_id,
            "testGroup": self.test_group,
            "lastChanged": native_date(self.last_changed, dates),
            "temporary": False,
            "properties": {**self.properties, **sets},
            "channels": [
                {"name": "EMAIL", "value": reachable and EMAIL in self.properties},
                {"name": "SMS", "value": reachable and MOBILE in self.properties},
            ],
        }


@dataclass(frozen=True, slots=True)
class ContactInput:
    """A contact to write. `properties` are as received, unchecked; `test_group` None leaves it unchanged."""

    external_id: str | None
    properties: Mapping[str, Any]
    test_group: bool | None = None


@dataclass(frozen=True, slots=True)
class ContactRules:
    """The account settings for contacts."""

    deduplication: Deduplication
    optout_upsert: OptOutUpsert
    anonymized_get: AnonymizedGet


class ContactBook:
    """All contacts, kept in the order of their last change."""

    def __init__(
        self, catalogue: Catalogue, rules: ContactRules, identifiers: Identifiers, now: Callable[[], datetime]
    ) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._identifiers = identifiers
        self._now = now
        self._all: dict[str, Contact] = {}
        self._by_external_id: dict[str, Contact] = {}
        self._by_email: dict[str, dict[str, Contact]] = {}
        self._shells: dict[str, Contact] = {}

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def find(self, external_id: str) -> Contact | None:
        """Look up by external id."""
        return self._by_external_id.get(external_id)

    def shell(self, external_id: str) -> Contact | None:
        """Return the shell of an anonymised contact, if the account keeps shells."""
        return self._shells.get(external_id)

    def with_encrypted_id(self, encrypted_id: str) -> Contact | None:
        """Look up by the service's own id."""
        return self._all.get(encrypted_id)

    def with_email(self, address: str) -> list[Contact]:
        """Return the contacts with this address, without regard to case."""
        return list(self._by_email.get(_key(address), {}).values())

    def changed(self, period: Period) -> list[Contact]:
        """Return the contacts that changed in a period, by last change."""
        found = [contact for contact in self._all.values() if contact.last_changed in period]
        return sorted(found, key=lambda contact: (contact.last_changed, contact.encrypted_id))

    def insert(self, given: ContactInput, *, update: bool, purge: bool) -> Contact:
        """Create a contact; with `update` also change an existing one. WriteRefusedError."""
        values = self._values(given)
        contact = self._match(given.external_id, values)
        if contact is None:
            return self._apply(self._create(), given, values, purge=False)
        if not update:
            raise WriteRefusedError(WriteCode.CONTACT_ALREADY_EXISTS, "contact exists and update is not true")
        return self._change(contact, given, values, purge=purge)

    def update(self, contact: Contact, given: ContactInput, *, purge: bool) -> Contact:
        """Change a contact that was found by its external id. WriteRefusedError."""
        return self._change(contact, given, self._values(given), purge=purge)

    def subscribe(self, given: ContactInput) -> Contact:
        """Write at the person's own request: no contact is refused, an inactive contact becomes active."""
        values = self._values(given)
        contact = self._match(given.external_id, values) or self._create()
        self._check_address(contact, values)
        contact.inactivity = None
        contact.soft_bounces = 0
        return self._apply(contact, given, values, purge=False)

    def inactivate(self, contact: Contact, why: Inactivity) -> None:
        """Stop mailing a contact. An inactive contact keeps its reason, unless the person opts out."""
        if contact.inactivity is None or why is Inactivity.OPT_OUT:
            contact.inactivity = why
        self.touch(contact)

    def anonymize(self, contact: Contact) -> None:
        """Erase the data of a person. The external id and the address become free for a new contact."""
        external_id = contact.external_id
        self._forget(contact)
        contact.properties.clear()
        contact.enabled.clear()
        contact.tags.clear()
        contact.inactivity = Inactivity.ANONYMIZED
        contact.last_changed = self._now()
        match self._rules.anonymized_get:
            case AnonymizedGet.NOT_FOUND:
                contact.external_id = None
            case AnonymizedGet.SHELL if external_id is not None:
                self._shells[external_id] = contact
            case AnonymizedGet.SHELL:
                pass

    def _values(self, given: ContactInput) -> dict[str, Scalar | Switches | None]:
        try:
            return self._catalogue.read(given.properties)
        except InvalidPropertyError as error:
            raise WriteRefusedError(WriteCode.PROPERTY_INVALID, str(error)) from error

    def _match(self, external_id: str | None, values: Mapping[str, Any]) -> Contact | None:
        if external_id is not None and (known := self._by_external_id.get(external_id)):
            return known
        return next(iter(self._owners(values)), None)

    def _owners(self, values: Mapping[str, Any]) -> list[Contact]:
        """Return the contact that already has the written address, if the account's rules forbid duplicates."""
        address = values.get(EMAIL)
        if address is None or self._rules.deduplication is Deduplication.EXTERNAL_ID:
            return []
        return self.with_email(address)

    def _check_address(self, contact: Contact, values: Mapping[str, Any]) -> None:
        if any(owner is not contact for owner in self._owners(values)):
            raise WriteRefusedError(WriteCode.CONTACT_ALREADY_EXISTS, "another contact has this e-mail address")

    def _change(
        self, contact: Contact, given: ContactInput, values: Mapping[str, Scalar | Switches | None], *, purge: bool
    ) -> Contact:
        self._check_address(contact, values)
        if self._rules.optout_upsert is OptOutUpsert.REFUSE:
            match contact.inactivity:
                case Inactivity.OPT_OUT:
                    raise WriteRefusedError(WriteCode.CONTACT_OPTOUT, "contact has opted out")
                case Inactivity.HARD_BOUNCE | Inactivity.SOFT_BOUNCE | Inactivity.MANUAL:
                    raise WriteRefusedError(WriteCode.NO_ACTIVE_CHANNEL, "contact is inactive")
                case Inactivity.ANONYMIZED | None:
                    pass
        return self._apply(contact, given, values, purge=purge)

    def _create(self) -> Contact:
        now = self._now()
        return Contact(self._identifiers.encrypted(), created=now, last_changed=now)

    def _apply(
        self, contact: Contact, given: ContactInput, values: Mapping[str, Scalar | Switches | None], *, purge: bool
    ) -> Contact:
        before = contact.email
        self._forget(contact)
        if purge:
            contact.properties.clear()
            contact.enabled.clear()
        for name, value in values.items():
            if value is None:
                contact.properties.pop(name, None)
                contact.enabled.pop(name, None)
            elif isinstance(value, Mapping):
                on = {bit for bit, enabled in value.items() if enabled}
                contact.enabled[name] = contact.enabled.get(name, frozenset()) - value.keys() | on
            else:
                contact.properties[name] = value
        if given.external_id is not None:
            contact.external_id = given.external_id
        if given.test_group is not None:
            contact.test_group = given.test_group
        if contact.email != before and contact.inactivity in {Inactivity.HARD_BOUNCE, Inactivity.SOFT_BOUNCE}:
            # The bounce concerned the old address (BNC-11).
            contact.inactivity = None
            contact.soft_bounces = 0
        self.touch(contact)
        return contact

    def touch(self, contact: Contact) -> None:
        """Record a change of a contact: update all indexes, and move it to the end of the order of change."""
        contact.last_changed = self._now()
        self._all.pop(contact.encrypted_id, None)
        self._all[contact.encrypted_id] = contact
        if contact.external_id is not None:
            self._by_external_id[contact.external_id] = contact
            self._shells.pop(contact.external_id, None)
        if contact.email is not None:
            self._by_email.setdefault(_key(contact.email), {})[contact.encrypted_id] = contact

    def _forget(self, contact: Contact) -> None:
        self._all.pop(contact.encrypted_id, None)
        if contact.external_id is not None:
            self._by_external_id.pop(contact.external_id, None)
        if contact.email is not None:
            self._by_email.get(_key(contact.email), {}).pop(contact.encrypted_id, None)


def _key(address: str) -> str:
    return address.strip().lower()
