"""The `Prefer` header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented

MAX_PAGE_SIZE = 5000
FORMATTED = "OData.Community.Display.V1.FormattedValue"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
MORE_RECORDS = "Microsoft.Dynamics.CRM.morerecords"
PAGING_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
TOTAL_EXCEEDED = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"

_ANNOTATIONS = (FORMATTED, NAVIGATION, LOOKUP_TABLE, MORE_RECORDS, PAGING_COOKIE, TOTAL, TOTAL_EXCEEDED)
_PREFERENCE = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,;\s]*))?\s*(?:[,;]|$)')
_SIMULATED = {
    "odata.maxpagesize": r"\d+",
    "odata.include-annotations": r".*",
    "odata.continue-on-error": r"(true)?",
    "return": r"representation|minimal",
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of a caller.

    `pages` is true if the caller chose the page size; `applied` is the text of the answer's `Preference-Applied`.
    """

    page_size: int = MAX_PAGE_SIZE
    pages: bool = False
    annotations: tuple[str, ...] = ()
    representation: bool = False
    continue_on_error: bool = False
    applied: str = ""

    @property
    def applied_to_row(self) -> str:
        """The `Preference-Applied` of an answer with a single row, which has no pages."""
        return f'odata.include-annotations="{",".join(self.annotations)}"' if self.annotations else ""

    def wants(self, annotation: str) -> bool:
        """Whether the caller wants this annotation, by name or by a pattern such as `*`."""
        return any(fnmatchcase(annotation, pattern) for pattern in self.annotations)


def parse(header: str) -> Preferences:
    """Read the header; WebApiError 501 for a preference, a value or an annotation that is not simulated."""
    found = _preferences(header)
    size = found.get("odata.maxpagesize", "")
    annotations = tuple(one.strip() for one in found.get("odata.include-annotations", "").split(",") if one.strip())
    for pattern in annotations:
        if not any(fnmatchcase(annotation, pattern) for annotation in _ANNOTATIONS):
            raise not_implemented(f"The annotation '{pattern}' of odata.include-annotations")
    applied = []
    if size:
        applied.append(f"odata.maxpagesize={size}")
    if annotations:
        applied.append(f'odata.include-annotations="{",".join(annotations)}"')
    return Preferences(
        page_size=min(max(int(size), 1), MAX_PAGE_SIZE) if size else MAX_PAGE_SIZE,
        pages=bool(size),
        annotations=annotations,
        representation=found.get("return") == "representation",
        continue_on_error="odata.continue-on-error" in found,
        applied=", ".join(applied),
    )


def _preferences(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while header[position:].strip():
        match = _PREFERENCE.match(header, position)
        if match is None:
            raise bad_request(f"The Prefer header is malformed at position {position}.")
        name, value, position = match[1].lower(), (match[2] or "").strip('"'), match.end()
        if name not in _SIMULATED or not re.fullmatch(_SIMULATED[name], value):
            raise not_implemented(f"The preference '{name}{f'={value}' if value else ''}'")
        found[name] = value
    return found
