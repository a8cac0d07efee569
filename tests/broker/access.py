"""Shared access signatures: who may do what (claims-based security, `$cbs`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import parse_qs, unquote, urlsplit

KEY_NAME = "RootManageSharedAccessKey"


def allowed_path(token: str, key: str) -> str | None:
    """Return the path that a signature opens ("" for everything), or None if it is wrong or too old."""
    scheme, _, fields = token.partition(" ")
    claims = {name: values[0] for name, values in parse_qs(fields).items()}
    if scheme != "SharedAccessSignature" or not {"sr", "sig", "se", "skn"} <= claims.keys():
        return None
    # What was signed is the resource as it stands in the token, still quoted.
    resource = next(part[3:] for part in fields.split("&") if part.startswith("sr="))
    digest = hmac.digest(key.encode(), f"{resource}\n{claims['se']}".encode(), hashlib.sha256)
    if claims["skn"] != KEY_NAME or not hmac.compare_digest(base64.b64encode(digest).decode(), claims["sig"]):
        return None
    if int(claims["se"]) < time.time():
        return None
    return urlsplit(unquote(claims["sr"])).path.strip("/")


def opens(path: str, entity: str) -> bool:
    """Whether a signature for `path` opens `entity`."""
    return not path or entity == path or entity.startswith(f"{path}/")
