"""Texts in the languages of the connector, and which of them an organisation takes.

Languages that an organisation has not are dropped or refused; its base language must have a text. A base language that
is neither English nor Dutch gets the English text.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from pydantic import BaseModel, ConfigDict


class Language(IntEnum):
    """The languages of the connector, by Microsoft's LCID."""

    ENGLISH = 1033
    DUTCH = 1043


class Names(Enum):
    """The languages that names of rows are written in: those of pages, web resources and variables."""

    EVERY_LANGUAGE = auto()
    BASE_LANGUAGE = auto()


@dataclass(frozen=True, slots=True)
class Texts:
    """One text in English and Dutch."""

    en: str
    nl: str

    def in_languages(self, languages: frozenset[int], base: int) -> dict[int, str]:
        """Return the text by LCID, for the organisation's languages and its base language."""
        own = {int(Language.ENGLISH): self.en, int(Language.DUTCH): self.nl}
        return {base: own.get(base, self.en)} | {lcid: text for lcid, text in own.items() if lcid in languages}


class TextsDocument(BaseModel):
    """Texts as the files have them: `{en: Spotler Job, nl: Spotler-taak}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    nl: str

    def texts(self) -> Texts:
        """Return the value."""
        return Texts(self.en, self.nl)
