"""The languages of an organisation that texts are written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ConfigDict

from shared.installation.desired.texts import Language, Names, Texts

STRICT = ConfigDict(extra="forbid")
"""Files of `infra/dataverse/` are read strictly: an unknown word is an error that names it."""


Localised = str | Mapping[int, str]
"""A name: a text where it has one language, texts by LCID where it has several."""


@dataclass(frozen=True)
class Languages:
    """The language codes (LCID) that an organisation has; `base` is the one that must have a text."""

    base: int = Language.ENGLISH
    provisioned: frozenset[int] = frozenset(Language)
    names: Names = Names.EVERY_LANGUAGE

    def texts(self, texts: Texts) -> tuple[tuple[int, str], ...]:
        """Pair language codes with texts, the base language first."""
        return tuple(texts.in_languages(self.provisioned, self.base).items())

    def name(self, texts: Texts) -> Localised:
        """Return a name that is a column of a row."""
        by_language = self.texts(texts)
        return dict(by_language) if self.names is Names.EVERY_LANGUAGE and len(by_language) > 1 else by_language[0][1]
