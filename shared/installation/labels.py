"""Labels in English and Dutch, and the languages of an organisation that they are sent for."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked

ENGLISH, DUTCH = 1033, 1043

STRICT = ConfigDict(extra="forbid")
"""Files of `infra/dataverse/` are read strictly: an unknown word is an error that names it."""


@checked(frozen=True, config=STRICT)
class Label:
    """One text of the user interface, in both languages of the connector."""

    en: str
    nl: str


@dataclass(frozen=True)
class Languages:
    """The language codes (LCID) that an organisation has; `base` is the one that must have a text."""

    base: int = ENGLISH
    provisioned: frozenset[int] = frozenset({ENGLISH, DUTCH})

    def texts(self, label: Label) -> tuple[tuple[int, str], ...]:
        """Pair language codes with texts, the base language first.

        Languages that the organisation lacks are left out. A base language that is neither English nor Dutch gets the
        English text, because Dataverse needs a text there.
        """
        known = {ENGLISH: label.en, DUTCH: label.nl}
        others = sorted((self.provisioned & known.keys()) - {self.base})
        return ((self.base, known.get(self.base, label.en)), *((code, known[code]) for code in others))

    def text(self, label: Label) -> str:
        """Return the text of the base language, for components that have one language."""
        return self.texts(label)[0][1]
