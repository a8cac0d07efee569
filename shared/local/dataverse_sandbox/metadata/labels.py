"""Labels: texts by language, in the form of the Web API.

Source: Microsoft's page "Create and update table definitions using the Web API". A label keeps the texts of the other
languages only if a change says `MSCRM.MergeLabels`. That texts of languages which the organisation lacks are ignored
is inferred from the import of solutions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import NOTHING, Definition
from shared.local.dataverse_sandbox.organisation.errors import bad_request

TYPE = "Microsoft.Dynamics.CRM."
_PARTS = frozenset({"@odata.type", "LocalizedLabels", "UserLocalizedLabel"})


def label(text: str, language: int, translations: Mapping[int, str] = NOTHING) -> Definition:
    """Return a label with its text in the base language, and in others."""
    return from_texts({language: text, **translations}, language)


def from_texts(texts: Mapping[int, str], language: int) -> Definition:
    """Return a label with these texts, by language; empty texts give an empty label."""
    localized = [{"Label": text, "LanguageCode": code, "IsManaged": False} for code, text in texts.items()]
    user = next((one for one in localized if one["LanguageCode"] == language), localized[0] if localized else None)
    return {"LocalizedLabels": localized, "UserLocalizedLabel": user}


def texts(value: Any, languages: Collection[int] = ()) -> dict[int, str]:
    """Read a label of a body: its texts by language, without those of languages that the organisation lacks.

    WebApiError 400 if the value is no label.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not set(value) <= _PARTS:
        raise bad_request("A label must be an object of the type Microsoft.Dynamics.CRM.Label.", "0x80048d19")
    found: dict[int, str] = {}
    for one in value.get("LocalizedLabels") or ():
        if not isinstance(one, Mapping) or not isinstance(one.get("LanguageCode"), int):
            raise bad_request("A localized label needs a Label and a LanguageCode.", "0x80048d19")
        if one.get("Label") and (not languages or one["LanguageCode"] in languages):
            found[one["LanguageCode"]] = str(one["Label"])
    return found


def merged(old: Mapping[int, str], new: Mapping[int, str], *, keeps_others: bool) -> dict[int, str]:
    """Return the texts after a change: with `keeps_others`, languages that the change lacks stay."""
    return {**old, **new} if keeps_others else dict(new)
