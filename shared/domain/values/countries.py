"""Countries as people write them: a name in one of the usual languages, or a code, becomes an ISO 3166 code."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from shared.domain.values.texts import visible

NETHERLANDS = "NL"

_LANGUAGES = ("nl", "en", "de", "fr", "es", "it")
_NO_LETTER = re.compile(r"[\W_]+")
_OTHER_NAMES = {
    "holland": NETHERLANDS,
    "nederland": NETHERLANDS,
    "netherlands": NETHERLANDS,
    "nl": NETHERLANDS,
    "nld": NETHERLANDS,
    "thenetherlands": NETHERLANDS,
    "bel": "BE",
    "bundesrepublikdeutschland": "DE",
    "che": "CH",
    "deu": "DE",
    "engeland": "GB",
    "england": "GB",
    "esp": "ES",
    "fra": "FR",
    "gbr": "GB",
    "greatbritain": "GB",
    "grootbrittannie": "GB",
    "lux": "LU",
    "schotland": "GB",
    "scotland": "GB",
    "uk": "GB",
    "unitedstatesofamerica": "US",
    "usa": "US",
    "verenigdestatenvanamerika": "US",
    "wales": "GB",
}


@lru_cache(maxsize=1024)
def country_code(text: str) -> str:
    """Return the two-letter code of a country; "" if the country is not clear."""
    name = _folded(visible(text))
    if not name or name in _OTHER_NAMES:
        return _OTHER_NAMES.get(name, "")
    return _names().get(name, "")


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Index countries by their codes and names; built once, at the first foreign country."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415  # a large table

    found: dict[str, str] = {}
    for code, names in LOCALE_DATA.items():
        for language in _LANGUAGES:
            name = str(names.get(language, ""))
            name = str(names.get(name[1:], "")) if name.startswith("*") else name  # the same as in another language
            found.setdefault(_folded(name), code)
    return found | {code.lower(): code for code in LOCALE_DATA}


def _folded(text: str) -> str:
    """Leave the bare letters, in small: people write Belgie as well."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKD", text)).lower()
