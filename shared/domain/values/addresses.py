"""E-mail addresses: the form in which they are sent, and the one key by which two are the same (DUP-03)."""

from functools import lru_cache
from typing import Any

from shared.domain.values.texts import visible


def address_text(value: Any) -> str:
    """Return an address without blanks around it and without invisible characters; "" for None."""
    return visible(str(value or ""))


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """Return the key of an address, equal for equal addresses: case and the spelling of the domain do not count.

    Domains are compared as in the name service (IDNA 2008): `straße.de` and `strasse.de` are two domains, `straße.de`
    and `xn--strae-oqa.de` are one. An address in plain ASCII is its own key, in lower case.
    """
    text = address_text(address).lower()
    local, at, domain = text.rpartition("@")
    return text if domain.isascii() else f"{local}{at}{_in_ascii(domain)}"


def domain_key(address: str) -> str:
    """Return the domain of an address, equal for equal domains; "" if it has none."""
    _, at, domain = address_key(address).rpartition("@")
    return domain if at else ""


def _in_ascii(domain: str) -> str:
    import idna  # noqa: PLC0415  # its tables take a while to load; most addresses do not need them

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:  # no domain that exists: compared as it is written
        return domain
