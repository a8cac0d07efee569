"""Values of settings as people and templates write them: empty ones, blanks, line ends, quotes, capitals.

An empty value means the default. Invisible characters around a value are dropped. A visible mistake is refused at the
start, by the setting's name: later it would look like a wrong password.
"""

import socket
from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from shared.domain.values.texts import trimmed

NCRONTAB = r"^\S+( \S+){5}$"
"""Six fields, the seconds first. Azure Functions checks more than this pattern."""

Schedule = Annotated[str, Field(pattern=NCRONTAB)]
"""When a timer runs, as NCRONTAB in the time zone of the app."""


def _known_zone(name: str) -> str:
    """Return the name of a time zone; ValueError for an unknown one."""
    try:
        return ZoneInfo(name).key if name else name
    except (ValueError, OSError, LookupError):
        raise ValueError("expected the IANA name of a time zone, such as Europe/Amsterdam") from None


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A time zone by its IANA name; "" is none."""

DomainName = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
"""A domain of e-mail addresses, in ASCII and lower case."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_QUOTES = frozenset("\"'`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb")


def given(values: Mapping[str, Any], *, verbatim: frozenset[str], single_words: frozenset[str]) -> dict[str, Any]:
    """Return the settings that have a value; ValueError names those that are written wrongly.

    `verbatim` settings stay as they are unless they are blank: for secrets that may begin with anything. `single_words`
    are printable ASCII without blanks.
    """
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in values.items():
        if not isinstance(value, str):
            kept[name] = value
        elif text := trimmed(value):
            field = name.lower()
            kept[name] = value if field in verbatim else text
            if field not in verbatim and len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
                problems.append(f"{name.upper()} stands in quotes: write the value without them")
            elif field in single_words and text.startswith("<") and text.endswith(">"):
                problems.append(f"{name.upper()} is still what the sample has: fill it in, or delete the line")
            elif field in single_words and not (text.isascii() and text.isprintable() and " " not in text):
                problems.append(
                    f"{name.upper()} holds a blank, a line end or a character that no key has: copy it again"
                )
    if problems:
        raise ValueError("; ".join(problems))
    return kept


def in_right_case(value: object, choices: type[Enum]) -> object:
    """Return the choice that a word names in any case; other values unchanged, for the check to refuse."""
    if isinstance(value, str):
        return {str(choice.value).casefold(): choice for choice in choices}.get(value.casefold(), value)
    return value


def complaint_about_address(url: str) -> str:
    """Return what is wrong with an address that credentials are sent to; "" if it is valid, or empty."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if not host or not url.isprintable() or {" ", "\\"}.intersection(url):
        return "is no address"
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        return "must begin with https://"
    if parts.username is not None or parts.query or parts.fragment:
        return "must have neither a user name nor a query"
    return ""


def _is_this_machine(host: str) -> bool:
    """Whether a name is an address of this machine in any spelling: `127.1` is 127.0.0.1 to every resolver."""
    if host in LOOPBACK:
        return True
    try:
        return IPv4Address(socket.inet_aton(host)).is_loopback
    except OSError:
        return False
