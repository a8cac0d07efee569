"""Renders the templates; Jinja2 escapes everything that comes from outside."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.console.rendering import code_words
from shared.console.rendering.locale import Locale, instant
from shared.console.rendering.words import counted, translated

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).resolve().parents[1]
_TEMPLATES, _STATIC = _FOLDER / "templates", _FOLDER / "static"
_SHORTENED, _HEAD, _TAIL = 16, 8, 6

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What the static files are; files of another type are not served."""


def render(template: str, locale: Locale, now: datetime, values: Mapping[str, Any]) -> str:
    """Render a template in the reader's language. ValueError for a value that would hide a helper of its name."""
    environment = _environment(locale.language)
    helpers = {
        "locale": locale,
        "number": locale.number,
        "share": locale.share,
        "span": locale.span,
        "moment": locale.moment,
        "exact": locale.exact,
        "clock": locale.clock,
        "say": locale.say,
        "tell": locale.tell,
        "many": locale.many,
        "since": lambda moment: locale.since(moment, now),
        "now": now,
    }
    if hidden := helpers.keys() & values.keys():
        raise ValueError(f"{template} would lose {', '.join(sorted(hidden))}")
    return environment.get_template(template).render({**helpers, **values})


@lru_cache
def _environment(language: str) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  # not before it is used

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        lambda text: translated(language, text),
        lambda one, many, n: counted(language, one, many, n),
        newstyle=True,
    )
    made.globals["asset"] = asset
    made.globals["words"] = code_words
    made.filters["short"] = short
    made.filters["instant"] = instant
    return made


def short(identifier: object) -> str:
    """Shorten an id in the middle."""
    text = str(identifier)
    return text if len(text) <= _SHORTENED else f"{text[:_HEAD]}…{text[-_TAIL:]}"


@lru_cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the file's content, so that browsers keep it for good."""
    content = (_STATIC / name).read_bytes()
    return f"/console/static/{hashlib.sha256(content).hexdigest()[:12]}-{name}"


@lru_cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Return content and media type of a static file by the last segment of its address; None for another name."""
    plain = name.partition("-")[2]
    path = _STATIC / plain
    if (
        path.parent != _STATIC
        or path.suffix not in MEDIA_TYPES
        or not path.is_file()
        or not asset(plain).endswith(name)
    ):
        return None
    return path.read_bytes(), MEDIA_TYPES[path.suffix]
