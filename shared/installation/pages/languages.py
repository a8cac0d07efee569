"""The languages of an organisation that the texts of pages are written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from pydantic import ConfigDict

from shared.installation.desired.texts import Language, Texts

STRICT = ConfigDict(extra="forbid")
"""Files of `infra/dataverse/` are read strictly: an unknown word is an error that names it."""


class Names(Enum):
    """The languages that names of pages are written in: those of views, charts, commands, dashboards and apps."""

    EVERY_LANGUAGE = auto()
    BASE_LANGUAGE = auto()


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
        """Return the name of a page, which is a column of its row."""
        by_language = self.texts(texts)
        return dict(by_language) if self.names is Names.EVERY_LANGUAGE and len(by_language) > 1 else by_language[0][1]
