"""The one-time link that opens the console on this machine, where no App Service asks people to sign in."""

from __future__ import annotations

import os
import secrets

from shared.console.access.sessions import LINK_TOKEN


def console_link(url: str) -> str:
    """Make the token of this process, and return the link; the console accepts it once."""
    token = os.environ.setdefault(LINK_TOKEN, secrets.token_urlsafe(24))
    return f"{url}/console/sign-in?token={token}"
