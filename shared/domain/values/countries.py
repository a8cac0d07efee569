"""Countries as people write them: a name in one of the usual languages, or a code, becomes an ISO 3166 code."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

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
    names_of_countries = _names_of_countries()
    found: dict[str, str] = {}
    for code, names in names_of_countries.items():
        for language in _LANGUAGES:
            name = str(names.get(language, ""))
            name = str(names.get(name[1:], "")) if name.startswith("*") else name  # the same as in another language
            found.setdefault(_folded(name), code)
    return found | {code.lower(): code for code in names_of_countries}


def _names_of_countries() -> Mapping[str, Mapping[str, str]]:
    """Read the names in all languages by code: one module of `phonenumbers`, without the package that it is part of.

    The package `phonenumbers.geodata` also loads the names of towns: 100 MB, and a fifth of a second.
    """
    import phonenumbers  # noqa: PLC0415  # its tables take a while to load

    path = Path(phonenumbers.__path__[0], "geodata", "locale.py")
    spec = spec_from_file_location("phonenumbers.geodata.locale", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    names: Mapping[str, Mapping[str, str]] = module.LOCALE_DATA
    return names


def _folded(text: str) -> str:
    """Leave the bare letters, in small: people write Belgie as well."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKD", text)).lower()
