"""Checks `@odata:` queries: a read of one column of one row, within the organisation (MAP-24).

    contacts?$select=fullname&$filter=_parentcustomerid_value eq $ID and statecode eq 0&$orderby=createdon desc
    accounts($ID)?$select=websiteurl

The text is a part of a URL, so special characters are percent-encoded (`%26` for `&`). A query cannot reach another
host, call a function or an action, or read more than one column of the first row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import UUID

from shared.domain.mapping.language.expression import ID_PLACEHOLDER, QueryExpression
from shared.domain.wording.defects import QueryRule
from shared.domain.wording.phrase import PhraseError

_SET = re.compile(r"(?P<set>[a-z][a-z0-9_]*)(?P<key>\(\$ID\))?")
_COLUMN = re.compile(r"[a-z][a-z0-9_]*|_[a-z][a-z0-9_]*_value")
_SELECT, _TOP = "$select", "$top"
_OPTIONS = (_SELECT, "$filter", "$orderby", _TOP)


class QueryError(PhraseError):
    """The query is not allowed; the phrase has the rule."""


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """An allowed query. `selected` is the column as the Web API spells it, lookups as `_name_value`."""

    entity_set: str
    is_keyed: bool
    selected: str
    options: Mapping[str, str]

    @property
    def column(self) -> str:
        """The column's logical name."""
        return self.selected.removeprefix("_").removesuffix("_value") if self.selected[0] == "_" else self.selected

    def path(self, identifier: UUID) -> str:
        """Return the path of the query for a record, relative to the Web API."""
        return f"{self.entity_set}({identifier})" if self.is_keyed else self.entity_set

    def options_for(self, identifier: UUID) -> dict[str, str]:
        """Return the query options for a record, not encoded yet."""
        return {name: value.replace(ID_PLACEHOLDER, str(identifier)) for name, value in self.options.items()}


def read_query(query: QueryExpression) -> ReadQuery:
    """Check a query; QueryError names the broken rule."""
    path, _, rest = query.text.strip().partition("?")
    match = _SET.fullmatch(path)
    if match is None:
        raise QueryError(QueryRule.TABLE())
    options = _options(rest)
    selected = options.get(_SELECT, "")
    if _COLUMN.fullmatch(selected) is None:
        raise QueryError(QueryRule.SELECT())
    is_keyed = match["key"] is not None
    if is_keyed and set(options) != {_SELECT}:
        raise QueryError(QueryRule.ONE_ROW(name=match["set"]))
    if not is_keyed:
        if not options.get(_TOP, "1").isdecimal():
            raise QueryError(QueryRule.TOP())
        options[_TOP] = "1"
    return ReadQuery(match["set"], is_keyed, selected, options)


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if name not in _OPTIONS:
            raise QueryError(QueryRule.OPTIONS(names=_OPTIONS))
        if name in options:
            raise QueryError(QueryRule.TWICE(name=name))
        options[name] = unquote(value).strip()
    return options
