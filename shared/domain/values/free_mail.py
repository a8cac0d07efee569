"""Domains of free mail services and access providers: people with addresses there need not know each other."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_LONGEST_ENDING = 3
"""Letters of a part behind the name of a service: `com`, `co.uk`."""


@dataclass(frozen=True, slots=True)
class FreeMail:
    """Knows the services of the packaged file, and `more` domains of the settings. All in lower case."""

    more: frozenset[str] = frozenset()

    def has(self, domain: str) -> bool:
        """Whether a domain (as `address_key` writes it) belongs to such a service."""
        domains, families = _packaged()
        name, _, ending = domain.partition(".")
        is_of_family = name in families and all(len(part) <= _LONGEST_ENDING for part in ending.split("."))
        return domain in self.more or domain in domains or is_of_family


@cache
def _packaged() -> tuple[Collection[str], Collection[str]]:
    """Read the file on the first question: a start does not need it."""
    import yaml  # noqa: PLC0415  # see above

    content = yaml.safe_load(files(__package__).joinpath("free_mail.yaml").read_text(encoding="utf-8"))
    return frozenset(domain for several in content["domains"].values() for domain in several), frozenset(
        content["families"]
    )
