"""The English texts of the console: those of the templates, those that the code marks, those of the domain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from shared.composition.settings import Settings
from shared.domain.planning.conditions import Condition
from shared.domain.records.jobs import Operation
from shared.domain.wording.stored import WORDINGS

ROOT = Path(__file__).resolve().parents[3]
_METHODS = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "said": None, "say": None, "many": (1, 2), "ngettext": (1, 2)}


def texts() -> Iterator[tuple[str, str]]:
    """Each text once, with its plural, or ""."""
    found: dict[str, str] = {}
    options = {"**/templates/**.html": {"trimmed": "true"}}
    for _, _, message, _, _ in extract_from_dir(
        ROOT / "shared" / "console", _METHODS, options, keywords=_KEYWORDS, comment_tags=()
    ):
        one, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, "")
        if one and found.get(one, "") == "":
            found[one] = plural or found.get(one, "")
    found |= dict.fromkeys((f"{text[:1].upper()}{text[1:]}" for text in Condition), "")
    found |= {template.value: "" for wording in WORDINGS for template in wording if template.value not in found}
    found |= dict.fromkeys(filter(None, (field.description for field in Settings.model_fields.values())), "")
    found |= dict.fromkeys((operation.label for operation in Operation), "")
    yield from found.items()
