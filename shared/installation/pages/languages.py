"""The languages of an organisation that the texts of pages are written for."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict

from shared.installation.desired.texts import Language, Texts

STRICT = ConfigDict(extra="forbid")
"""Files of `infra/dataverse/` are read strictly: an unknown word is an error that names it."""


@dataclass(frozen=True)
class Languages:
    """The language codes (LCID) that an organisation has; `base` is the one that must have a text."""

    base: int = Language.ENGLISH
    provisioned: frozenset[int] = frozenset(Language)

    def texts(self, texts: Texts) -> tuple[tuple[int, str], ...]:
        """Pair language codes with texts, the base language first."""
        return tuple(texts.in_languages(self.provisioned, self.base).items())

    def text(self, texts: Texts) -> str:
        """Return the text of the base language, for components that have one language."""
        return self.texts(texts)[0][1]
