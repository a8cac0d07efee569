"""RetrieveLocLabels and SetLocLabels: the texts of a component's column in several languages.

The column itself has the text of the base language; the other texts are kept inside the row, so that they are saved,
published and undone with it. Source: Microsoft's pages "RetrieveLocLabels Function" and "SetLocLabels Action". That a
change replaces the texts of all languages, and the codes of refusals, are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.metadata import labels
from shared.local.dataverse_sandbox.organisation.errors import bad_request, row_missing
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.rows import publication
from shared.local.dataverse_sandbox.rows.publication import View
from shared.local.dataverse_sandbox.rows.store import Row, RowRef

LABELS = "@labels"
"""The place of the texts in other languages than the base language in a row; no column has this name."""

_COLUMNS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("systemform", "savedquery", "savedqueryvisualization"), frozenset({"name", "description"})),
    **dict.fromkeys(("environmentvariabledefinition", "webresource"), frozenset({"displayname", "description"})),
    "appmodule": frozenset({"name", "description"}),
    "sitemap": frozenset({"sitemapname"}),
    "appaction": frozenset(
        {"buttonlabeltext", "buttontooltiptitle", "buttontooltipdescription", "buttonaccessibilitytext", "grouptitle"}
    ),
}
"""The columns with texts in several languages, by table."""
_NOT_LOCALIZABLE, _NO_LANGUAGE = "0x80040203", "0x80044347"


def retrieve(call: Invocation) -> dict[str, Any]:
    """Return the texts of a column in one state of its row; WebApiError 404 if the row was never published."""
    row, column = _place(call)
    call.writer.rights.require(Access.READ, row.table)
    view = View.LATEST if call.arguments.get("IncludeUnpublished") else View.PUBLISHED
    seen = publication.seen(view, row.table, call.writer.store.rows(row.table)[row.id])
    if seen is None:
        raise row_missing(row.table, row.id)
    base = call.organization.languages[0]
    return {"Label": labels.from_texts(dict(row_texts(seen, column, base)), base)}


def replace(call: Invocation) -> None:
    """Replace the texts of a column; WebApiError 400 for a language that the organisation lacks."""
    row, column = _place(call)
    call.writer.rights.require(Access.WRITE, row.table)
    texts = _given(call)
    store = call.writer.store
    old = store.rows(row.table)[row.id]
    base = call.organization.languages[0]
    others = {str(language): text for language, text in texts.items() if language != base}
    changed = {**old, column: texts.get(base, old.get(column)), LABELS: {**old.get(LABELS, {}), column: others}}
    present = {name: value for name, value in changed.items() if value is not None}
    store.put(row.table, row.id, publication.unpublished(row.table, present))


def _place(call: Invocation) -> tuple[RowRef, str]:
    row = call.row_argument("EntityMoniker")
    column = str(call.arguments.get("AttributeName"))
    if column not in _COLUMNS.get(row.table, ()):
        raise bad_request(f"The attribute '{column}' of '{row.table}' is not localizable.", _NOT_LOCALIZABLE)
    return row, column


def _given(call: Invocation) -> dict[int, str]:
    given = [one.take_all() for one in call.arguments.get("Labels") or ()]
    texts = labels.texts({"LocalizedLabels": given})
    if not texts:
        raise bad_request("The parameter 'Labels' has no text.", _NOT_LOCALIZABLE)
    if missing := sorted(texts.keys() - set(call.organization.languages)):
        raise bad_request(
            f"The language code {missing[0]} is not a valid language for this organization.", _NO_LANGUAGE
        )
    return texts


def row_texts(row: Row, column: str, base_language: int) -> list[tuple[int, str]]:
    """Return the texts of a column of a row, with their languages; that of the base language comes first."""
    base, others = row.get(column), row.get(LABELS, {}).get(column, {})
    own = [(base_language, base)] if base else []
    return own + [(int(language), text) for language, text in others.items()]
