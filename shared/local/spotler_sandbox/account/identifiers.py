"""Identifiers like those of the service: short, opaque, and the same in every run."""

from __future__ import annotations

import base64
import hashlib
from itertools import count

DIGEST_BYTES = 9


class Identifiers:
    """One sequence per account."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def number(self) -> int:
        """Return the next whole number, from 1."""
        return next(self._numbers)

    def encrypted(self) -> str:
        """Return 12 characters that are safe in a path."""
        digest = hashlib.blake2b(str(self.number()).encode(), digest_size=DIGEST_BYTES).digest()
        return base64.urlsafe_b64encode(digest).decode()
