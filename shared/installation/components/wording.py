"""Labels of definitions: built from texts, and compared with what the organisation has.

`@odata.type` is the first member of every object: Dataverse refuses other orders with 0x80040216.
"""

from collections.abc import Mapping
from typing import Any

from shared.installation.desired.texts import Texts
from shared.installation.organisation.organisation import Organisation

CRM = "Microsoft.Dynamics.CRM."


def label(texts: Texts, organisation: Organisation) -> dict[str, Any]:
    """Return a Label in the languages of the organisation."""
    return {
        "@odata.type": f"{CRM}Label",
        "LocalizedLabels": [
            {"@odata.type": f"{CRM}LocalizedLabel", "Label": text, "LanguageCode": lcid}
            for lcid, text in organisation.texts(texts).items()
        ],
    }


def same_label(texts: Texts, found: Mapping[str, Any] | None, organisation: Organisation) -> bool:
    """Return whether the organisation has the texts in each language that the connector sets."""
    labels = (found or {}).get("LocalizedLabels") or ()
    has = {one["LanguageCode"]: one["Label"] for one in labels}
    return all(has.get(lcid) == text for lcid, text in organisation.texts(texts).items())


def merged_label(texts: Texts, found: Mapping[str, Any] | None, organisation: Organisation) -> dict[str, Any]:
    """Return a Label with the connector's texts, and those of other languages as they were found."""
    own = label(texts, organisation)
    codes = {one["LanguageCode"] for one in own["LocalizedLabels"]}
    others = [
        {"@odata.type": f"{CRM}LocalizedLabel", "Label": one["Label"], "LanguageCode": one["LanguageCode"]}
        for one in (found or {}).get("LocalizedLabels") or ()
        if one["LanguageCode"] not in codes
    ]
    return own | {"LocalizedLabels": [*own["LocalizedLabels"], *others]}
