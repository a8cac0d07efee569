"""The keys of fingerprints, and the encryption of stored fingerprints with later keys.

A fingerprint is an HMAC of a value with the **first key** of the deployment. Without the value, it cannot be made again
with another key: the address of an erased person who refused mail, for instance. So a new key encrypts all stored
fingerprints, and those that are stored from then on. With a former key and the state store, guesses cannot be tested.

- Version 1 is stored as it is, 20 characters, as before there were versions.
- Version n > 1 is stored as `n.` and 22 characters: one block of AES with the n-th key. The same fingerprint always has
  the same text, so that it can be the key of a document.

The first key and its followers are kept in the register (document `{environment}-keys`, `fingerprints`), encrypted with
the current key. The settings name the current key alone, and while it changes its predecessor.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConfigurationError, DataError, Service

FIRST = 1
_PLAIN = re.compile(r"[A-Za-z0-9_-]{20}")
_SEALED = re.compile(r"([1-9][0-9]{0,5})\.([A-Za-z0-9_-]{22})")
_BYTES = 15
_FILL = b"\0"
"""Fills the 15 bytes of a fingerprint up to a block."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys by version, 1 the first one; the highest version is the current one.

    `oldest` is the lowest version that stored fingerprints may have: below the current one while the key changes.
    """

    keys: Mapping[int, bytes] = field(repr=False)
    oldest: int = FIRST
    _blocks: dict[int, tuple[CipherContext, CipherContext]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def version(self) -> int:
        """The version of the current key."""
        return max(self.keys)

    @property
    def first_key(self) -> bytes:
        """The key that makes fingerprints."""
        return self.keys[FIRST]

    @property
    def is_changing(self) -> bool:
        """Whether fingerprints of a former version may be stored."""
        return self.oldest < self.version

    def seal(self, fingerprint: str) -> str:
        """Return the stored form of a fingerprint. Another text, such as an empty one, is not changed."""
        return self.seal_as(self.version, fingerprint)

    def seal_as(self, version: int, fingerprint: str) -> str:
        """Return the stored form of a fingerprint under a version."""
        if version == FIRST or not _PLAIN.fullmatch(fingerprint):
            return fingerprint
        block = self._both_ways(version)[0].update(base64.urlsafe_b64decode(fingerprint) + _FILL)
        return f"{version}.{base64.urlsafe_b64encode(block).decode().rstrip('=')}"

    def open(self, stored: str) -> str:
        """Return the fingerprint of a stored form of any version. DataError if no key fits."""
        if (sealed := _SEALED.fullmatch(stored)) is None:
            return stored
        version = int(sealed[1])
        if version not in self.keys:
            raise DataError(StateCause.KEY_UNKNOWN(version=str(version)), service=Service.STATE)
        block = self._both_ways(version)[1].update(base64.urlsafe_b64decode(f"{sealed[2]}=="))
        if block[_BYTES:] != _FILL:
            raise DataError(StateCause.KEY_OTHER(), service=Service.STATE)
        return base64.urlsafe_b64encode(block[:_BYTES]).decode()

    def names(self, fingerprint: str) -> list[str]:
        """Return all texts under which a fingerprint may be stored, the current one first."""
        return [self.seal_as(version, fingerprint) for version in range(self.version, self.oldest - 1, -1)]

    def _both_ways(self, version: int) -> tuple[CipherContext, CipherContext]:
        """Return encryptor and decryptor for single blocks; cached, because a page has thousands of them."""
        if version not in self._blocks:
            # Each fingerprint is one block of its own, which needs a pseudorandom permutation: ECB is safe here.
            cipher = Cipher(algorithms.AES(_derived(self.keys[version], "seal")), modes.ECB())  # noqa: S305  # see above
            self._blocks[version] = (cipher.encryptor(), cipher.decryptor())
        return self._blocks[version]


def version_of(stored: str) -> int | None:
    """Return the version of a stored fingerprint; None for another text."""
    if (sealed := _SEALED.fullmatch(stored)) is not None:
        return int(sealed[1])
    return FIRST if _PLAIN.fullmatch(stored) else None


def mark_of(key: bytes) -> str:
    """Return the mark that identifies a key. A key cannot be guessed from it, unless it is a weak one."""
    return base64.urlsafe_b64encode(_derived(key, "mark")[:_BYTES]).decode()


def lock_up(keys: Mapping[int, bytes], current: bytes) -> str:
    """Encrypt keys with the current one, for the register."""
    text = json.dumps({str(version): base64.b64encode(key).decode() for version, key in keys.items()})
    return _box(current).encrypt(text.encode()).decode()


def unlock(locked: str, current: bytes) -> dict[int, bytes]:
    """Decrypt the text of `lock_up`; ConfigurationError if it was changed."""
    try:
        texts: dict[str, str] = json.loads(_box(current).decrypt(locked.encode()))
        return {int(version): base64.b64decode(text) for version, text in texts.items()}
    except (InvalidToken, ValueError, binascii.Error):
        raise ConfigurationError(
            StateCause.KEYS_DAMAGED(),
            service=Service.STATE,
        ) from None


def _box(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(key, "lock")))


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"spotler-connector fingerprint key: {purpose}".encode(), "sha256")
