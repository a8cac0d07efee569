"""Keyed hashes instead of values: an agreed value can be compared later, but not read (no value at rest).

A fingerprint is salted with the contact and the field, so that equal values of two people differ.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.values.addresses import address_key

_BETWEEN = "\x1f"
"""Stands between the parts of what is hashed; no name and no JSON has it."""

_JSON = json.JSONEncoder()

_BYTES = 15  # 120 bits: 20 characters, beyond any accidental collision of the fields of one contact


@dataclass(frozen=True, slots=True)
class Fingerprinter:
    """Makes fingerprints with the deployment's first secret key (at least 16 bytes).

    Later keys encrypt the stored fingerprints: `shared.adapters.storage.keys.key_ring`.
    """

    key: bytes = field(repr=False)
    _keyed: hmac.HMAC = field(init=False, repr=False, compare=False)
    """The HMAC of nothing: copies of it need not take the key in again."""

    def __post_init__(self) -> None:
        if len(self.key) < 16:  # noqa: PLR2004  # a shorter key could be guessed
            raise ValueError("the fingerprint key must have at least 16 bytes")
        object.__setattr__(self, "_keyed", hmac.new(self.key, digestmod="sha256"))

    def value(self, external_id: str, name: str, value: Any) -> str:
        """Fingerprint one field value (JSON scalar) of one contact."""
        return self._digest("value", external_id, name, _JSON.encode(value))

    def values(self, external_id: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """Fingerprint all fields of one contact, by name."""
        return self.of_contact(external_id).values(fields)

    def of_contact(self, external_id: str) -> "ContactFingerprints":
        """Return what makes the fingerprints of one contact."""
        keyed = self._keyed.copy()
        keyed.update(f"value{_BETWEEN}{external_id}{_BETWEEN}".encode())
        return ContactFingerprints(keyed)

    def address(self, email: str) -> str:
        """Fingerprint an e-mail address, the same for all its users; case does not matter (DUP-03).

        It depends on `address_key`, which must never change for plain ASCII addresses, or contacts would be lost.
        """
        return self._digest("address", address_key(email))

    def domain(self, mailing: str, domain: str) -> str:
        """Fingerprint the domain of recipients of one mailing: another one in every mailing, so nothing is followed."""
        return self._digest("domain", mailing, domain)

    def person(self, record: str) -> str:
        """Return the pseudonym of a record (`contact:…`) for the data that are kept after its erasure."""
        return self._digest("person", record)

    def _digest(self, *parts: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(_BETWEEN.join(parts).encode())
        return _text(keyed)


class ContactFingerprints:
    """Makes the fingerprints of the field values of one contact; each value is hashed once."""

    def __init__(self, keyed: hmac.HMAC) -> None:
        self._keyed = keyed
        self._last: dict[str, tuple[Any, str]] = {}
        """By field, the last value and its fingerprint: a plan asks for it several times."""

    def value(self, name: str, value: Any) -> str:
        """Fingerprint one field value (JSON scalar)."""
        last = self._last.get(name)
        if last is not None and last[0] is value:
            return last[1]
        keyed = self._keyed.copy()
        keyed.update(f"{name}{_BETWEEN}{_JSON.encode(value)}".encode())
        text = _text(keyed)
        self._last[name] = value, text
        return text

    def values(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Fingerprint fields, by name."""
        return {name: self.value(name, value) for name, value in fields.items()}


def _text(keyed: hmac.HMAC) -> str:
    return urlsafe_b64encode(keyed.digest()[:_BYTES]).decode()
