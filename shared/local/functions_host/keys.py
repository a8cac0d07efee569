"""The keys for HTTP functions, kept in a file of their own."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.local.functions_host.errors import HostError

OWNER_ONLY = 0o600


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    master: str
    default: str


@dataclass(frozen=True, slots=True)
class HostKeys:
    """`default` opens every function of level FUNCTION, `master` every function. Neither is logged."""

    master: str
    default: str

    def __repr__(self) -> str:
        return "HostKeys(…)"

    def allow(self, level: func.AuthLevel, presented: str) -> bool:
        """Return whether `presented` opens a function of `level`."""
        match level:
            case func.AuthLevel.ANONYMOUS:
                return True
            case func.AuthLevel.FUNCTION:
                return _same(presented, self.default) or _same(presented, self.master)
            case func.AuthLevel.ADMIN:
                return _same(presented, self.master)

    @classmethod
    def open(cls, path: Path) -> HostKeys:
        """Read the keys at `path`; make new ones if there is no file. HostError for a damaged file."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls._create(path)
        try:
            kept = _KeyFile.model_validate_json(text)
        except ValidationError:
            raise HostError(f"the key file {path.name} is damaged; delete it to get new keys") from None
        return cls(master=kept.master, default=kept.default)

    @classmethod
    def _create(cls, path: Path) -> HostKeys:
        fresh = _KeyFile(master=secrets.token_urlsafe(32), default=secrets.token_urlsafe(32))
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
            file.write(fresh.model_dump_json(indent=1))
        return cls(master=fresh.master, default=fresh.default)


def _same(presented: str, key: str) -> bool:
    return hmac.compare_digest(presented.encode(), key.encode())
