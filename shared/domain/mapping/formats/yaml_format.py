"""The mapping as text: YAML in one layout, so that equal mappings are equal texts and a change is one of its lines.

Rows keep their order, the parameters of a row have a fixed order; defaults are not written. Reading is strict
(`strict_yaml.py`).
"""

from typing import Any

import yaml

from shared.domain.mapping.formats.document import VERSION, MappingError, read_mapping
from shared.domain.mapping.formats.strict_yaml import NotYamlError, load
from shared.domain.mapping.model import Mapping, MappingRow
from shared.domain.records.records import PersonTable
from shared.domain.wording.defects import FileDefect

_HEAD = "# The mapping of the Spotler Connector. docs/howto/mapping.md tells what may stand here.\n"
_NEVER_WRAP = 2**31
_ODD_LINE_ENDS = "\r\x85\u2028\u2029"


def to_yaml(mapping: Mapping) -> str:
    """Write the canonical text; `from_yaml` gives the same mapping back."""
    document = as_document(mapping)
    rows = document.pop("rows")
    blocks = [_HEAD + _dump(document) + "rows:\n", *(_indented(_dump([row])) for row in rows)]
    return "\n".join(blocks) if rows else f"{_HEAD}{_dump(document)}rows: []\n"


def from_yaml(text: str) -> Mapping:
    """Read a mapping; MappingError lists all that is wrong with it."""
    try:
        document = load(text)
    except NotYamlError as problem:
        raise MappingError([((), FileDefect.NO_YAML(problem=problem.text))]) from None
    if not isinstance(document, dict):
        raise MappingError([((), FileDefect.NO_KEYS())])
    return read_mapping(document)


def as_document(mapping: Mapping) -> dict[str, Any]:
    """Return the mapping as plain data for `read_mapping`, without defaults."""
    usual = Mapping(())
    periodiek = mapping.periodiek
    written = {
        "language": mapping.language,
        "timeZone": _unless(mapping.time_zone, usual.time_zone),
        "filters": {str(table): str(condition) for table, condition in sorted(mapping.filters.items())},
        "outside": _unless(mapping.outside, usual.outside),
        "entityTable": mapping.entity_table,
        "periodiek": {
            "table": periodiek.table,
            "name": str(periodiek.name),
            "subscribed": periodiek.subscribed,
            **{str(table): lookup for table, lookup in sorted(periodiek.lookups.items())},
        }
        if periodiek
        else None,
    }
    return {"version": VERSION, **_present(written), "rows": [_row(row) for row in mapping.rows]}


def _row(row: MappingRow) -> dict[str, Any]:
    usual = MappingRow("", {})
    written = {
        "spotler": row.property_name,
        **{str(table): str(row.sources[table]) for table in PersonTable if table in row.sources},
        "entity": str(row.entity or ""),
        "direction": _unless(row.direction, usual.direction),
        "filter": row.only,
        "conflict": _unless(row.conflict, usual.conflict),
        "blank": _unless(row.blank, usual.blank),
        "choices": dict(row.choices),
        "foreign": row.foreign,
        "invalid": str(row.on_invalid or ""),
        "comment": row.comment,
    }
    return _present(written)


def _unless(value: str, usual: str) -> str:
    return "" if value == usual else str(value)


def _present(written: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in written.items() if value}


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NEVER_WRAP))


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in text.removesuffix("\n").split("\n"))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if any(character in text for character in _ODD_LINE_ENDS):
        style: str | None = '"'  # as escapes: in other styles YAML reads some of them as a plain line end
    else:
        style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
